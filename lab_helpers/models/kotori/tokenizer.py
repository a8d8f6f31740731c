"""Kotori's tokenizer: byte-level BPE, one token a digit, ChatML, English and Japanese in one table."""

from collections.abc import Iterable
from pathlib import Path

from lab_helpers.models.kotori.documents import END_OF_TEXT

SPECIAL_TOKENS = (END_OF_TEXT, "<|im_start|>", "<|im_end|>")

# Scripts are kept apart, so that a katakana name is cut the same way whatever follows it: what is
# to be copied must look the same in the passage and in the answer.
SPLIT = (
    r"'(?:s|t|re|ve|m|ll|d)| ?\p{Latin}+|[\p{Han}々]+|\p{Hiragana}+|[\p{Katakana}ー]+"
    r"|\p{N}|[\r\n]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+|."
)

# `{% generation %}` marks the assistant's tokens, so that TRL's assistant_only_loss finds them.
CHAT_TEMPLATE = (
    "{%- for message in messages %}"
    "{%- if message['role'] == 'assistant' %}"
    "{{- '<|im_start|>assistant\\n' }}"
    "{%- generation %}{{- message['content'] + '<|im_end|>' }}{%- endgeneration %}"
    "{{- '\\n' }}"
    "{%- elif message['role'] in ('system', 'user') %}"
    "{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{%- else %}"
    "{{- raise_exception('Kotori knows the roles system, user and assistant, not ' + message['role']) }}"
    "{%- endif %}"
    "{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}"
)


def train(texts: Iterable[str], vocab_size: int):
    """A byte-level BPE ``transformers`` tokenizer of ``vocab_size`` entries learned from ``texts``."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=list(SPECIAL_TOKENS),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return wrapped(tokenizer)


def wrapped(tokenizer):
    """The ``tokenizers`` object as a ``transformers`` tokenizer with ChatML as its chat template."""
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token=END_OF_TEXT,
        additional_special_tokens=["<|im_start|>"],
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
        padding_side="right",
    )
    fast.chat_template = CHAT_TEMPLATE
    return fast


def load(folder: Path):
    """The tokenizer saved in ``folder``."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
