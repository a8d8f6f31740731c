"""BENCHMARKS.md's table is what the code counts today."""

from pathlib import Path

import pytest

from lab_helpers.tuning.memory import GIB
from lab_helpers.tuning.published_memory import (
    BEGIN,
    END,
    FIGURES,
    predicted_bytes,
    published_table,
    with_table,
)

pytestmark = pytest.mark.usefixtures("one_thread")
PAGE = Path(__file__).parents[2] / "BENCHMARKS.md"


def test_the_table_is_not_stale():
    text = PAGE.read_text(encoding="utf-8")
    assert with_table(text) == text, "run python -m lab_helpers.tuning.published_memory"


def test_every_figure_has_a_source_and_a_reason():
    table = published_table()
    assert len(table.splitlines()) == len(FIGURES) + 2
    for figure in FIGURES:
        assert figure.source.startswith("[")
        assert "https://" in figure.source
        assert len(figure.why) > 20


def test_what_was_measured_with_these_settings_is_met_within_a_fifth():
    """torchtune's and TRL's committed outputs; the others name no settings, or no allocation."""
    compared = [f for f in FIGURES if f.unit == "GiB" and f.said != 10.9]
    assert len(compared) == 5
    for figure in compared:
        assert predicted_bytes(figure) / GIB == pytest.approx(figure.said, rel=0.2), figure


def test_text_around_the_table_is_kept():
    text = with_table(f"before\n{BEGIN}\nstale row\n{END}\nafter")
    assert text == f"before\n{BEGIN}\n{published_table()}\n{END}\nafter"
