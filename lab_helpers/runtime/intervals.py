"""How sure a mean is: the interval that stands beside every rate of the course."""

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


def wilson_interval(successes: int, count: int, level: float = 0.95) -> list[float]:
    """Wilson's score interval ``[low, high]`` of a rate, ``successes`` of ``count`` (Wilson 1927).

    Unlike the bootstrap's it has a width at 0 and at 1: nothing of fifty does not prove never.
    """
    from scipy.stats import binomtest

    found = binomtest(successes, count).proportion_ci(level, method="wilson")
    return [float(found.low), float(found.high)]


def interval_metrics(name: str, per_item) -> dict:
    """A rate and its interval as metrics: ``name`` and ``name_ci``.

    Wilson's interval where each item is 0 or 1, else the bootstrap's.
    """
    values = np.asarray(per_item, dtype=float)
    if np.isin(values, (0.0, 1.0)).all():
        interval = wilson_interval(int(values.sum()), len(values))
    else:
        interval = bootstrap_interval(values)
    return {name: float(values.mean()), f"{name}_ci": interval}
