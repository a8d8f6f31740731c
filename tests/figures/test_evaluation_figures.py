"""Pictures of lab 06: what they show is what they are handed, in both languages."""

import numpy as np
import pytest

from lab_helpers.figures import evaluation as figures
from lab_helpers.runtime.language import set_language

PAIRS = [
    {"pair": name, "ROUGE-L default": value, "ROUGE-L MeCab words": 1.0, "BLEU 13a": 50.0, "BLEU char": 60.0}
    for name, value in (("identical", 0.0), ("unrelated, both with 30", 1.0), ("the same in other words", 0.25))
]  # fmt: skip
DIFFERENCES = [
    {"metric": "tone", "difference": 0.2, "low": 0.1, "high": 0.3, "p": 0.01},
    {"metric": "ROUGE-L", "difference": 0.1, "low": -0.1, "high": 0.3, "p": 0.4},
]
GROUPS = [
    {"way": way, "group": group, "accuracy": value, "low": value - 0.1, "high": value + 0.1}
    for way, value in (("letters", 0.25), ("cloze", 0.8))
    for group in ("known", "withheld")
]
JUDGES = [{"judge": name, "position bias": bias} for name, bias in (("asks A or B", 0.5), ("learned from pairs", 0.0))]  # fmt: skip
LENGTHS = [
    {"judge": row["judge"], "better reply": group, "agreement": 0.7}
    for row in JUDGES
    for group in ("longer", "as long")
]
LEAK = [
    {"benchmark": "GSM8K", "half": half, "before": 0.0, "after": after}
    for half, after in (("leaked", 0.7), ("fresh", 0.05))
]


def texts(figure) -> str:
    """Everything that is written in a figure."""
    import matplotlib.text

    return " | ".join(t.get_text() for t in figure.findobj(matplotlib.text.Text))


def drawn() -> dict:
    return {
        "tokenizers": figures.tokenizers(PAIRS),
        "confusion": figures.confusion({"sft": np.array([[3, 1], [2, 14]])}),
        "categories": figures.categories(
            {"sft": {"right": 0.1, "declined": 0.2, "hallucinated": 0.6, "nothing": 0.1}}
        ),
        "differences": figures.differences(DIFFERENCES),
        "two_ways": figures.two_ways(GROUPS, 0.25),
        "judges": figures.judges(JUDGES, LENGTHS),
        "leak": figures.leak(LEAK),
    }


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", {"tokenizers": "identical", "confusion": "has an answer", "categories": "invented", "judges": "agrees with gold", "leak": "fresh", "two_ways": "chance"}),
        ("ja", {"tokenizers": "同一の文", "confusion": "答えあり", "categories": "作り話", "judges": "正解との一致率", "leak": "混入していない半分", "two_ways": "偶然"}),
    ],
)  # fmt: skip
def test_labels_are_in_the_learners_language(language, said):
    set_language(language)
    found = drawn()
    for name, words in said.items():
        assert words in texts(found[name]), name


def test_counts_and_shares_are_written_in():
    found = drawn()
    assert all(number in texts(found["confusion"]) for number in ("3", "1", "2", "14"))
    assert "60%" in texts(found["categories"])
    assert "p = 0.01" in texts(found["differences"])


def test_an_interval_that_crosses_zero_is_grey():
    axis = figures.differences(DIFFERENCES).axes[0]
    colours = [line.get_color() for line in axis.lines[:4:2]]
    assert colours == [figures.DARK, figures.CALM]


def test_a_judge_that_takes_the_first_place_fills_its_bar():
    left = figures.judges(JUDGES, LENGTHS).axes[0]
    assert [bar.get_width() for bar in left.patches] == [1.0, 0.5]


def test_the_leak_goes_from_before_to_after():
    lines = figures.leak(LEAK).axes[0].lines
    assert [list(line.get_ydata()) for line in lines] == [[0.0, 0.7], [0.0, 0.05]]


@pytest.mark.parametrize(("spoken", "word"), [("en", "does not see"), ("ja", "見えないもの")])
def test_every_road_says_what_it_is_blind_to(spoken, word):
    set_language(spoken)
    shown = texts(figures.roads())
    assert word in shown
    assert shown.count("BLEU") == 1


def test_flips_are_drawn_to_both_sides():
    counts = {"measurement": "mmlu", "from": "base", "to": "sft", "right to wrong": 12, "wrong to right": 5}  # fmt: skip
    shown = texts(figures.flips([counts]))
    assert "12" in shown
    assert "5" in shown
    assert "base → sft" in shown
