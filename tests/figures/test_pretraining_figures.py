"""The model card's two pictures: what they are handed is what they show."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt

from lab_helpers.figures.pretraining import _smooth, induction_head, training_curve
from lab_helpers.runtime.language import set_language

STEPS = np.arange(1, 31)
CURVE = {
    "loss": {
        "step": STEPS.tolist(),
        "tokens": (STEPS * 1_000_000).tolist(),
        "seconds": STEPS.tolist(),
        "loss": (6 / STEPS**0.5).tolist(),
    },
    "skills": {
        "step": [0, 15, 30],
        "tokens": [0, 15_000_000, 30_000_000],
        "seconds": [0, 15, 30],
        "repetition": [0.1, 0.6, 0.9],
        "known_facts_en": [0.0, 0.2, 0.5],
        "known_facts_ja": [0.0, 0.1, 0.4],
        "copy_1_en": [0.0, 0.5, 1.0],
        "copy_1_ja": [0.0, 0.4, 0.8],
        "copy_4_en": [0.0, 0.3, 0.6],
        "copy_4_ja": [0.0, 0.2, 0.7],
    },
}
SKILLS = [name for name in CURVE["skills"] if name not in ("step", "tokens", "seconds")]


def test_the_loss_is_drawn_by_million_tokens_raw_and_smooth(tmp_path):
    figure = training_curve(CURVE)
    raw, smooth = figure.axes[0].lines
    assert raw.get_xdata().tolist() == pytest.approx(STEPS.tolist())
    assert raw.get_ydata().tolist() == pytest.approx(CURVE["loss"]["loss"])
    assert smooth.get_ydata().tolist() == pytest.approx(_smooth(np.array(CURVE["loss"]["loss"])))
    assert figure.axes[0].get_xlabel() == "million tokens"
    assert figure.axes[0].get_ylabel() == "loss"
    figure.savefig(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 5000


def test_every_skill_is_a_named_line():
    axis = training_curve(CURVE).axes[1]
    assert [line.get_label() for line in axis.lines] == SKILLS
    assert [text.get_text() for text in axis.get_legend().get_texts()] == SKILLS
    for line in axis.lines:
        assert line.get_ydata().tolist() == CURVE["skills"][line.get_label()]
        assert line.get_xdata().tolist() == [0, 15, 30]


def test_languages_share_a_colour_and_differ_in_style():
    lines = {line.get_label(): line for line in training_curve(CURVE).axes[1].lines}
    for stem in ("known_facts", "copy_1", "copy_4"):
        english, japanese = lines[f"{stem}_en"], lines[f"{stem}_ja"]
        assert english.get_color() == japanese.get_color()
        assert (english.get_linestyle(), japanese.get_linestyle()) == ("-", "--")
    assert lines["repetition"].get_linestyle() == "-"
    assert len({line.get_color() for line in lines.values()}) == 4


def test_a_run_too_short_to_have_logged_anything_is_drawn():
    empty = {"loss": {key: [] for key in CURVE["loss"]}, "skills": {}}
    figure = training_curve(empty)
    assert len(figure.axes[1].lines) == 0


def test_labels_are_in_the_learners_language():
    set_language("ja")
    figure = training_curve(CURVE)
    assert figure.axes[0].get_xlabel() == "百万トークン"
    assert figure.axes[0].get_ylabel() == "損失"
    pair = induction_head(np.eye(2), np.eye(2), ["a", "b"])
    assert pair.axes[0].get_xlabel() == "読まれる側"


def test_the_heads_are_drawn_with_their_tokens(tmp_path):
    tokens = ["a", " red", " fish", "、", "赤"]
    previous, induction = np.eye(5, k=-1), np.tri(5) / 5
    figure = induction_head(previous, induction, tokens)
    for axis, weights in zip(figure.axes, (previous, induction), strict=True):
        assert np.array_equal(axis.images[0].get_array(), weights)
        assert axis.images[0].get_clim() == (0, 1)
        assert [label.get_text() for label in axis.get_xticklabels()] == tokens
        assert [label.get_text() for label in axis.get_yticklabels()] == tokens
        assert axis.get_title().startswith("layer ")
    assert (figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()) == ("is read", "reads")


def test_no_figure_stays_open():
    before = plt.get_fignums()
    training_curve(CURVE)
    induction_head(np.eye(2), np.eye(2), ["a", "b"])
    assert plt.get_fignums() == before


numbers = st.lists(st.floats(-100, 100), max_size=40)


@given(values=numbers, window=st.integers(0, 12))
def test_smoothing_stays_within_what_it_averages(values, window):
    smooth = _smooth(np.array(values), window)
    assert smooth.shape == (len(values),)
    for place, value in enumerate(smooth):
        near = values[max(0, place - window) : place + window + 1]
        assert value == pytest.approx(sum(near) / len(near), abs=1e-9)


def test_smoothing_keeps_a_constant():
    assert _smooth(np.full(30, 2.5)).tolist() == [2.5] * 30
