"""Lab 02: how much of a real ΔW its first singular directions hold."""

import numpy as np
import torch

from lab_helpers.tuning import spectrum


def matrix_deltas(before, after) -> dict[str, torch.Tensor]:
    """ΔW of every matrix in the blocks of two copies of a model: ``"layers.0.self_attn.q_proj"`` → (d, k)."""
    return spectrum.deltas(_matrices(before), _matrices(after))


def _matrices(model) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix("model.").removesuffix(".weight"): parameter.detach().cpu()
        for name, parameter in model.named_parameters()
        if parameter.ndim == 2 and ".layers." in name
    }


def compute_energies(
    delta: dict[str, torch.Tensor], seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Cumulative energy of the square matrices' ΔW, and of a random matrix of the same shape."""
    square = {name: matrix for name, matrix in delta.items() if matrix.shape[0] == matrix.shape[1]}
    size = next(iter(square.values())).shape
    noise = torch.randn(size, generator=torch.Generator().manual_seed(seed))
    return {name: spectrum.energy(m).numpy() for name, m in square.items()}, spectrum.energy(
        noise
    ).numpy()


def energy_metrics(energies: dict[str, np.ndarray], reference: np.ndarray) -> dict[str, float]:
    """Mean energy in the top 1, 8 and 64 directions, and the rank that holds 90 %."""
    curves = list(energies.values())
    metrics = {f"energy_top_{r}": float(np.mean([c[:r][-1] for c in curves])) for r in (1, 8, 64)}
    metrics["energy_top_8_random"] = float(reference[:8][-1])
    metrics["rank_for_90_percent"] = float(np.mean([(c < 0.9).sum() + 1 for c in curves]))
    return metrics
