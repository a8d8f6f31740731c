"""General charts: bars with intervals, and lines. Each returns a matplotlib ``Figure``."""

from lab_helpers.figures.style import canvas, colour
from lab_helpers.runtime.lexicon import term


def bars(
    values: dict[str, float],
    intervals: dict[str, list[float]] | None = None,
    title: str = "",
    ylabel: str = "",
):
    """A bar a method, with intervals where they are known."""
    with canvas(width=5.2) as (figure, axes):
        axis = axes[0][0]
        names = list(values)
        axis.bar(
            range(len(names)),
            [values[n] for n in names],
            color=[colour(n) for n in names],
            width=0.6,
        )
        axis.set_xticks(range(len(names)), [term(name) for name in names])
        for i, name in enumerate(names):
            low, high = (intervals or {}).get(name, [values[name], values[name]])
            axis.plot([i, i], [low, high], color="black", lw=1.2)
            above = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center"}
            axis.annotate(f"{values[name]:.2f}", (i, high), **above)
        axis.set(title=title, ylabel=ylabel, ylim=(0, max(1.0, *values.values())))
        return figure


def lines(
    series: dict[str, list[tuple[float, float]]],
    xlabel: str,
    ylabel: str,
    *,
    logx=False,
    logy=False,
    title="",
):
    """Named lines of (x, y) points."""
    with canvas(width=5.2, height=3.4) as (figure, axes):
        axis = axes[0][0]
        for name, points in series.items():
            axis.plot(*zip(*points, strict=True), marker="o", ms=4, label=term(name))
        axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
        if logx:
            axis.set_xscale("log")
        if logy:
            axis.set_yscale("log")
        axis.legend(frameon=False, fontsize=8)
        return figure
