"""A download that can be seen: through whoever shows progress, else on the terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from lab_helpers.runtime.language import say
from lab_helpers.runtime.progress import is_watched, note, report, report_with

_SECONDS_BETWEEN = 0.1
_WORTH_A_LINE = 10_000_000  # bytes


class DownloadProgress:
    """Counts bytes of a model's files, and reports megabytes; call it with every number of bytes."""

    def __init__(self, name: str, total: int):
        self._label = say(f"download {name} (MB)", f"{name} をダウンロード中（MB）")
        self._total, self._done, self._told = total, 0, 0.0

    def __call__(self, arrived: int) -> None:
        self._done += arrived
        now = time.monotonic()
        if now - self._told >= _SECONDS_BETWEEN:
            self._told = now
            self._report()

    def _report(self) -> None:
        total = max(1, -(-self._total // 1_000_000))
        report(self._label, min(self._done // 1_000_000, total - 1), total)

    def finish(self) -> None:
        total = max(1, -(-self._total // 1_000_000))
        report(self._label, total, total)


@contextmanager
def shown_download(name: str, size: int, where: str) -> Iterator[DownloadProgress]:
    """While inside, a bar stands somewhere: a notebook's, ``labs run``'s, or one of its own."""
    if size >= _WORTH_A_LINE:
        note(
            say(
                f"Downloading {name}, {size / 1e9:.2f} GB, to {where}. If it stops, the next start goes on from there.",
                f"{name}（{size / 1e9:.2f} GB）を {where} にダウンロードします。中断しても、次回は続きから再開します。",
            )
        )
    with _somebody_watching():
        progress = DownloadProgress(name, size)
        yield progress
        progress.finish()


@contextmanager
def _somebody_watching() -> Iterator[None]:
    if is_watched() or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=None)

        def show(label: str, done: int, total: int) -> None:
            bars.update(task, description=label, completed=done, total=total)

        with report_with(show):
            yield
