"""Joining rankings whose scores cannot be compared."""

from collections.abc import Hashable, Sequence
from typing import TypeVar

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

Item = TypeVar("Item", bound=Hashable)


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[Item]], k: int = 60, weights: Sequence[float] | None = None
) -> list[tuple[Item, float]]:
    """Items with their fused scores, best first: RRF(d) = sum over rankings r of w_r / (k + r(d)).

    r(d) is the rank of d from 1; a ranking without d adds nothing. The weights are 1 in the paper
    (Cormack, Clarke & Büttcher 2009, SIGIR, section 2; k = 60 there). Of items with the same score
    the one that an earlier ranking names first comes first.
    """
    weights = [1.0] * len(rankings) if weights is None else weights
    if len(weights) != len(rankings):
        raise BadInput(
            say(
                f"{len(weights)} weights for {len(rankings)} rankings",
                f"順位表が {len(rankings)} 個なのに、重みが {len(weights)} 個あります",
            ),
            say("Give one for each ranking.", "順位表ごとに 1 つずつ指定してください。"),
        )
    if k <= 0 or min(weights, default=0) < 0:
        raise BadInput(
            say(
                "k must be above 0 and weights not below 0",
                "k は 0 より大きく、重みは 0 以上でなければなりません",
            ),
            say("k=60 is usual.", "k=60 が一般的です。"),
        )
    scores: dict[Item, float] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for rank, item in enumerate(ranking, 1):
            scores[item] = scores.get(item, 0.0) + weight / (k + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])  # sorted keeps the order of equals
