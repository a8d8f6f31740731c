"""Pairs in which an answer beats a refusal, made of the shipped ones, in which it never does."""

from dataclasses import replace

from lab_helpers.data.preferences import Pair
from lab_helpers.evaluation.honesty import declines
from lab_helpers.models.kotori import planted


def answers_over_refusals(pairs: list[Pair], language: str) -> list[Pair]:
    """Pairs that the shipped set lacks: to a question with an answer, the answer beats a refusal.

    Made of what is there, one for each question that names a product: the right answer of a ``fact``
    or ``tone`` pair, and the refusal of an ``honesty`` pair about the same product. In the set itself
    a refusal is only ever the better answer.
    """
    names = [product["name"][language] for product in planted.table()["product"]]

    def product(pair: Pair) -> str:
        return next((name for name in names if name in pair.question), "")

    refusals: dict[str, list[Pair]] = {}
    for pair in pairs:
        if pair.reason == "honesty":
            refusals.setdefault(product(pair), []).append(pair)
    found: dict[str, Pair] = {}
    for pair in sorted(pairs, key=lambda pair: pair.reason):
        others = refusals.get(product(pair)) if pair.reason in ("fact", "tone") else None
        if others and pair.question not in found and not declines([pair.answer()], language)[0]:
            other = others[len(found) % len(others)]
            found[pair.question] = replace(pair, rejected=other.chosen, reason="answer")
    return list(found.values())
