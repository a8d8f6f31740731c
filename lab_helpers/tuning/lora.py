"""LoRA by hand (Hu et al. 2021, arXiv:2106.09685), written to be read and tested equal to PEFT.

Shapes, for one linear layer: x (…, k), W (d, k), A (r, k), B (d, r).
"""

import math

import torch
from torch import nn


def lora_scaling(alpha: float, r: int, rank_stabilized: bool = False) -> float:
    """The factor before BA: α/r (LoRA §4.1), or α/√r (rsLoRA, Kalajdzievski 2023, Thm 3.2)."""
    return alpha / math.sqrt(r) if rank_stabilized else alpha / r


def lora_forward(x, base, A, B, alpha: float, r: int) -> torch.Tensor:
    """h = base(x) + (α/r) · x Aᵀ Bᵀ — LoRA eq. (3), (…, k) → (…, d). BA is never formed.

    ``base`` is the frozen ``nn.Linear``, bias and all.
    """
    return base(x) + (alpha / r) * (x @ A.T) @ B.T


def merge(W, A, B, alpha: float, r: int) -> torch.Tensor:
    """W' = W + (α/r) · BA, shape (d, k): after this the adapter costs nothing at inference."""
    return W + (alpha / r) * B @ A


def init_lora(d: int, k: int, r: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A (r, k) Kaiming-uniform and B (d, r) zero, so that BA = 0 at the start — LoRA §4.1."""
    A = torch.empty(r, k)
    nn.init.kaiming_uniform_(A, a=math.sqrt(5))
    return A, torch.zeros(d, r)


def adapter_parameters(shapes: list[tuple[int, int]], r: int) -> int:
    """Parameters of an adapter on matrices of shape (d, k): Σ r · (d + k) — LoRA §4.2."""
    return sum(r * (d + k) for d, k in shapes)
