"""Progress in a notebook: one line below the cell, and the losses of a training as they come."""

import time

from lab_helpers.runtime.progress import NotebookReporter

_SECONDS_BETWEEN_PICTURES = 2.0


class LiveReporter(NotebookReporter):
    """Also draws a training's losses, at most every two seconds; the picture goes when it ends.

    What remains in the notebook is the figure that the lab shows afterwards.
    """

    def __init__(self):
        super().__init__()
        self._picture = None
        self._drawn = 0.0

    def curve(self, label: str, points: list[tuple[int, float]]) -> None:
        from IPython.display import HTML, Image, display

        from lab_helpers.figures.display import png
        from lab_helpers.figures.tuning import loss_curve

        if not points:
            if self._picture is not None:
                self._picture.update(HTML(""))
            self._picture = None
            return
        if len(points) < 2 or time.monotonic() - self._drawn < _SECONDS_BETWEEN_PICTURES:
            return
        self._drawn = time.monotonic()
        picture = Image(png(loss_curve({label: points})), width=420)
        if self._picture is None:
            self._picture = display(picture, display_id=True)
        else:
            self._picture.update(picture)
