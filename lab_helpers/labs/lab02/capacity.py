"""A task that needs rank: store random key→value pairs in one frozen layer through an adapter."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from lab_helpers.figures import charts
from lab_helpers.figures.style import words
from lab_helpers.runtime.lexicon import term
from lab_helpers.tuning.lora import lora_scaling


@dataclass(frozen=True)
class CapacityTask:
    """``pairs`` random unit keys and values of length ``width``; a perfect ΔW has full rank."""

    width: int = 64
    pairs: int = 64
    steps: int = 150
    learning_rate: float = 5e-3

    def measure_loss(
        self, layer_class: Callable, r: int, alpha: float, rank_stabilized: bool, seed: int
    ) -> float:
        """Mean squared error after training, as a share of the error before (1 = learned nothing).

        ``layer_class(linear, r, alpha)`` is a LoRA layer that scales by α/r, with parameters ``A`` and
        ``B``; for α/√r it is given an α that much larger.
        """
        torch.manual_seed(seed)
        keys = nn.functional.normalize(torch.randn(self.pairs, self.width), dim=-1)
        values = nn.functional.normalize(torch.randn(self.pairs, self.width), dim=-1)
        frozen = nn.Linear(self.width, self.width, bias=False).requires_grad_(False)
        layer = layer_class(frozen, r, r * lora_scaling(alpha, r, rank_stabilized))
        optimizer = torch.optim.Adam([layer.A, layer.B], lr=self.learning_rate)
        first = None
        for _ in range(self.steps):
            loss = nn.functional.mse_loss(layer(keys), values)
            first = first if first is not None else loss.item()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return nn.functional.mse_loss(layer(keys), values).item() / first


def measure_capacity(
    task: CapacityTask,
    layer_class: Callable,
    seeds: list[int],
    ranks=(1, 4, 16, 64),
    alpha: float = 16,
) -> list[dict]:
    """Mean remaining loss over seeds for each rank under α/r and α/√r."""
    return [
        {
            "scaling": name,
            "r": r,
            "loss": float(
                np.mean([task.measure_loss(layer_class, r, alpha, stabilized, s) for s in seeds])
            ),
        }
        for name, stabilized in (("alpha/r", False), ("alpha/sqrt(r)", True))
        for r in ranks
    ]


def capacity_metrics(rows: list[dict]) -> dict[str, float]:
    """Loss at r = 1 over loss at the largest rank, and what α/√r saves there."""
    loss = {(row["scaling"], row["r"]): row["loss"] for row in rows}
    top = max(row["r"] for row in rows)
    return {
        "rank_capacity_loss_ratio": loss["alpha/sqrt(r)", 1] / loss["alpha/sqrt(r)", top],
        "rslora_gain_high_rank": loss["alpha/r", top] - loss["alpha/sqrt(r)", top],
    }


def capacity_figure(rows: list[dict]):
    names = dict.fromkeys(row["scaling"] for row in rows)
    series = {
        term(name): [(row["r"], row["loss"]) for row in rows if row["scaling"] == name]
        for name in names
    }
    label = words("loss / loss before", "損失 / 学習前の損失")
    return charts.lines(series, "r", label, logx=True, logy=True)
