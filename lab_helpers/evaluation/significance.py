"""Is the difference of two systems on the same items more than chance? Paired tests."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

_BLOCK = 1 << 22
PERCENTILES = (2.5, 97.5)
"""What a 95 % interval cuts off."""


@dataclass(frozen=True)
class PairedBootstrap:
    """``difference`` (ours - theirs), its percentile interval ``[low, high]``, and two ways to say how sure.

    ``better`` is the share of resamples in which ours is better (ties: one half), the figure of Koehn
    2004. ``p_value`` is two-sided and never 0: with ``resamples`` draws nothing smaller could be seen.
    """

    difference: float
    low: float
    high: float
    better: float
    p_value: float

    @property
    def decided(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class PermutationTest:
    """``difference`` of the means (ours - theirs) and its two-sided p-value; ``exact``: all flips were counted."""

    difference: float
    p_value: float
    exact: bool


def paired_bootstrap(
    ours,
    theirs,
    seed: int = 0,
    resamples: int = 2000,
    score: Callable[[np.ndarray], float] | None = None,
) -> PairedBootstrap:
    """Paired bootstrap resampling (Koehn 2004, https://aclanthology.org/W04-3250): both systems on the same draws.

    ``ours`` and ``theirs`` hold what was measured on each item, shape (n,) or (n, …), in the same
    order. ``score`` makes one number of the drawn items, the mean where None; for BLEU pass
    ``lambda rows: bleu_of(rows.sum(axis=0)).score`` and rows of ``bleu_counts``. Raises
    :class:`BadInput` where the items do not pair.
    """
    a, b = _paired(ours, theirs)
    draws = np.random.default_rng(seed).integers(0, len(a), (resamples, len(a)))
    if score is None:
        difference, drawn = float((a - b).mean()), _drawn_differences(a, b, draws)
    else:
        difference = float(score(a) - score(b))
        drawn = np.array([score(a[draw]) - score(b[draw]) for draw in draws])
    low, high = (float(value) for value in np.percentile(drawn, PERCENTILES))
    not_above, not_below = (drawn <= 0).sum(), (drawn >= 0).sum()
    # One added to both counts: the p-value of a finite number of draws (Davison & Hinkley 1997, eq. 4.11).
    p_value = min(1.0, 2 * float(min(not_above, not_below) + 1) / (resamples + 1))
    better = float((drawn > 0).mean() + (drawn == 0).mean() / 2)
    return PairedBootstrap(difference, low, high, better, p_value)


def difference_metrics(
    name: str, ours, theirs, score: Callable[[np.ndarray], float] | None = None
) -> dict:
    """``ours`` - ``theirs`` as metrics: ``name``, its interval ``name_ci``, and both ends for a claim's rule."""
    found = paired_bootstrap(ours, theirs, score=score)
    ends = {f"{name}_low": found.low, f"{name}_high": found.high}
    return {name: found.difference, f"{name}_ci": [found.low, found.high], **ends}


def paired_interval(ours, theirs, draws):
    """The 95 % interval of the mean paired difference; ``draws`` (resamples, n) holds the items of each resample."""
    return np.percentile(_drawn_differences(ours, theirs, draws), PERCENTILES)


def _drawn_differences(ours, theirs, draws):
    """The mean difference of every resample, (resamples,): both systems on the same items."""
    return (ours - theirs)[draws].mean(axis=1)


def permutation_test(ours, theirs, seed: int = 0, resamples: int = 10_000) -> PermutationTest:
    """Were the two systems the same, each item's two scores could change places (Fisher 1935, §21).

    So every difference may change its sign, and the p-value is the share of sign patterns whose mean
    lies as far from 0 as the one found. Exact where ``resamples`` allows all 2^m patterns of the m
    items that differ; with random patterns otherwise. For right/wrong scores this is McNemar's exact test.
    """
    a, b = _paired(ours, theirs)
    if a.ndim != 1:
        raise BadInput(
            say(
                "the permutation test takes one number an item",
                "並べ替え検定には、1 項目につき 1 つの数値が必要です",
            ),
            say("Or use paired_bootstrap.", "または paired_bootstrap を使ってください。"),
        )
    differences = a - b
    difference = float(differences.mean())
    moving = differences[differences != 0]
    # Patterns that tie with the one found must not fall behind it by rounding of the sums.
    rounding = len(moving) * np.finfo(float).eps * np.abs(moving).sum()
    found = abs(moving.sum()) - rounding
    exact = len(moving) < 60 and 2 ** len(moving) <= resamples
    patterns = 2 ** len(moving) if exact else resamples
    far = sum(
        int((np.abs(signs @ moving) >= found).sum())
        for signs in _sign_patterns(len(moving), patterns, exact, np.random.default_rng(seed))
    )
    p_value = far / patterns if exact else (far + 1) / (patterns + 1)
    return PermutationTest(difference, p_value, exact)


def _sign_patterns(items: int, patterns: int, exact: bool, rng: np.random.Generator):
    """Blocks of rows of +1 and -1, shape (rows, items): all ``patterns`` in turn, or as many random ones."""
    rows = max(1, _BLOCK // max(1, items))
    for start in range(0, patterns, rows):
        size = min(rows, patterns - start)
        if exact:
            bits = np.arange(start, start + size)[:, None] >> np.arange(items) & 1
        else:
            bits = rng.integers(0, 2, (size, items), dtype=np.int8)
        yield 1.0 - 2.0 * bits


def _paired(ours, theirs) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    if a.shape != b.shape or not a.ndim or not len(a):
        raise BadInput(
            say(
                f"the scores do not pair (shapes {a.shape} and {b.shape})",
                f"得点が対になっていません（形は {a.shape} と {b.shape}）",
            ),
            say(
                "Score both systems on the same items, at least one, in the same order.",
                "両方のシステムを、同じ項目（1 つ以上）、同じ順序で採点してください。",
            ),
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise BadInput(
            say("a score is not a number", "数値でない得点があります"),
            say(
                "Score every item, or drop it for both systems.",
                "すべての項目を採点するか、その項目を両方のシステムから外してください。",
            ),
        )
    return a, b
