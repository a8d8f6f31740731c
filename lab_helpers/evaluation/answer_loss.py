"""How well a model expects the right answers: the loss on their tokens alone."""

import math

import torch

from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.masks import IGNORED, ids_and_labels, masked_loss


@torch.inference_mode()
def answer_loss(
    model, tokenizer, examples: list[dict], batch_size: int = 16, max_length: int | None = None
) -> float:
    """Mean loss over all answer tokens of ``examples`` (rows as for training), token by token.

    Rows are cut at ``max_length``; :class:`BadInput` where no answer token is left.
    """
    rows = [ids_and_labels(tokenizer, example) for example in examples]
    rows = sorted(((ids[:max_length], labels[:max_length]) for ids, labels in rows), key=lambda r: len(r[0]))  # fmt: skip
    total = count = 0.0
    for first in range(0, len(rows), batch_size):
        batch = rows[first : first + batch_size]
        ids, labels = pad_right([r[0] for r in batch], 0), pad_right([r[1] for r in batch], IGNORED)
        counted = int((labels[:, 1:] != IGNORED).sum())
        if counted:
            logits = model(input_ids=ids.to(model.device)).logits.cpu()
            total += float(masked_loss(logits, labels)) * counted
            count += counted
    if not count:
        raise BadInput("no answer has a token left", "Raise max_length, or give rows with answers.")
    return total / count if math.isfinite(total) else math.inf


def pad_right(rows: list[list[int]], filler: int) -> torch.Tensor:
    """Rows of unequal length as one tensor, filled on the right."""
    width = max(map(len, rows))
    return torch.tensor([row + [filler] * (width - len(row)) for row in rows])
