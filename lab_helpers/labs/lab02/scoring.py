"""Lab 02: losses of a model on held-out answers, what differs between two models, and bytes."""

import hashlib
from collections.abc import Iterable

import numpy as np
import torch
from torch import nn

from lab_helpers.labs.lab02.rows import IGNORED, pad_examples


@torch.no_grad()
def measure_losses(model, examples: list[dict], batch_size: int = 8) -> np.ndarray:
    """Mean loss over the answer's tokens of each example, shape (examples,)."""
    model.eval()
    order = sorted(range(len(examples)), key=lambda i: len(examples[i]["input_ids"]))
    found = np.zeros(len(examples))
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        batch = pad_examples([examples[i] for i in rows], model.device)
        labels = batch.pop("labels")[:, 1:]
        logits = model(**batch).logits[:, :-1].float()
        loss = nn.functional.cross_entropy(
            logits.transpose(1, 2), labels, ignore_index=IGNORED, reduction="none"
        )
        counted = (labels != IGNORED).sum(dim=1)
        found[rows] = (loss.sum(dim=1) / counted).cpu().numpy()
    return found


@torch.no_grad()
def measure_difference(one, other, batch: dict) -> float:
    """Largest absolute difference between two models' logits on ``batch``."""
    asked = {name: batch[name] for name in ("input_ids", "attention_mask")}
    return float((one.eval()(**asked).logits - other.eval()(**asked).logits).abs().max())


def hash_weights(model: nn.Module) -> str:
    """SHA-256 of a model's frozen weights, an adapter's own left out: the same bytes, the same hash."""
    digest = hashlib.sha256()
    for parameter in model.parameters():
        if not parameter.requires_grad:
            digest.update(parameter.detach().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def count_bytes(tensors: Iterable[torch.Tensor]) -> int:
    """Bytes that ``tensors`` take together."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
