"""Lab 02: how much of a real ΔW its first singular directions hold."""

import numpy as np
import torch

from lab_helpers.data.labelled import shipped_texts
from lab_helpers.labs.shared.classifiers import train_classifier
from lab_helpers.tuning import spectrum
from lab_helpers.tuning.transfer import TextEncoder


def train_full_delta(encoder: TextEncoder, settings: dict, seed: int) -> dict[str, torch.Tensor]:
    """ΔW of a full fine-tuning on 256 English reviews, every matrix of every block."""
    outcome = train_classifier(
        encoder,
        shipped_texts("reviews", "en"),
        256,
        seed,
        epochs=settings["full_epochs"],
        learning_rate=settings["full_learning_rate"],
        head_learning_rate=settings["head_learning_rate"],
        batch_size=settings["batch_size"],
        label="full",
    )
    return spectrum.deltas(
        spectrum.matrices(encoder.load()), spectrum.matrices(outcome.model.encoder)
    )


def compute_energies(
    delta: dict[str, torch.Tensor], seed: int
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Cumulative energy of the attention matrices' ΔW, and of a random matrix of the same shape."""
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
    metrics["energy_top_8_random"] = float(reference[7])
    metrics["rank_for_90_percent"] = float(np.mean([(c < 0.9).sum() + 1 for c in curves]))
    return metrics
