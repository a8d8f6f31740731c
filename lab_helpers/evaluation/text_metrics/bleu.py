"""BLEU by hand (Papineni et al. 2002, https://aclanthology.org/P02-1040), equal to sacrebleu's."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lab_helpers.evaluation.text_metrics.tokenizers import Tokenize
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

ORDERS = 4
"""BLEU counts n-grams of 1 to 4 tokens (§2.3)."""


@dataclass(frozen=True)
class Bleu:
    """A BLEU score from 0 to 100 and what it is made of.

    ``precisions`` in percent, ``matches`` and ``totals`` by n-gram order 1 … 4, lengths in tokens.
    """

    score: float
    precisions: tuple[float, ...]
    brevity_penalty: float
    hypothesis_length: int
    reference_length: int
    matches: tuple[int, ...]
    totals: tuple[int, ...]


def corpus_bleu(
    hypotheses: Sequence[str],
    references: Sequence[Sequence[str]],
    tokenize: Tokenize,
    smoothing: str = "exp",
) -> Bleu:
    """BLEU of a whole set: the counts are summed first, then divided (§2.1.1).

    ``references[i]`` are the right texts for ``hypotheses[i]``, one or more. (sacrebleu turns this table
    round: a list of first references, a list of second ones, …) ``smoothing``: ``"exp"`` or ``"none"``.
    """
    return bleu_of(bleu_counts(hypotheses, references, tokenize).sum(axis=0), smoothing)


def sentence_bleu(
    hypothesis: str, references: Sequence[str], tokenize: Tokenize, smoothing: str = "exp"
) -> Bleu:
    """BLEU of one text. Orders for which it is too short are left out (sacrebleu's ``effective_order``).

    Made for sets: of a single sentence it is a rough figure, and without smoothing mostly 0.
    """
    counts = bleu_counts([hypothesis], [references], tokenize)[0]
    return bleu_of(counts, smoothing, effective_order=True)


def bleu_counts(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], tokenize: Tokenize
) -> np.ndarray:
    """What BLEU needs to know of each pair, shape (n, 2 + 2 · 4): the sum of rows is the set's.

    Columns: tokens of the hypothesis, tokens of the closest reference, clipped matches of order
    1 … 4, n-grams of the hypothesis of order 1 … 4. Raises :class:`BadInput` where the lists do not fit.
    """
    if not hypotheses or len(hypotheses) != len(references):
        raise BadInput(
            say(
                f"{len(hypotheses)} hypotheses and references for {len(references)}",
                f"生成文は {len(hypotheses)} 件、参照文は {len(references)} 件で、一致しません",
            ),
            say(
                "references[i] is the list of right texts for hypotheses[i].",
                "references[i] は hypotheses[i] に対する参照文のリストです。",
            ),
        )
    return np.array([_counts(h, r, tokenize) for h, r in zip(hypotheses, references, strict=True)])


def _counts(hypothesis: str, references: Sequence[str], tokenize: Tokenize) -> list[int]:
    if isinstance(references, str) or not references:
        raise BadInput(
            say("a hypothesis has no list of references", "参照文のリストがない生成文があります"),
            say("Give [[text], [text], …].", "[[文], [文], …] の形で渡してください。"),
        )
    tokens, right = tokenize(hypothesis), [tokenize(reference) for reference in references]
    closest = min((abs(len(r) - len(tokens)), len(r)) for r in right)[1]
    matches = [clipped_matches(tokens, right, n) for n in range(1, ORDERS + 1)]
    totals = [max(0, len(tokens) - n + 1) for n in range(1, ORDERS + 1)]
    return [len(tokens), closest, *matches, *totals]


def clipped_matches(tokens: Sequence[str], references: Sequence[Sequence[str]], n: int) -> int:
    """Count_clip of §2.1: each n-gram counts at most as often as in the reference that has it most often."""
    allowed: Counter = Counter()
    for reference in references:
        allowed |= ngrams(reference, n)
    return (ngrams(tokens, n) & allowed).total()


def ngrams(tokens: Sequence[str], n: int) -> Counter:
    """How often each n-gram (a tuple) occurs."""
    return Counter(zip(*(tokens[i:] for i in range(n)), strict=False))


def bleu_of(counts: np.ndarray, smoothing: str = "exp", effective_order: bool = False) -> Bleu:
    """BLEU from one row of :func:`bleu_counts`, or a sum of rows: BP · exp(Σ log p_n / N) (§2.3).

    ``smoothing="exp"``: the k-th order without a match counts 1/2^k of a match (Chen & Cherry 2014,
    method 3). Without a match of any order the score is 0. Precisions stay 0 where there is nothing
    to count.
    """
    if smoothing not in ("exp", "none"):
        raise BadInput(
            say(
                f"unknown smoothing '{smoothing}'", f"平滑化の方法に「{smoothing}」は指定できません"
            ),
            say("Use exp or none.", "exp か none を指定してください。"),
        )
    length, reference_length, *rest = (int(value) for value in counts)
    matches, totals = tuple(rest[:ORDERS]), tuple(rest[ORDERS:])
    precisions, unmatched = [0.0] * ORDERS, 0
    if any(matches):
        for i, (match, total) in enumerate(zip(matches, totals, strict=True)):
            if total and match:
                precisions[i] = 100 * match / total
            elif total and smoothing == "exp":
                unmatched += 1
                precisions[i] = 100 / (2**unmatched * total)
    penalty = brevity_penalty(length, reference_length)
    orders = sum(total > 0 for total in totals) if effective_order else ORDERS
    score = penalty * _geometric_mean(precisions[:orders])
    return Bleu(score, tuple(precisions), penalty, length, reference_length, matches, totals)


def brevity_penalty(length: int, reference_length: int) -> float:
    """BP of §2.3: 1 for a text as long as the reference or longer, else exp(1 - r / c)."""
    if length >= reference_length:
        return 1.0
    return math.exp(1 - reference_length / length) if length else 0.0


def _geometric_mean(values: Sequence[float]) -> float:
    if not values or min(values) == 0:
        return 0.0
    return math.exp(sum(math.log(value) for value in values) / len(values))


def clipped_precision(hypothesis, references, n):
    """p_n of §2.1: the share of n-grams that a reference has too, none counted more often than there."""
    total = len(hypothesis) - n + 1
    return clipped_matches(hypothesis, references, n) / total if total > 0 else 0.0
