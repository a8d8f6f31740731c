"""A task that needs rank: store random key→value pairs in one frozen layer through an adapter."""

from dataclasses import dataclass

import torch
from torch import nn

from lab_helpers.tuning.lora import LoraLinear


@dataclass(frozen=True)
class CapacityTask:
    """``pairs`` random unit keys and values of length ``width``; a perfect ΔW has full rank."""

    width: int = 64
    pairs: int = 64
    steps: int = 150
    learning_rate: float = 5e-3

    def loss(self, r: int, alpha: float, rank_stabilized: bool, seed: int) -> float:
        """Mean squared error after training, as a share of the error before (1 = learned nothing)."""
        torch.manual_seed(seed)
        keys = nn.functional.normalize(torch.randn(self.pairs, self.width), dim=-1)
        values = nn.functional.normalize(torch.randn(self.pairs, self.width), dim=-1)
        layer = LoraLinear(nn.Linear(self.width, self.width, bias=False), r, alpha, rank_stabilized)
        optimizer = torch.optim.Adam([layer.A, layer.B], lr=self.learning_rate)
        first = None
        for _ in range(self.steps):
            loss = nn.functional.mse_loss(layer(keys), values)
            first = first if first is not None else loss.item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return nn.functional.mse_loss(layer(keys), values).item() / first
