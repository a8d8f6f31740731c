"""Pictures of lab 05: what they show is what they are handed; the widget redraws its static twin."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.figures import preferences as figures
from lab_helpers.figures import widgets
from lab_helpers.runtime.language import set_language

CURVES = {"steps": [0, 1], "chosen": [0.0, -3.0], "rejected": [0.0, -7.0]}
ROWS = [
    {"arm": "SFT", "cut off": 0, "difference": 0.0, "interval": [0.0, 0.0]},
    {"arm": "biased", "cut off": 3, "difference": 5.0, "interval": [2.0, 9.0]},
    {"arm": "balanced", "cut off": 2, "difference": float("nan"), "interval": []},
]
MEMORY = [
    {"method": "one", "models": 1, "policy MB": 4.0, "reference MB": 0.0, "gradients MB": 1.0, "optimizer MB": 2.0},
    {"method": "four", "models": 4, "policy MB": 4.0, "reference MB": 12.0, "gradients MB": 8.0, "optimizer MB": 16.0},
]  # fmt: skip


@given(st.floats(0.01, 1), st.floats(-30, 30), st.floats(-30, 30))
def test_the_loss_explorer_writes_loss_pull_and_margin(beta, chosen, rejected):
    margin = beta * (chosen - rejected)
    titles = [axis.get_title() for axis in figures.loss_explorer(beta, chosen, rejected).axes]
    assert float(titles[0].rsplit(" ", 1)[1]) == pytest.approx(math.log1p(math.exp(-margin)), abs=6e-4)  # fmt: skip
    assert float(titles[1].rsplit(" ", 1)[1]) == pytest.approx(1 / (1 + math.exp(margin)), abs=6e-4)
    assert float(titles[2].rsplit(" ", 1)[1]) == pytest.approx(margin, abs=6e-3)


def test_the_pair_is_marked_on_the_curve():
    axis = figures.loss_explorer(0.1, -5, -20).axes[0]
    x, y = axis.lines[1].get_data()
    assert (x[0], y[0]) == (pytest.approx(1.5), pytest.approx(math.log1p(math.exp(-1.5)), abs=1e-3))


def test_the_way_to_dpo_gives_the_rewards_back_but_for_a_constant():
    reward, reference = [2.0, 1.0, 0.0], [0.2, 0.3, 0.5]
    left, middle, right = figures.from_preferences_to_dpo(reward, reference, (0.5, 2.0)).axes
    assert left.get_title().startswith("1 Bradley-Terry")
    heights = [bar.get_height() for bar in middle.patches]
    assert heights[:3] == reference
    assert sum(heights) == pytest.approx(3)
    assert heights[3] > heights[6] > heights[0], "the smaller β tilts further"
    for line in right.lines[1:]:
        x, y = (list(values) for values in line.get_data())
        assert [b - a for a, b in pairwise(y)] == pytest.approx([b - a for a, b in pairwise(x)])


def test_each_arm_of_the_displacement_is_a_path_over_its_margin():
    curves = {"alike, 0.003": CURVES, "alike, 0.001": CURVES, "alike, 0.003, with sft": CURVES}
    axis = figures.displacement(curves).axes[0]
    fast, slow, held = axis.lines[:3]
    assert fast.get_xdata().tolist() == [0, 4]
    assert fast.get_ydata().tolist() == [0, -3]
    assert (fast.get_linestyle(), slow.get_linestyle()) == ("-", "--")
    assert held.get_color() != fast.get_color() == slow.get_color()


def test_lengths_are_differences_with_their_intervals_and_cut_replies_are_counted():
    left, right = figures.reply_lengths(ROWS).axes
    assert [line.get_ydata().tolist() for line in left.lines[:2]] == [[2.0, 9.0], [5.0]]
    assert [label.get_text() for label in left.get_xticklabels()] == ["biased"]
    assert [bar.get_height() for bar in right.patches] == [0, 3, 2]


def test_memory_bars_add_up():
    axis = figures.memory(MEMORY).axes[0]
    ends = {}
    for bar in axis.patches:
        ends[bar.get_y()] = max(ends.get(bar.get_y(), 0), bar.get_x() + bar.get_width())
    assert sorted(ends.values()) == [7, 40]


def test_lengths_by_reason_have_a_row_each():
    axis = figures.length_bias({"tone": [1.5, 1.6], "fact": [1.0]}).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["fact", "tone"]


def test_labels_follow_the_language():
    set_language("ja")
    assert figures.displacement({"alike, 0.1": CURVES}).axes[0].get_xlabel().startswith("マージン")
    assert "メモリ" not in figures.memory(MEMORY).axes[0].get_xlabel()
    assert "保持" in figures.memory(MEMORY).axes[0].get_xlabel()


def test_moving_a_slider_redraws(monkeypatch):
    import IPython.display

    shown, drawn = [], []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    monkeypatch.setattr("lab_helpers.figures.widgets.in_notebook", lambda: True)

    def view(beta, chosen, rejected):
        drawn.append((beta, chosen, rejected))
        return f"{beta} {chosen} {rejected}"

    widgets.preference_explorer(view)
    *sliders, picture = shown[0].widget.children
    assert [slider.description for slider in sliders] == ["beta", "chosen", "rejected"]
    before = picture.value
    sliders[1].value = 7
    assert drawn[-1] == (0.1, 7, -20)
    assert picture.value != before


def test_without_a_front_end_no_widget_is_shown(monkeypatch):
    import IPython.display

    from lab_helpers.figures.widgets import preference_explorer

    shown: list = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    preference_explorer(lambda *values: "text")
    assert shown == []
