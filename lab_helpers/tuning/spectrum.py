"""What fine-tuning did to the weights: how much each matrix moved, and how low its rank is."""

import torch
from torch import nn

from lab_helpers.tuning.classifier import encoder_blocks


def matrices(encoder) -> dict[str, torch.Tensor]:
    """Copies of all weight matrices of the encoder's blocks: ``"3.attention.self.query"`` → (d, k)."""
    return {
        name: module.weight.detach().cpu().clone()
        for name, module in encoder_blocks(encoder).named_modules()
        if isinstance(module, nn.Linear)
    }


def deltas(
    before: dict[str, torch.Tensor], after: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """ΔW = after − before for every matrix."""
    return {name: after[name] - before[name] for name in before}


def relative_change(before, after):
    """‖ΔW‖ / ‖W‖ (Frobenius) of one matrix."""
    return (after - before).norm() / before.norm()


def matrix_rows(names) -> list[dict]:
    """Block and short name of every matrix of :func:`matrices`, in order."""
    return [{"block": int(name.split(".")[0]), "matrix": _short(name)} for name in names]


def energy(delta: torch.Tensor) -> torch.Tensor:
    """Share of ‖ΔW‖² in the first 1, 2, … singular directions; shape (min(d, k),), ends at 1.

    By Eckart–Young the best rank-r matrix keeps exactly ``energy(delta)[r - 1]``.
    """
    squares = torch.linalg.svdvals(delta.double()) ** 2
    return (squares.cumsum(0) / squares.sum()).float()


def best_rank(delta: torch.Tensor, r: int) -> torch.Tensor:
    """The closest matrix of rank ``r`` (truncated SVD), same shape as ``delta``."""
    u, s, v = torch.linalg.svd(delta.double(), full_matrices=False)
    return ((u[:, :r] * s[:r]) @ v[:r]).float()


def _short(name: str) -> str:
    names = {
        "attention.self.query": "query",
        "attention.self.key": "key",
        "attention.self.value": "value",
        "attention.output.dense": "attention out",
        "intermediate.dense": "MLP up",
        "output.dense": "MLP down",
    }
    return names.get(name.split(".", 1)[1], name)
