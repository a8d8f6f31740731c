"""Figures of a search: every trial is drawn, the best one stands out, and few trials break nothing."""

from lab_helpers.figures.sweeps import (
    grid_and_random,
    parallel_coordinates,
    setting_importances,
    trial_curves,
)

ROWS = [
    {"state": "complete", "r": 8, "targets": "q,v", "learning_rate": 1e-3, "loss": 2.0, "curve": [(1, 3.0), (2, 2.0)]},
    {"state": "complete", "r": 8, "targets": "all-linear", "learning_rate": 1e-2, "loss": 1.0, "curve": [(1, 2.0), (2, 1.0)]},
    {"state": "pruned", "r": 64, "targets": "q,v", "learning_rate": 1e-4, "loss": 4.0, "curve": [(1, 4.0)]},
]  # fmt: skip
NAMES = ["r", "targets", "learning_rate"]


def test_a_line_a_trial_and_the_best_one_thick():
    axis = parallel_coordinates(ROWS, NAMES).axes[0]
    drawn = [line for line in axis.lines if len(line.get_xdata()) == len(NAMES) + 1]
    assert len(drawn) == 3
    thick = max(drawn, key=lambda line: line.get_linewidth())
    assert thick.get_ydata()[-1] == 0  # the lowest loss
    assert [label.get_text() for label in axis.get_xticklabels()] == [*NAMES, "loss"]


def test_one_trial_and_trials_that_were_all_stopped():
    parallel_coordinates(ROWS[:1], NAMES)
    parallel_coordinates(ROWS[2:], NAMES)
    trial_curves([{"state": "pruned", "curve": []}])


def test_a_cross_where_a_trial_was_stopped():
    axis = trial_curves(ROWS).axes[0]
    crosses = [line for line in axis.lines if line.get_marker() == "x" and len(line.get_xdata())]
    assert [(cross.get_xdata()[0], cross.get_ydata()[0]) for cross in crosses] == [(1, 4.0)]


def test_a_bar_a_setting_the_largest_on_top():
    axis = setting_importances({"learning_rate": 0.9, "r": 0.1}).axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["r", "learning_rate"]


def test_the_same_number_of_trials_on_a_grid_and_by_chance():
    grid, drawn = grid_and_random().axes
    assert [len(axis.collections[1].get_offsets()) for axis in (grid, drawn)] == [9, 9]
