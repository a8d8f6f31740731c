"""Figures of a training: its losses over the steps."""

from lab_helpers.figures.style import canvas, words
from lab_helpers.runtime.lexicon import term


def loss_curve(curves: dict[str, list[tuple[int, float]]], ylabel: str = ""):
    """A line a run, ``{"name": [(step, loss), …]}``."""
    with canvas(width=5.2) as (figure, axes):
        axis = axes[0][0]
        for name, points in curves.items():
            axis.plot([x for x, _ in points], [y for _, y in points], label=term(name))
        axis.set(xlabel=words("step", "ステップ"), ylabel=ylabel or words("loss", "損失"))
        axis.xaxis.get_major_locator().set_params(integer=True)
        if len(curves) > 1:
            axis.legend(frameon=False)
        return figure
