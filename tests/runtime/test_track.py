"""Progress: every step is reported, and nothing is when nobody listens."""

import pytest

from lab_helpers.runtime.progress import report_with, track


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
