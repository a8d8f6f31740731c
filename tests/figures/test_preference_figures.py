"""Pictures of lab 05: what they show is what they are handed; the widget redraws its static twin."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.figures import preferences as figures
from lab_helpers.figures import widgets
from lab_helpers.runtime.language import set_language

CURVES = {"chosen": [(1, 0.0), (2, -3.0)], "rejected": [(1, 0.0), (2, -7.0)]}
ROWS = [
    {"arm": "SFT", "characters": 100.0, "ratio": 1.0},
    {"arm": "biased", "characters": 150.0, "ratio": 1.5},
    {"arm": "matched", "characters": 98.0, "ratio": 0.98},
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


def test_both_panels_of_the_displacement_share_a_scale_with_the_start_in_it():
    up = {"chosen": [(1, 0.0), (2, 1.0)], "rejected": [(1, 0.0), (2, -2.0)]}
    figure = figures.displacement({"sigmoid": CURVES, "sigmoid + sft": up})
    assert [axis.get_title() for axis in figure.axes] == ["sigmoid", "sigmoid + sft"]
    limits = {axis.get_ylim() for axis in figure.axes}
    assert len(limits) == 1
    low, high = limits.pop()
    assert low < -7 < 0 < 1 < high


def test_the_bars_of_lengths_carry_their_ratio():
    axis = figures.reply_lengths(ROWS).axes[0]
    assert [bar.get_height() for bar in axis.patches] == [100, 150, 98]
    assert [text.get_text() for text in axis.texts] == ["× 1.00", "× 1.50", "× 0.98"]


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
    assert figures.ratios(CURVES).axes[0].get_xlabel() == "ステップ"
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
