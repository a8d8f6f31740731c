"""Progress for long loops: a rich bar in the terminal, one HTML line in a notebook, silence otherwise.

Deep code calls :func:`track`; whoever owns the screen installs a reporter with :func:`report_with`.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

Reporter = Callable[[str, int, int], None]
_reporter: Reporter | None = None


@contextmanager
def report_with(reporter: Reporter | None):
    """While inside, ``reporter(label, done, total)`` hears of every step of every :func:`track`."""
    global _reporter
    previous, _reporter = _reporter, reporter
    try:
        yield
    finally:
        _reporter = previous


def install_reporter(reporter: Reporter | None) -> None:
    """Make ``reporter`` the listener from now on (a notebook has no end to restore it at)."""
    global _reporter
    _reporter = reporter


def report(label: str, done: int, total: int) -> None:
    """Tell the listener, if there is one, that ``done`` of ``total`` steps are behind."""
    if _reporter:
        _reporter(label, done, total)


def is_watched() -> bool:
    """Whether somebody listens: a download that nobody shows needs a bar of its own."""
    return _reporter is not None


def report_section(title: str, done: int, total: int) -> None:
    """Tell a listener that shows sections which one begins, and how many of ``total`` are behind."""
    show = getattr(_reporter, "section", None)
    if show:
        show(title, done, total)


def note(text: str) -> None:
    """One line that somebody should see: above the bars of a terminal, below the cell of a notebook."""
    show = getattr(_reporter, "note", None)
    if show:
        show(text)
    else:
        print(text, file=sys.stderr)


def report_curve(label: str, points: list[tuple[int, float]]) -> None:
    """Hand the losses so far, ``(step, loss)``, to a listener that draws them; ``[]`` means the end."""
    draw = getattr(_reporter, "curve", None)
    if draw:
        draw(label, points)


def track(items: Iterable, label: str, total: int) -> Iterator:
    """Yield ``items``, reporting how many of ``total`` are done."""
    for done, item in enumerate(items):
        report(label, done, total)
        yield item
    report(label, total, total)


class NotebookReporter:
    """One line of HTML below the cell that empties itself when the loop ends."""

    def __init__(self):
        self._handle = None

    def note(self, text: str) -> None:
        print(text)

    def __call__(self, label: str, done: int, total: int) -> None:
        from IPython.display import HTML, display

        bar = f"<progress value='{done}' max='{total}'></progress> {label} {done}/{total}"
        if self._handle is None:
            self._handle = display(HTML(bar), display_id=True)
        elif done == total:
            self._handle.update(HTML(""))
            self._handle = None
        else:
            self._handle.update(HTML(bar))
