"""Flips: what two models answered to the same items, and which of them changed sides."""

import pytest

from lab_helpers.evaluation.benchmarks.runner import BenchmarkResult, BenchmarkSettings, Scored
from lab_helpers.evaluation.flips import LOST, WON, Answered, answered_items, find_flips
from lab_helpers.runtime.errors import BadInput


def answered(name: str, rights: str) -> list[Answered]:
    return [
        Answered(f"q{i}", "gold", f"{name} {i}", right == "1") for i, right in enumerate(rights)
    ]


def test_both_directions_are_told_apart_with_both_replies():
    flips = find_flips("test", ("base", "sft"), answered("base", "1100"), answered("sft", "1011"))
    assert [(old.reply, new.reply) for old, new in flips.changed(LOST)] == [("base 1", "sft 1")]
    assert [old.question for old, _ in flips.changed(WON)] == ["q2", "q3"]
    assert flips.rows(1) == [
        {
            "change": LOST,
            "question": "q1",
            "right answer": "gold",
            "base": "base 1",
            "sft": "sft 1",
        },
        {"change": WON, "question": "q2", "right answer": "gold", "base": "base 2", "sft": "sft 2"},
    ]


def test_equal_rates_can_hide_changes():
    flips = find_flips("test", ("a", "b"), answered("a", "111000"), answered("b", "000111"))
    counts = flips.counts()
    assert counts["right before"] == counts["right after"] == 3
    assert (counts[LOST], counts[WON], counts["p"]) == (3, 3, 1.0)


def test_p_is_mcnemars_exact_one():
    counts = find_flips(
        "t", ("a", "b"), answered("a", "0" * 6 + "11"), answered("b", "1" * 8)
    ).counts()
    assert counts["p"] == pytest.approx(2 / 2**6)
    assert find_flips("t", ("a", "b"), answered("a", "10"), answered("b", "10")).rows() == []


def test_other_questions_or_none_are_refused():
    with pytest.raises(BadInput, match="same questions"):
        find_flips("t", ("a", "b"), answered("a", "10"), answered("b", "1"))
    with pytest.raises(BadInput, match="same questions"):
        find_flips("t", ("a", "b"), [], [])


def test_a_benchmarks_items_are_right_by_the_metric_asked_for():
    item = Scored("1", "q", "8", "8 pens", {"strict": 0.0, "flexible": 1.0})
    settings = BenchmarkSettings("letters", False, "en", 0, 8, 1)
    result = BenchmarkResult("gsm8k", "gsm8k", "strict", [item], 0.0, settings)
    assert answered_items(result) == [Answered("q", "8", "8 pens", False)]
    assert answered_items(result, "flexible")[0].right
