"""Lab 05: what stands in the pairs before anything is trained."""

import numpy as np

from lab_helpers.data.preferences import PairSet, select_length_matched


def pair_rows(*sets: PairSet) -> list[dict]:
    """Pairs, lengths and likeness by reason, of all sets together."""
    rows = []
    train, validation, test = (
        [pair for one in sets for pair in getattr(one, part)]
        for part in ("train", "validation", "test")
    )
    for reason in sorted({pair.reason for pair in train + test}):
        found = [pair for pair in train + test if pair.reason == reason]
        rows.append(
            {
                "reason": reason or "-",
                "train": sum(pair.reason == reason for pair in train),
                "validation": sum(pair.reason == reason for pair in validation),
                "test": sum(pair.reason == reason for pair in test),
                "chosen / rejected length": float(np.mean([p.length_ratio for p in found])),
                "chosen is longer": float(np.mean([p.length_ratio > 1 for p in found])),
                "likeness": float(np.mean([p.likeness for p in found[:40]])),
            }
        )
    return rows


def pair_metrics(pairs: PairSet) -> dict[str, float]:
    """How many pairs there are, how often the chosen answer is the longer one, how many match in length."""
    both = pairs.train + pairs.test
    return {
        "pairs_train": len(pairs.train),
        "pairs_test": len(pairs.test),
        "chosen_is_longer": float(np.mean([pair.length_ratio > 1 for pair in both])),
        "length_matched_pairs": len(select_length_matched(both)),
    }


def length_ratios(*sets: PairSet) -> dict[str, list[float]]:
    """Length of the chosen answer over the rejected one's, by reason."""
    found: dict[str, list[float]] = {}
    for pair in (pair for one in sets for pair in one.train + one.test):
        found.setdefault(pair.reason or "-", []).append(pair.length_ratio)
    return found
