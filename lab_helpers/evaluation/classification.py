"""Accuracy with its uncertainty, and precision, recall and F1 through scikit-learn."""

import numpy as np


def accuracy(predicted, gold) -> float:
    """Share of equal entries."""
    predicted, gold = np.asarray(predicted), np.asarray(gold)
    return float((predicted == gold).mean())


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


def classification_table(predicted, gold, labels: list[str]) -> list[dict]:
    """Precision, recall, F1 and support of each label: one dict a label."""
    from sklearn.metrics import precision_recall_fscore_support

    columns = precision_recall_fscore_support(
        gold, predicted, labels=range(len(labels)), zero_division=0
    )
    return [
        {"label": label, "precision": p, "recall": r, "f1": f, "support": int(s)}
        for label, p, r, f, s in zip(labels, *columns, strict=True)
    ]
