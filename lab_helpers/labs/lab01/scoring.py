"""What lab 01 records of its arms: rows and 0/1 a test text in, means, paired differences, metrics out."""

import numpy as np

from lab_helpers.evaluation.significance import difference_metrics, paired_bootstrap
from lab_helpers.runtime.intervals import interval_metrics


def mean_accuracy(rows: list[dict], method: str, n: int) -> float:
    """Mean accuracy over seeds of one method at one size."""
    return float(mean_hits(rows, method, n).mean())


def mean_hits(rows: list[dict], method: str, n: int, seeds: list[int] | None = None) -> np.ndarray:
    """How often each test text was labelled right by one method at one size, over ``seeds`` or all; (texts,)."""
    chosen = [row for row in rows if row["method"] == method and row["n"] == n]
    return np.mean([row["hits"] for row in chosen if seeds is None or row["seed"] in seeds], axis=0)


def arm_rows(arms: dict[str, np.ndarray], trainings: dict[str, int]) -> list[dict]:
    """A row an arm: over how many trainings, its accuracy and interval. ``arms`` are :func:`mean_hits`."""
    return [
        {
            "method": name,
            "trainings": trainings[name],
            "accuracy": float(hits.mean()),
            "95 %": interval_metrics("", hits)["_ci"],
        }
        for name, hits in arms.items()
    ]


def difference_rows(ours: str, arms: dict[str, np.ndarray]) -> list[dict]:
    """``ours`` minus each other arm on the same test texts: difference and paired interval."""
    rows = []
    for name, theirs in arms.items():
        if name != ours:
            found = paired_bootstrap(arms[ours], theirs)
            rows.append(
                {
                    "minus": name,
                    "difference": found.difference,
                    "95 %": [found.low, found.high],
                    "decided": "yes" if found.decided else "no",
                }
            )
    return rows


def gap_metrics(name: str, ours: np.ndarray, rivals: list[np.ndarray]) -> dict:
    """The paired difference of ours over the best of the ``rivals`` that start from nothing."""
    return difference_metrics(name, ours, max(rivals, key=lambda hits: hits.mean()))


def curve_metrics(panels: dict[str, list[dict]], probes: dict[str, str]) -> dict[str, float]:
    """The headline points of the shipped curves; ``probes`` names the probe that counts for each language."""
    points = (("sentiment", "reviews", 256), ("intent", "requests", 64))
    return {
        f"{task}_accuracy_{key}_{n}_{language}": mean_accuracy(
            panels[f"{data}.{language}"], method, n
        )
        for task, data, n in points
        for language, probe in probes.items()
        for key, method in (("probe", probe), ("tfidf", "TF-IDF"))
        if f"{data}.{language}" in panels
    }
