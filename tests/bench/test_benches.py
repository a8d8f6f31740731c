"""The benches by name, and the smallest of them; no test asserts on a number of seconds."""

import pytest

from lab_helpers.bench.benches import BENCHES, run_benches
from lab_helpers.bench.figure import Figure
from lab_helpers.bench.start import measure_start
from lab_helpers.runtime.errors import BadInput


def test_start_is_measured_in_processes_of_their_own():
    figures = measure_start(1)
    assert [figure.name for figure in figures] == ["import lab_helpers", "labs --help"]
    assert figures[1].value > 0


def test_a_figure_is_rounded_to_four_digits_where_it_is_shown():
    row = Figure("a thing", 1234.56, "tokens/s", ">= 150 tokens/s").row()
    assert row["value"] == 1235
    assert list(row) == ["name", "value", "unit", "target"]


def test_all_benches_run_where_none_is_named(monkeypatch):
    for name in BENCHES:
        monkeypatch.setitem(BENCHES, name, lambda repeats, name=name: [Figure(name, repeats, "s")])
    assert [row["name"] for row in run_benches([], 2)] == list(BENCHES)
    assert [row["value"] for row in run_benches(["sft", "start"], 2)] == [2, 2]


def test_an_unknown_bench_is_refused_before_any_runs():
    with pytest.raises(BadInput, match=r"unknown bench 'speed'\. Use some of: start"):
        run_benches(["start", "speed"], 1)
