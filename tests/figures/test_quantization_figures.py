"""Lab 03's figures: what they show of the rows they are handed, in both languages."""

import numpy as np
import pytest

from lab_helpers.figures.quantization import (
    TERM_COLOURS,
    code_books,
    memory_bars,
    rounding_errors,
    term_names,
)
from lab_helpers.runtime.language import set_language
from lab_helpers.tuning.memory import GPUS, TERMS
from lab_helpers.tuning.quantization import CODES

GIB = 2**30


def texts(axis) -> str:
    return " ".join(text.get_text() for text in axis.texts)


def test_a_row_a_code_book_with_sixteen_lines():
    codes = {name: make().numpy() for name, make in CODES.items()}
    figure = code_books(codes, np.linspace(-1, 1, 500))
    assert [axis.get_title() for axis in figure.axes] == ["INT4", "FP4", "NF4"]
    for axis, values in zip(figure.axes, codes.values(), strict=True):
        lines = axis.collections[0].get_segments()
        assert len(lines) == 16
        assert sorted(line[0][0] for line in lines) == pytest.approx(sorted(values))


def test_errors_are_written_on_their_bars():
    rows = [
        {"weights": weights, "code": kind, "error": error}
        for weights in ("a", "b")
        for kind, error in (("int4", 0.10), ("fp4", 0.125), ("e2m1", 0.11), ("nf4", 0.09))
    ]
    axis = rounding_errors(rows).axes[0]
    assert [bar.get_height() for bar in axis.patches[:2]] == [0.10, 0.10]
    for said in ("10.0%", "12.5%", "9.0%"):
        assert texts(axis).count(said) == 2


def bar_terms(**sizes) -> dict:
    return {term: int(sizes.get(term, 0) * GIB) for term in TERMS}


def test_every_term_has_a_colour_and_a_name():
    assert set(TERM_COLOURS) == set(TERMS) == set(term_names())


def test_bars_are_stacked_and_end_at_their_total():
    rows = [
        {"name": "full", "terms": bar_terms(weights_wide=30, optimizer=60)},
        {"name": "qlora", "terms": bar_terms(weights_4bit=4, activations=2)},
    ]
    axis = memory_bars(rows, GPUS, "a model").axes[0]
    assert "90.0 GiB" in texts(axis)
    assert "6.0 GiB" in texts(axis)
    ends = [bar.get_x() + bar.get_width() for bar in axis.patches]
    assert max(ends) == pytest.approx(90)
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == ["4-bit weights", "other weights", "optimizer", "activations"]
    for gpu in GPUS:
        assert gpu in texts(axis)


def test_gpus_beyond_the_picture_are_left_out():
    axis = memory_bars([{"name": "x", "terms": bar_terms(weights_4bit=3)}], GPUS).axes[0]
    assert "T4" in texts(axis)
    assert "H100" not in texts(axis)


def test_japanese_labels():
    set_language("ja")
    rows = [{"name": "x", "terms": bar_terms(weights_4bit=3, activations=1)}]
    labels = [text.get_text() for text in memory_bars(rows, GPUS).axes[0].get_legend().get_texts()]
    assert labels == ["4 ビットの重み", "活性値"]
