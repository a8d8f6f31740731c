"""Logits where they are wanted, and few at a time: with 150,000 words all places of a batch are gigabytes.

16 rows of 512 tokens under Qwen2.5's vocabulary are 2.5 GB in fp16, and the log-softmax of them in float32
twice 5 GB; a T4 has 14.
"""

import inspect
from collections.abc import Iterator

import torch

MOST_BYTES = 1 << 30
"""So much may the logits of one pass take, with their log-softmax."""


def last_logits(model, ids: torch.Tensor, count: int, **inputs) -> torch.Tensor:
    """Logits of the last ``count`` places, (rows, count, vocabulary); only these where the model can.

    ``inputs`` go to the model beside the token ids.
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    if "logits_to_keep" in inspect.signature(getattr(inner, "forward", inner)).parameters:
        return model(input_ids=ids, logits_to_keep=count, **inputs).logits
    return model(input_ids=ids, **inputs).logits[:, -count:]


def row_pieces(model, rows: int, count: int, most: int = MOST_BYTES) -> Iterator[slice]:
    """``rows`` rows in pieces whose logits of ``count`` places each, and their log-softmax, stay below ``most``."""
    words = model.config.get_text_config().vocab_size
    # As they are, as float32, and the log-softmax of that.
    size = count * words * (model.dtype.itemsize + 2 * 4)
    at_once = max(1, most // size)
    for first in range(0, rows, at_once):
        yield slice(first, min(first + at_once, rows))


def last_states(model, **inputs) -> torch.Tensor:
    """What the model holds at each place before it names words, (rows, length, width): no logits at all.

    Only the body runs, with whatever adapter is on it, and keeps nothing of the layers below.
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return inner.base_model(**inputs, use_cache=False).last_hidden_state
