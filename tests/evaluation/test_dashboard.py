"""The dashboard's numbers: directions, scales, what is best, and tables that would mislead refused."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.evaluation.dashboard import MISSING, Metric, dashboard
from lab_helpers.runtime.errors import BadInput

TONE = Metric("tone", "Tone", "口調")
LIES = Metric("lies", "Hallucination rate", "ハルシネーション率", higher_is_better=False)
WAIT = Metric("wait", "Latency p95", "応答時間 p95", higher_is_better=False, high=None, unit="ms")
WIN = Metric("win", "Win rate", "勝率")
SCORES = {
    "base": {"tone": 0.0, "tone_ci": [0, 0], "lies": 0.78, "lies_ci": [0.71, 0.84], "wait": 53.2},
    "SFT": {"tone": 0.93, "tone_ci": [0.88, 0.97], "lies": 0.66, "lies_ci": [0.59, 0.74], "wait": 256, "win": 0.5},
    "DPO": {"tone": 0.97, "tone_ci": [0.93, 1.0], "lies": 0.06, "lies_ci": [0.03, 0.11], "wait": 523, "win": 0.86, "other": "x"},
}  # fmt: skip
BOARD = dashboard([TONE, LIES, WAIT, WIN], SCORES)


def scaled(name: str) -> Metric:
    return next(metric for metric in BOARD.metrics if metric.name == name)


def test_lower_is_better_is_turned_and_says_so_by_its_scale():
    assert BOARD.turned("DPO", LIES) == pytest.approx(0.94)
    assert BOARD.turned("DPO", TONE) == pytest.approx(0.97)
    assert (BOARD.scale(LIES), BOARD.scale(TONE)) == (("1", "0"), ("0", "1"))


def test_a_number_without_a_natural_end_gets_a_round_scale_that_holds_all_values():
    assert scaled("wait").high == 1000
    assert BOARD.turned("base", scaled("wait")) == pytest.approx(1 - 0.0532)


@given(st.floats(0, 1e6), st.floats(0, 1e6))
def test_shares_stay_on_the_radar(a, b):
    board = dashboard([WAIT], {"x": {"wait": a, "wait_ci": [a, a + 1]}, "y": {"wait": b}})
    for name in "xy":
        assert 0 <= board.turned(name, board.metrics[0]) <= 1
    assert board.metrics[0].high >= a + 1


def test_only_metrics_that_all_models_have_are_compared_on_a_radar():
    assert [metric.name for metric in BOARD.complete()] == ["tone", "lies", "wait"]


def test_the_best_and_those_not_told_apart_from_it():
    assert BOARD.best(TONE) == {"SFT", "DPO"}
    assert BOARD.best(LIES) == {"DPO"}
    assert BOARD.best(WAIT) == {"base"}


@pytest.mark.parametrize(("language", "model"), [("en", "model"), ("ja", "モデル")])
def test_rows_of_the_table(language, model):
    row = BOARD.rows(language)[2]
    assert row[model] == "DPO"
    assert row[f"{TONE.label(language)} ↑"] == "0.97 [0.93, 1.00] ★"
    assert row[f"{scaled('wait').label(language)} ↓"] == "523"
    assert list(BOARD.rows(language)[0].values())[-1] == MISSING
    assert scaled("wait").label("ja") == "応答時間 p95（ms）"


def test_a_part_keeps_scales_and_places():
    part = BOARD.only(["wait"], ["base", "DPO"])
    assert (part.models, part.metrics[0].high) == (["base", "DPO"], 1000)
    assert [part.place(name) for name in part.models] == [0, 2]
    assert part.only(["wait"], ["DPO"]).place("DPO") == 2


def test_numbers_that_are_none_are_missing():
    board = dashboard([TONE], {"a": {"tone": math.nan}, "b": {"tone": None}, "c": {"tone": 0.5}})
    assert [board.value(name, TONE) for name in "abc"] == [None, None, 0.5]
    assert board.best(TONE) == {"c"}


@pytest.mark.parametrize(
    ("metrics", "scores", "message"),
    [
        ([TONE], {}, "without models"),
        ([TONE, TONE], {"a": {"tone": 1}}, "stands twice"),
        ([TONE], {"a": {"tune": 1}}, "none of the models has any"),
        ([TONE], {"a": {"tone": 93}}, r"tone of a is 93, outside its scale 0 – 1"),
        ([TONE], {"a": {"tone": 0.9, "tone_ci": [0.1, 0.2]}}, "outside its own interval"),
        ([TONE], {"a": {"tone": 0.9, "tone_ci": 0.1}}, "is no interval"),
        ([TONE], {"a": {"tone": 0.9, "tone_ci": [0.1, math.nan]}}, "is no interval"),
        ([Metric("tone", "T", "T", low=1, high=1)], {"a": {"tone": 1}}, "ends before it begins"),
    ],
)
def test_what_would_mislead_is_refused(metrics, scores, message):
    with pytest.raises(BadInput, match=message):
        dashboard(metrics, scores)


def test_equal_items_decide_where_they_are_known():
    scores = {"a": {"tone": 0.6, "tone_ci": [0.5, 0.7]}, "b": {"tone": 0.5, "tone_ci": [0.4, 0.6]}}
    assert dashboard([TONE], scores).best(TONE) == {"a", "b"}
    always = [1.0] * 50 + [0.0] * 40
    items = {"tone": {"a": [*always, *[1.0] * 10], "b": [*always, *[0.0] * 10]}}
    board = dashboard([TONE], scores, items)
    assert board.best(TONE) == {"a"}
    assert board.only(["tone"], ["a", "b"]).best(TONE) == {"a"}


def test_nobody_is_best_at_the_bottom_of_the_scale():
    nothing = {name: {"tone": 0.0, "lies": 1.0} for name in ("a", "b")}
    board = dashboard([TONE, LIES], nothing)
    assert board.best(TONE) == board.best(LIES) == set()
