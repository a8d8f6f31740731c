"""A padding token for tokenizers that have none (Llama 3): one of their own that nothing else uses.

Never the end token, which many tutorials take: a collator that hides padding from the loss then hides the
end as well, and the model never learns to stop (transformers#23530).
"""

import json
import re

# What families call the token that they keep for padding, then those that they keep for nothing yet.
_MEANT_FOR_IT = ("<|finetune_right_pad_id|>", "<|pad|>", "<pad>", "[PAD]", "<|padding|>", "<PAD>")
_KEPT_FREE = re.compile(
    r"<\|reserved_special_token_\d+\|>|<\|reserved_token_\d+\|>|<\|reserved_\d+\|>|<\|unused_?\d+\|>"
    r"|<unused_?\d+>|\[unused\d+\]|<reserved_\d+>|\[control_\d+\]|<\|dummy_\d+\|>|<\|extra_\d+\|>"
)
_UNKNOWN = "<unk>"


def pad_with_unused_token(tokenizer) -> str | None:
    """Give ``tokenizer`` a padding token out of its own vocabulary, in memory; ``None`` where none is free.

    The vocabulary does not grow, so the model's embeddings stay as they are.
    """
    token = find_unused_token(tokenizer)
    if token is not None:
        tokenizer.pad_token = token
    return token


def find_unused_token(tokenizer) -> str | None:
    """A token meant for padding, else the first reserved one, else one for letters that cannot be missing."""
    known = tokenizer.get_vocab()
    in_use = {tokenizer.eos_token, tokenizer.bos_token}
    free = [token for token in _MEANT_FOR_IT if token in known]
    reserved = [token for token in known if _KEPT_FREE.fullmatch(token)]
    free += sorted(reserved, key=known.__getitem__)
    if _UNKNOWN in known and _spells_everything(tokenizer):
        free.append(_UNKNOWN)
    return next((token for token in free if token not in in_use and not _is_written(token, tokenizer)), None)  # fmt: skip


def _is_written(token: str, tokenizer) -> bool:
    """Whether the chat template itself writes the token, which then means something to the model."""
    return token in str(tokenizer.chat_template or "")


def _spells_everything(tokenizer) -> bool:
    """Whether unknown letters are written as bytes (Llama 2), so that ``<unk>`` never comes up."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    return bool(backend and json.loads(backend.to_str())["model"].get("byte_fallback"))
