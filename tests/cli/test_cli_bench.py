"""``labs bench``: figures as a table and as JSON, one line for an unknown name."""

import json

import pytest

from lab_helpers.bench import benches
from lab_helpers.bench.figure import Figure
from lab_helpers.runtime.errors import EXIT_BAD_INPUT

FIGURE = Figure("a thing", 1234.56, "tokens/s", ">= 150 tokens/s")


@pytest.fixture(autouse=True)
def one_bench(monkeypatch):
    monkeypatch.setattr(benches, "BENCHES", {"thing": lambda repeats: [FIGURE] * repeats})


def test_json_is_one_array(labs):
    code, out, _ = labs("bench", "thing", "--repeats", 1, "--json")
    assert (code, json.loads(out)) == (0, [FIGURE.row()])


def test_the_table_shows_value_unit_and_target(labs):
    code, out, _ = labs("bench", "--lang", "ja")
    assert code == 0
    for said in ("a thing", "1,235", "tokens/s", ">= 150 tokens/s", "実測"):
        assert said in out


def test_an_unknown_bench_is_one_line(labs):
    code, out, error = labs("bench", "speed")
    assert (code, out) == (EXIT_BAD_INPUT, "")
    assert "unknown bench 'speed'" in error
    assert len(error.strip().splitlines()) == 1
