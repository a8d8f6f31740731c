"""Lab 07: fewer questions than all keep the share that no page answers."""

import pytest

from lab_helpers.labs.lab07.search import load_questions, select_questions


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("count", [10, 88, 220, 1000])
def test_a_selection_keeps_the_share_of_unanswerable_questions(language, count):
    rows = load_questions(language, "test")
    found = select_questions(language, "test", count)
    assert len(found) == min(count, len(rows))
    assert found == [row for row in rows if row in found], "in their order"
    silent = [sum(not row["document"] for row in some) / len(some) for some in (found, rows)]
    assert silent[0] == pytest.approx(silent[1], abs=0.5 / len(found))
    if count >= len(rows):
        assert found == rows
