"""Figures of adapters show what they are handed."""

import numpy as np
import pytest

from lab_helpers.figures import lora as figures

COUNTS = [
    {"model": "GPT-3 175B", "r": 4, "targets": "q, v", "one_in": 9300.4, "MB (float32)": 75.5},
    {"model": "Llama 3 8B", "r": 16, "targets": "q, v", "one_in": 1178.0, "MB (float32)": 27.3},
]


@pytest.mark.parametrize("reference", [None, np.array([0.4, 0.8, 1.0])])
def test_energy_is_a_line_a_matrix_and_their_mean(reference):
    energies = {"a": np.array([0.5, 0.9, 1.0]), "b": np.array([0.7, 0.9, 1.0])}
    lines = figures.spectrum(energies, reference).axes[0].lines
    named = {line.get_label(): line for line in lines if not line.get_label().startswith("_")}
    assert list(named["ΔW, mean"].get_ydata()) == pytest.approx([0.6, 0.9, 1.0])
    assert list(named["ΔW, mean"].get_xdata()) == [1, 2, 3]
    assert ("random matrix" in named) == (reference is not None)


def test_a_rank_shows_the_matrix_its_copy_and_what_is_left():
    delta, copy = np.eye(4), np.diag([1.0, 1.0, 0.0, 0.0])
    axes = figures.rank_view(delta, copy, 2, 0.5).axes
    assert [axis.get_title() for axis in axes] == ["ΔW", "best of rank 2", "left out: 50%"]
    shown = [np.asarray(axis.images[0].get_array()) for axis in axes]
    assert np.array_equal(shown[2], delta - copy)
    assert len({axis.images[0].get_clim() for axis in axes}) == 1, "one scale for all three"


def test_counts_carry_their_ratio_and_size():
    axis = figures.parameter_counts(COUNTS).axes[0]
    assert [text.get_text() for text in axis.texts] == ["1/9,300   76 MB", "1/1,178   27 MB"]
    labels = [label.get_text() for label in axis.get_yticklabels()]
    assert labels == ["GPT-3 175B, r=4, q, v", "Llama 3 8B, r=16, q, v"]


def test_the_idea_stacks_gigabytes_and_draws_the_detour():
    left, right = figures.idea(
        {"weights": 32, "gradients": 96}, {"weights": 16, "adapter": 0.1}
    ).axes
    assert [text.get_text() for text in left.texts] == ["128 GB", "16 GB"]
    assert [bar.get_height() for bar in left.patches] == pytest.approx([32, 96, 16, 0.1])
    assert [label.get_text() for label in left.get_legend().get_texts()] == ["weights", "gradients", "adapter"]  # fmt: skip
    assert any("A (r × k)" in text.get_text() for text in right.texts)


def test_a_chosen_rate_is_ringed():
    rows = [
        {"method": "LoRA", "learning_rate": rate, "loss": loss, "each seed": [loss, loss]}
        for rate, loss in ((1e-3, 3.0), (1e-2, 2.0))
    ]
    lines = figures.losses_by_rate(rows, {"LoRA": 1e-2}).axes[0].lines
    [ring] = [line for line in lines if line.get_markersize() == 12]
    assert ring.get_xdata() == [1e-2]
    assert list(lines[0].get_ydata()) == [3.0, 2.0]


def test_differences_leave_out_what_they_are_taken_from():
    rows = [
        {"arm": "LoRA", "loss": 2.0},
        {"arm": "full", "difference": -0.4, "interval": [-0.5, -0.3], "each seed": [-0.4, -0.4]},
    ]
    axis = figures.differences(rows, "LoRA").axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["full"]
    assert list(axis.lines[0].get_xdata()) == [-0.5, -0.3]
    assert "minus that of LoRA" in axis.get_xlabel()
