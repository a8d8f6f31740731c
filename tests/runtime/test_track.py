"""Progress: every step is reported, and nothing is when nobody listens."""

import pytest

from lab_helpers.runtime.progress import NotebookReporter, install_reporter, report_with, track


def test_items_pass_through_and_every_step_is_reported():
    heard = []
    with report_with(lambda *step: heard.append(step)):
        assert list(track("abc", "letters", 3)) == ["a", "b", "c"]
    assert heard == [("letters", n, 3) for n in range(4)]


def test_the_reporter_ends_with_its_block_even_after_an_error():
    heard = []
    with pytest.raises(KeyError), report_with(lambda *step: heard.append(step)):
        raise KeyError
    assert list(track([1], "after", 1)) == [1]
    assert heard == []


def test_an_inner_reporter_gives_way_to_the_outer_one():
    outer, inner = [], []
    with report_with(lambda *step: outer.append(step)):
        with report_with(lambda *step: inner.append(step)):
            list(track([1], "in", 1))
        list(track([1], "out", 1))
    assert {label for label, *_ in inner} == {"in"}
    assert {label for label, *_ in outer} == {"out"}


def test_an_installed_reporter_stays_until_it_is_taken_away():
    heard = []
    with report_with(None):
        install_reporter(lambda *step: heard.append(step))
        list(track("ab", "one", 2))
        install_reporter(None)
        list(track("ab", "two", 2))
    assert heard == [("one", n, 2) for n in range(3)]


def test_the_notebook_shows_one_line_that_empties_itself(monkeypatch):
    shown = []

    class Handle:
        def update(self, html):
            shown[-1].append(html.data)

    def display(html, display_id):
        shown.append([html.data])
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    with report_with(NotebookReporter()):
        for _ in range(2):
            list(track("ab", "reading", 2))
    assert len(shown) == 2, "each loop has a line of its own"
    for line in shown:
        assert [("reading" in text, text) for text in line[:2]] == [(True, t) for t in line[:2]]
        assert "1/2" in line[1]
        assert line[2] == ""
