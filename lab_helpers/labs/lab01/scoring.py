"""What lab 01 records of its curves, its trainings and its weights: rows in, metrics out."""

import numpy as np

from lab_helpers.evaluation.significance import paired_bootstrap
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import LANGUAGES


def mean_accuracy(rows: list[dict], method: str, n: int) -> float:
    """Mean accuracy over seeds of one method at one size."""
    return float(
        np.mean([row["accuracy"] for row in rows if row["method"] == method and row["n"] == n])
    )


def curve_metrics(panels: dict[str, list[dict]]) -> dict[str, float]:
    """The headline points of the four shipped learning curves."""
    points = (("sentiment", "reviews", 256), ("intent", "requests", 64))
    return {
        f"{task}_accuracy_{key}_{n}_{language}": mean_accuracy(
            panels[f"{data}.{language}"], method, n
        )
        for task, data, n in points
        for language in LANGUAGES
        for key, method in (("probe", "probe"), ("tfidf", "tf-idf"))
    }


def gap_metrics(metrics: dict, task: str, n: int, language: str) -> dict[str, float]:
    """Pretrained minus the better of the two that start from nothing: random weights and TF-IDF."""
    best = max(metrics[f"{task}_accuracy_{rival}_{n}_{language}"] for rival in ("scratch", "tfidf"))
    return {
        f"{task}_gap_{n}_{language}": metrics[f"{task}_accuracy_pretrained_{n}_{language}"] - best
    }


def multilingual_metrics(metrics: dict, ours: np.ndarray, theirs: np.ndarray) -> dict:
    """The multilingual encoder on Japanese reviews: accuracy, lead over those from nothing, over the English one.

    ``ours`` and ``theirs`` are 0/1 a test row: the tuned multilingual encoder and the tuned English one.
    The second lead has a paired interval.
    """
    nothing = max(metrics[f"sentiment_accuracy_{rival}_256_ja"] for rival in ("scratch", "tfidf"))
    lead = paired_bootstrap(ours, theirs)
    return interval_metrics("sentiment_accuracy_e5_256_ja", ours) | {
        "sentiment_gap_e5_256_ja": float(ours.mean() - nothing),
        "sentiment_e5_over_minilm_256_ja": lead.difference,
        "sentiment_e5_over_minilm_256_ja_ci": [lead.low, lead.high],
    }


def weight_change_metrics(rows: list[dict]) -> dict[str, float]:
    """Mean ‖ΔW‖/‖W‖ of the top two blocks over that of the bottom two."""
    blocks = sorted({row["block"] for row in rows})
    mean = {b: np.mean([row["change"] for row in rows if row["block"] == b]) for b in blocks}
    top, bottom = np.mean([mean[b] for b in blocks[-2:]]), np.mean([mean[b] for b in blocks[:2]])
    return {"delta_w_top": top, "delta_w_bottom": bottom, "delta_w_top_over_bottom": top / bottom}
