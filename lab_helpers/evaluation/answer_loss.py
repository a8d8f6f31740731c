"""How well a model expects the right answers: the loss on their tokens alone."""

import math

import numpy as np
import torch

from lab_helpers.models.logits import last_logits, row_pieces
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
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
        lost, heard = _summed_loss(model, ids.to(model.device), labels.to(model.device))
        total, count = total + lost, count + heard
    if not count:
        raise BadInput(
            say("no answer has a token left", "どの回答にもトークンが残っていません"),
            say(
                "Raise max_length, or give rows with answers.",
                "max_length を大きくするか、回答のある行を渡してください。",
            ),
        )
    return total / count if math.isfinite(total) else math.inf


@torch.inference_mode()
def answer_losses(model, tokenizer, examples: list[dict], batch_size: int = 20) -> np.ndarray:
    """Mean loss over the answer's tokens of each row, shape (rows,): paired, so that two models compare.

    Soft prompts that a model puts in front of a text are not counted.
    """
    rows = [ids_and_labels(tokenizer, example) for example in examples]
    order = sorted(range(len(rows)), key=lambda i: len(rows[i][0]))
    found = np.zeros(len(rows))
    for start in range(0, len(order), batch_size):
        some = order[start : start + batch_size]
        ids = pad_right([rows[i][0] for i in some], 0).to(model.device)
        labels = pad_right([rows[i][1] for i in some], IGNORED).to(model.device)[:, 1:]
        mask = pad_right([[1] * len(rows[i][0]) for i in some], 0).to(model.device)
        width = ids.shape[1]
        logits = last_logits(model, ids, width, attention_mask=mask)[:, -width:-1].float()
        loss = torch.nn.functional.cross_entropy(
            logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none"
        )
        found[some] = (loss.sum(dim=1) / (labels != IGNORED).sum(dim=1)).cpu().numpy()
    return found


def _summed_loss(model, ids: torch.Tensor, labels: torch.Tensor) -> tuple[float, int]:
    """The summed loss and the number of heard tokens of a batch; logits from the first heard token on."""
    heard = (labels != IGNORED)[:, 1:]
    if not heard.any():
        return 0.0, 0
    kept = labels.shape[1] - int(heard.any(0).nonzero()[0])
    total = 0.0
    for rows in row_pieces(model, len(ids), kept):
        counted = int(heard[rows].sum())
        if counted:
            logits = last_logits(model, ids[rows], kept)
            total += float(masked_loss(logits, labels[rows, -kept:])) * counted
    return total, int(heard.sum())


def pad_right(rows: list[list[int]], filler: int) -> torch.Tensor:
    """Rows of unequal length as one tensor, filled on the right."""
    width = max(map(len, rows))
    return torch.tensor([row + [filler] * (width - len(row)) for row in rows])
