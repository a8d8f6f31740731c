"""Which answers changed sides from one model to another: right to wrong and wrong to right, with both replies.

Two rates can be equal while every second answer has changed. What a tuning has broken, and what it has
mended, stands in the items.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lab_helpers.evaluation.benchmarks.runner import BenchmarkResult
from lab_helpers.evaluation.significance import permutation_test
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

LOST, WON = "right to wrong", "wrong to right"


@dataclass(frozen=True)
class Answered:
    """One question, the right answer, what a model replied, and whether that counts as right."""

    question: str
    gold: str
    reply: str
    right: bool


@dataclass(frozen=True)
class Flips:
    """Two models on the same questions: ``before`` and ``after``, item by item, named for tables."""

    name: str
    models: tuple[str, str]
    before: tuple[Answered, ...]
    after: tuple[Answered, ...]

    def changed(self, kind: str) -> list[tuple[Answered, Answered]]:
        """The items of one ``kind``, :data:`LOST` or :data:`WON`, as (before, after)."""
        return [
            (old, new)
            for old, new in zip(self.before, self.after, strict=True)
            if old.right != new.right and new.right == (kind == WON)
        ]

    def counts(self) -> dict:
        """A table's row: how many changed sides in each direction, and McNemar's exact p-value of that."""
        after, before = ([float(item.right) for item in side] for side in (self.after, self.before))
        return {
            "measurement": self.name,
            "from": self.models[0],
            "to": self.models[1],
            "items": len(self.before),
            "right before": sum(item.right for item in self.before),
            "right after": sum(item.right for item in self.after),
            LOST: len(self.changed(LOST)),
            WON: len(self.changed(WON)),
            "p": permutation_test(after, before).p_value,
        }

    def rows(self, most: int | None = None) -> list[dict]:
        """The changed items for reading, at most ``most`` of each kind."""
        return [
            {
                "change": kind,
                "question": old.question,
                "right answer": old.gold,
                self.models[0]: old.reply,
                self.models[1]: new.reply,
            }
            for kind in (LOST, WON)
            for old, new in self.changed(kind)[:most]
        ]


def find_flips(
    name: str, models: tuple[str, str], before: Sequence[Answered], after: Sequence[Answered]
) -> Flips:
    """Two models' answers side by side; :class:`BadInput` where they did not answer the same questions."""
    asked = [[item.question for item in side] for side in (before, after)]
    if asked[0] != asked[1] or not before:
        raise BadInput(
            say(
                f"{name}: the two models did not answer the same questions",
                f"{name}: 2 つのモデルが答えた質問が同じではありません",
            ),
            say(
                "Ask both the same questions, at least one, in the same order.",
                "両方のモデルに、同じ質問（1 問以上）を同じ順序で尋ねてください。",
            ),
        )
    return Flips(name, models, tuple(before), tuple(after))


def answered_items(result: BenchmarkResult, metric: str | None = None) -> list[Answered]:
    """A benchmark's items, right or wrong by ``metric``, the benchmark's own where None."""
    return [
        Answered(item.question, item.gold, item.answer, bool(right > 0))
        for item, right in zip(result.items, result.per_item(metric), strict=True)
    ]
