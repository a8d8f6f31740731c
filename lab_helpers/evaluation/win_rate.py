"""Which of two models answers better, question by question: win rates, ties, and judges that read pairs."""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.tone import tone_compliance

Judge = Callable[[str, str, str], float]
"""``judge(prompt, first, second)`` is the chance that the first reply is the better one."""


def wins(ours: Sequence[float] | np.ndarray, theirs: Sequence[float] | np.ndarray) -> np.ndarray:
    """1 where our score is higher, 0 where theirs is, 1/2 for a tie; shape (n,)."""
    a, b = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    return np.where(a > b, 1.0, np.where(a < b, 0.0, 0.5))


def house_scores(replies: list[str], known: list[bool], language: str) -> np.ndarray:
    """0, 1 or 2 by the house's rules: the tone is kept; a reply declines where, and only where, nothing is known.

    ``known`` says for each question whether the company has the answer. Whether the answer is *right*
    is not judged.
    """
    honest = declines(replies, language) != np.asarray(known, dtype=float)
    return tone_compliance(replies, language) + honest


def closeness(replies: list[str], pairs: list[tuple[str, str]]) -> np.ndarray:
    """How much nearer each reply is to the preferred answer than to the other one, from -1 to 1.

    For pairs that follow no house rule: shared character 3-grams (Jaccard) with ``(chosen, rejected)``.
    """
    return np.array([_alike(r, chosen) - _alike(r, rejected) for r, (chosen, rejected) in zip(replies, pairs, strict=True)])  # fmt: skip


def _alike(a: str, b: str) -> float:
    first, second = ({text[i : i + 3] for i in range(len(text) - 2)} for text in (a, b))
    return len(first & second) / max(1, len(first | second))


def position_swapped(judge, prompt, ours, theirs):
    """1 where the judge prefers our reply in both orders, 0 where theirs in both, else 1/2, a tie.

    A judge that changes its mind when the replies change places has seen no difference (Zheng et al.
    2023, arXiv:2306.05685, §3.4). ``judge`` gives the chance that the reply it reads first is better.
    """
    first, second = judge(prompt, ours, theirs), judge(prompt, theirs, ours)
    if first > 0.5 and second < 0.5:
        return 1.0
    return 0.0 if first < 0.5 and second > 0.5 else 0.5


def judged_both_ways(
    judge: Judge,
    prompts: list[str],
    ours: list[str],
    theirs: list[str],
    verdict: Callable[..., float] = position_swapped,
) -> tuple[np.ndarray, float]:
    """Wins by a judge that reads each pair in both orders, and how often it stays with its choice.

    Equal replies are a tie and do not count as consistent; "equally good" twice does. ``verdict`` is
    :func:`position_swapped`, or a learner's own.
    """
    found, steady = [], []
    asked = cache(judge)  # both orders are asked once
    for prompt, mine, other in zip(prompts, ours, theirs, strict=True):
        if mine == other:
            found.append(0.5)
            continue
        found.append(verdict(asked, prompt, mine, other))
        turned = 0.5 - asked(prompt, other, mine)
        steady.append(np.sign(asked(prompt, mine, other) - 0.5) == np.sign(turned))
    return np.array(found), float(np.mean(steady)) if steady else 1.0


def win_rate(judge, prompts, ours, theirs):
    """Share of replies that win when each pair is read in both orders; a judge that changes its mind has seen a tie."""
    points = []
    for prompt, mine, other in zip(prompts, ours, theirs, strict=True):
        first = judge(prompt, mine, other) > 0.5
        second = judge(prompt, other, mine) < 0.5
        points.append(float(first) if first == second else 0.5)
    return sum(points) / len(points)
