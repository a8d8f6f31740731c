"""How good is a ranking? One number a question; averages and intervals come from ``runtime.intervals.interval_metrics``."""

from collections.abc import Collection, Hashable, Mapping, Sequence

import numpy as np

from lab_helpers.evaluation.ranking_inputs import check_rankings

Ranking = Sequence[Hashable]
# A question's right items: one, several, or several with how relevant each is (grades above 0).
Gold = Hashable | Collection[Hashable] | Mapping[Hashable, float]


def recall_at_k(ranked: Sequence[Ranking], gold: Sequence[Gold], k: int) -> np.ndarray:
    """Share of each question's right items among its first ``k``; shape (questions,).

    Manning, Raghavan & Schütze 2008, Introduction to Information Retrieval, section 8.4. With one
    right item it is 1 where that is found, else 0. An item that is ranked twice counts once.
    """
    check_rankings(ranked, [_grades(one) for one in gold], k)
    found = [
        len(grades.keys() & set(_unique(items)[:k])) / len(grades)
        for items, grades in zip(ranked, map(_grades, gold), strict=True)
    ]
    return np.array(found, float)


def reciprocal_rank(ranked: Sequence[Ranking], gold: Sequence[Gold]) -> np.ndarray:
    """1 / rank of each question's first right item, 0 where there is none; their mean is MRR.

    Voorhees 1999, The TREC-8 Question Answering Track Report, section 4.
    """
    check_rankings(ranked, [_grades(one) for one in gold])
    scores = []
    for items, grades in zip(ranked, map(_grades, gold), strict=True):
        ranks = (rank for rank, item in enumerate(_unique(items), 1) if item in grades)
        scores.append(1 / next(ranks, np.inf))
    return np.array(scores, float)


def ndcg_at_k(ranked: Sequence[Ranking], gold: Sequence[Gold], k: int) -> np.ndarray:
    """Discounted gain of the first ``k`` items over the best possible one; shape (questions,).

    Järvelin & Kekäläinen 2002, Cumulated Gain-Based Evaluation of IR Techniques, ACM TOIS 20(4),
    with the discount of today's libraries: DCG = sum of grade(rank) / log2(rank + 1). (The paper's
    equation 2 divides by log_b(rank) from rank b on and leaves the ranks before undiscounted.)
    """
    check_rankings(ranked, [_grades(one) for one in gold], k)
    scores = []
    for items, grades in zip(ranked, map(_grades, gold), strict=True):
        gained = [grades.get(item, 0.0) for item in _unique(items)]
        best = sorted(grades.values(), reverse=True)
        scores.append(_dcg(gained[:k]) / _dcg(best[:k]))
    return np.array(scores, float)


def _dcg(gains: Sequence[float]) -> float:
    return float(sum(gain / np.log2(rank + 1) for rank, gain in enumerate(gains, 1)))


def _grades(gold: Gold) -> Mapping[Hashable, float]:
    if isinstance(gold, Mapping):
        return gold
    if isinstance(gold, Collection) and not isinstance(gold, str | bytes | tuple):
        return dict.fromkeys(gold, 1.0)
    return {gold: 1.0}


def _unique(items: Ranking) -> list[Hashable]:
    """Each item where it first stands: several chunks of one document are one document found."""
    return list(dict.fromkeys(items))
