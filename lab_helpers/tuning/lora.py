"""LoRA by hand (Hu et al. 2021, arXiv:2106.09685), written to be read and tested equal to PEFT.

Shapes, for one linear layer: x (n, k), W (d, k), A (r, k), B (d, r).
"""

import math

import torch
from torch import nn

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say


def lora_scaling(alpha: float, r: int, rank_stabilized: bool = False) -> float:
    """The factor before BA: α/r (LoRA §4.1), or α/√r (rsLoRA, Kalajdzievski 2023, Thm 3.2)."""
    return alpha / math.sqrt(r) if rank_stabilized else alpha / r


def lora_forward(x, W, A, B, alpha: float, r: int) -> torch.Tensor:
    """h = x Wᵀ + (α/r) · x Aᵀ Bᵀ — LoRA eq. (3), (n, k) → (n, d). BA is never formed."""
    return x @ W.T + (alpha / r) * (x @ A.T) @ B.T


def merge(W, A, B, alpha: float, r: int) -> torch.Tensor:
    """W' = W + (α/r) · BA, shape (d, k): after this the adapter costs nothing at inference."""
    return W + (alpha / r) * B @ A


def init_lora(d: int, k: int, r: int) -> tuple[torch.Tensor, torch.Tensor]:
    """A (r, k) Kaiming-uniform and B (d, r) zero, so that BA = 0 at the start — LoRA §4.1."""
    A = torch.empty(r, k)
    nn.init.kaiming_uniform_(A, a=math.sqrt(5))
    return A, torch.zeros(d, r)


class LoraLinear(nn.Module):
    """A frozen ``nn.Linear`` with a trainable low-rank path beside it.

    ``A`` starts Kaiming-uniform, ``B`` at zero, so the layer starts exactly as ``base``.
    """

    def __init__(self, base: nn.Linear, r: int, alpha: float, rank_stabilized: bool = False):
        super().__init__()
        if r < 1:
            raise ValueError("r must be at least 1")
        self.base = base.requires_grad_(False)
        self.scaling = lora_scaling(alpha, r, rank_stabilized)
        A, B = init_lora(base.out_features, base.in_features, r)
        self.A = nn.Parameter(A.to(base.weight.device))
        self.B = nn.Parameter(B.to(base.weight.device))
        self.merged = False

    def delta(self) -> torch.Tensor:
        """ΔW = scaling · BA, shape (out, in)."""
        return self.scaling * self.B @ self.A

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.merged:
            return self.base(x)
        return self.base(x) + self.scaling * (x @ self.A.T) @ self.B.T

    @torch.no_grad()
    def merge(self) -> None:
        """Add ΔW into the base weight; calling it twice changes nothing."""
        if not self.merged:
            self.base.weight += self.delta()
            self.merged = True

    @torch.no_grad()
    def unmerge(self) -> None:
        """Take ΔW out again."""
        if self.merged:
            self.base.weight -= self.delta()
            self.merged = False


def add_lora(
    model: nn.Module, target_modules: list[str], r: int, alpha: float, **options
) -> list[str]:
    """Freeze ``model`` and wrap every linear layer whose name ends with a target (whole parts, as in PEFT); return their names."""
    model.requires_grad_(False)
    endings = tuple(f".{target}" for target in target_modules)
    found = [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and f".{name}".endswith(endings)
    ]
    if not found:
        raise BadInput(
            say(
                f"no linear layer is called {', '.join(target_modules)}",
                f"{', '.join(target_modules)} という名前の線形層はありません",
            ),
            say(
                "Print model.named_modules() and choose names from there.",
                "model.named_modules() を表示して、その中から名前を選んでください。",
            ),
        )
    for name in found:
        parent_name, _, child = name.rpartition(".")
        parent = model.get_submodule(parent_name)
        setattr(parent, child, LoraLinear(getattr(parent, child), r, alpha, **options))
    return found


def adapter_parameters(shapes: list[tuple[int, int]], r: int) -> int:
    """Parameters of an adapter on matrices of shape (d, k): Σ r · (d + k) — LoRA §4.2."""
    return sum(r * (d + k) for d, k in shapes)
