"""How sure a mean is: the bootstrap interval that stands beside every rate of the course."""

import numpy as np


def bootstrap_interval(
    per_item, seed: int = 0, resamples: int = 2000, level: float = 0.95
) -> list[float]:
    """Percentile bootstrap interval ``[low, high]`` of the mean of ``per_item`` (Efron 1979).

    ``per_item`` is one number an item (for accuracy: 0 or 1).
    """
    values = np.asarray(per_item, dtype=float)
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), (resamples, len(values)))].mean(axis=1)
    tail = (1 - level) / 2 * 100
    return [float(np.percentile(means, tail)), float(np.percentile(means, 100 - tail))]


def interval_metrics(name: str, per_item) -> dict:
    """A rate and its bootstrap interval as metrics: ``name`` and ``name_ci``."""
    values = np.asarray(per_item, dtype=float)
    return {name: float(values.mean()), f"{name}_ci": bootstrap_interval(values)}
