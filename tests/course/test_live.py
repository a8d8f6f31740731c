"""The live loss picture of a notebook, without a notebook."""

import IPython.display
import pytest

from lab_helpers.course import live
from lab_helpers.runtime.progress import report_curve, report_with


class Handle:
    def __init__(self, shown):
        self.shown = [shown]

    def update(self, what):
        self.shown.append(what)


@pytest.fixture
def handles(monkeypatch):
    made = []

    def display(what, display_id=None):
        made.append(Handle(what))
        return made[-1]

    monkeypatch.setattr(IPython.display, "display", display)
    monkeypatch.setattr(live, "_SECONDS_BETWEEN_PICTURES", 0.0)
    return made


def test_one_picture_is_redrawn_and_goes_at_the_end(handles):
    with report_with(live.LiveReporter()):
        for count in range(1, 5):
            report_curve("SFT", [(step, 2.0 - step / 10) for step in range(1, count + 1)])
        report_curve("SFT", [])
    (handle,) = handles
    pictures, last = handle.shown[:-1], handle.shown[-1]
    assert len(pictures) == 3, "one point is no curve yet"
    assert all(picture.data.startswith(b"\x89PNG") for picture in pictures)
    assert last.data == ""


def test_a_second_training_gets_a_picture_of_its_own(handles):
    with report_with(live.LiveReporter()):
        for _ in range(2):
            report_curve("SFT", [(1, 2.0), (2, 1.0)])
            report_curve("SFT", [])
    assert len(handles) == 2


def test_pictures_do_not_come_faster_than_the_eye(handles, monkeypatch):
    monkeypatch.setattr(live, "_SECONDS_BETWEEN_PICTURES", 60.0)
    monkeypatch.setattr(live.time, "monotonic", lambda: 1000.0)
    with report_with(live.LiveReporter()):
        for count in range(2, 6):
            report_curve("SFT", [(step, 1.0) for step in range(count)])
    assert len(handles) == 1
    assert len(handles[0].shown) == 1
