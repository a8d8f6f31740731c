"""ROUGE-N and ROUGE-L by hand (Lin 2004, https://aclanthology.org/W04-1013), equal to rouge_score's."""

from collections.abc import Sequence
from typing import NamedTuple

from lab_helpers.evaluation.text_metrics.bleu import ngrams
from lab_helpers.evaluation.text_metrics.tokenizers import Tokenize


class Prf(NamedTuple):
    """Precision, recall and their harmonic mean, each from 0 to 1."""

    precision: float
    recall: float
    f1: float


def rouge_n(hypothesis: str, reference: str, n: int, tokenize: Tokenize) -> Prf:
    """Shared n-grams, each counted as often as both texts have it.

    ``recall`` is eq. 1 of Lin 2004 for one reference; ``precision`` divides by the hypothesis instead.
    """
    said, wanted = ngrams(tokenize(hypothesis), n), ngrams(tokenize(reference), n)
    return _prf((said & wanted).total(), said.total(), wanted.total())


def rouge_l(hypothesis: str, reference: str, tokenize: Tokenize) -> Prf:
    """The longest common subsequence: eqs. 2 (recall), 3 (precision) and 4 with β = 1 (f1)."""
    said, wanted = tokenize(hypothesis), tokenize(reference)
    return _prf(lcs_length(said, wanted), len(said), len(wanted))


def lcs_length(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest subsequence (same order, gaps allowed) that ``a`` and ``b`` share.

    Row by row: ``row[j]`` is the answer for the tokens of ``a`` read so far and the first ``j`` of ``b``.
    """
    row = [0] * (len(b) + 1)
    for token in a:
        above = row.copy()
        for j, other in enumerate(b, 1):
            row[j] = above[j - 1] + 1 if token == other else max(above[j], row[j - 1])
    return row[-1]


def _prf(shared: int, said: int, wanted: int) -> Prf:
    precision, recall = shared / max(said, 1), shared / max(wanted, 1)
    f1 = 2 * precision * recall / (precision + recall) if shared else 0.0
    return Prf(precision, recall, f1)
