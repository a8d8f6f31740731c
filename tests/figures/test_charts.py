"""General charts show what they are handed."""

import pytest

from lab_helpers.figures import charts


def test_bars_carry_their_values_and_their_intervals():
    axis = charts.bars({"a": 0.25, "b": 0.5}, {"b": [0.4, 0.7]}, "title", "share").axes[0]
    assert [bar.get_height() for bar in axis.patches] == [0.25, 0.5]
    assert [text.get_text() for text in axis.texts] == ["0.25", "0.50"]
    assert [list(line.get_ydata()) for line in axis.lines] == [[0.25, 0.25], [0.4, 0.7]]
    assert (axis.get_title(), axis.get_ylabel()) == ("title", "share")
    assert axis.get_ylim() == (0, 1)


def test_bars_above_one_are_not_cut_off():
    assert charts.bars({"a": 3.0}).axes[0].get_ylim() == (0, 3)


@pytest.mark.parametrize(("logx", "logy"), [(False, True), (True, False)])
def test_lines_have_a_name_each_and_the_scales_that_are_asked_for(logx, logy):
    series = {"a": [(1, 2), (3, 4)], "b": [(1, 5)]}
    axis = charts.lines(series, "x", "y", logx=logx, logy=logy).axes[0]
    assert {line.get_label(): line.get_xydata().tolist() for line in axis.lines} == {
        "a": [[1, 2], [3, 4]],
        "b": [[1, 5]],
    }
    assert (axis.get_xscale(), axis.get_yscale()) == ("log" if logx else "linear", "log" if logy else "linear")  # fmt: skip
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x", "y")
