"""A tokenizer without padding gets a token of its own that nothing else uses, never the end token."""

import pytest
from random_models import FAMILIES, save_random_model, tokenizer_of
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

from lab_helpers.models.language_models import load_chat_tokenizer, load_language_model
from lab_helpers.models.padding import find_unused_token, pad_with_unused_token
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.pairs import pair_batch, preference_pairs

RESERVED = tuple(f"<|reserved_special_token_{number}|>" for number in (10, 2, 0))


def without_padding(family: str, *more: str):
    tokenizer = tokenizer_of(family, more)
    tokenizer.pad_token = None
    return tokenizer


def words(*tokens: str, byte_fallback: bool = False, **special):
    """A tokenizer of a few tokens; Llama 2's kind where unknown letters become bytes."""
    vocabulary = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    kind = models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=byte_fallback)
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(kind), **special)


def test_llama_3_has_a_token_for_it():
    tokenizer = without_padding("Llama", "<|finetune_right_pad_id|>", *RESERVED)
    size = len(tokenizer)
    assert pad_with_unused_token(tokenizer) == tokenizer.pad_token == "<|finetune_right_pad_id|>"
    assert len(tokenizer) == size, "the embeddings fit as before"
    assert tokenizer.pad_token_id != tokenizer.eos_token_id


@pytest.mark.parametrize(
    ("tokens", "chosen"),
    [
        (("a", *RESERVED), RESERVED[0]),  # Llama 3.0: the lowest number in the vocabulary
        (("a", "<unused7>", "<pad>"), "<pad>"),
        (("a", "<unused0>"), "<unused0>"),
        (("a", "[control_8]"), "[control_8]"),
        (("a", "[unused3]"), "[unused3]"),
        (("a", "<|extra_0|>", "<|reserved_9|>"), "<|extra_0|>"),
        (("a", "</s>", "<unk>"), None),
        (("a", "<|end|>"), None),
    ],
)
def test_what_is_meant_for_padding_comes_first_then_what_is_kept_free(tokens, chosen):
    assert find_unused_token(words(*tokens)) == chosen


def test_the_unknown_token_is_free_where_letters_become_bytes():
    tokens = ("<unk>", "<s>", "</s>", "a")
    assert find_unused_token(words(*tokens, byte_fallback=True)) == "<unk>"
    assert find_unused_token(words(*tokens)) is None


def test_ends_and_starts_are_never_taken():
    tokenizer = words("a", "<pad>", "[PAD]", "<unused0>", eos_token="<pad>", bos_token="[PAD]")
    assert find_unused_token(tokenizer) == "<unused0>"


def test_a_token_that_the_template_writes_is_in_use():
    tokenizer = words("a", "<pad>", "<unused0>")
    tokenizer.chat_template = "{{ '<pad>' }}{{ messages[0]['content'] }}"
    assert find_unused_token(tokenizer) == "<unused0>"


@pytest.fixture
def llama(tmp_path):
    """A random Llama 3 as its makers publish it: reserved tokens, and none for padding."""
    save_random_model(tmp_path, "Llama", ("<|reserved_special_token_0|>",))
    without_padding("Llama", "<|reserved_special_token_0|>").save_pretrained(tmp_path)
    settings = tmp_path / "tokenizer_config.json"
    assert '"pad_token": "' not in settings.read_text()
    vocabulary = (tmp_path / "tokenizer.json").read_text()
    (tmp_path / "tokenizer.json").write_text(
        vocabulary.replace("<|finetune_right_pad_id|>", "<|python_tag|>")
    )
    return tmp_path


def test_a_model_without_padding_is_loaded_and_pairs_are_filled_up(llama):
    model, tokenizer = load_language_model(str(llama))
    assert tokenizer.pad_token == "<|reserved_special_token_0|>"
    rows = [{"prompt": "Is it warm?", "chosen": "Yes.", "rejected": "No, it is rather cold."}]
    batch = pair_batch(tokenizer, preference_pairs(rows))
    padding = batch["input_ids"][batch["attention_mask"] == 0]
    assert set(padding.tolist()) == {tokenizer.pad_token_id}
    assert tokenizer.eos_token_id != tokenizer.pad_token_id < model.config.vocab_size


def test_nothing_is_written_into_the_folder(llama):
    before = (llama / "tokenizer_config.json").read_text()
    load_chat_tokenizer(str(llama))
    assert (llama / "tokenizer_config.json").read_text() == before


@pytest.mark.parametrize("family", FAMILIES)
def test_without_a_free_token_the_refusal_stays(tmp_path, family):
    tokenizer = without_padding(family)
    own = FAMILIES[family][2]
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    vocabulary = tmp_path / "tokenizer.json"
    vocabulary.write_text(vocabulary.read_text().replace(own, "<|begin_of_tool|>"))
    with pytest.raises(BadInput, match="has no padding token") as caught:
        load_chat_tokenizer(str(tmp_path))
    assert "not the EOS token" in caught.value.fix
