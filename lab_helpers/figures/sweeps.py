"""Figures of a search for settings: what was tried, what was stopped, what mattered."""

import math

from lab_helpers.figures.style import canvas, words
from lab_helpers.runtime.lexicon import term

_GOOD, _STOPPED = "#1f6fb2", "#bdbdbd"


def parallel_coordinates(rows: list[dict], names: list[str], logarithmic=("learning_rate",)):
    """A line a trial through its settings ``names``, ending at its validation loss; stopped ones are grey.

    ``rows`` as :func:`~lab_helpers.tuning.sweep_results.trial_rows` gives them. The best trial is drawn thick.
    """
    import numpy as np

    axes_names = [*names, "loss"]
    complete = [row for row in rows if row["state"] == "complete"]
    best = min(complete, key=lambda row: row["loss"]) if complete else None
    places = {name: _places([row[name] for row in rows], name in logarithmic) for name in axes_names}  # fmt: skip
    with canvas(width=1.5 * len(axes_names) + 1, height=3.6) as (figure, axes):
        axis = axes[0][0]
        shift = np.random.default_rng(0)  # equal settings would hide each other's lines
        for row in sorted(rows, key=lambda row: (row["state"] == "complete", row is best)):
            heights = [places[name][0](row[name]) for name in axes_names]
            heights[:-1] = [h + shift.uniform(-0.012, 0.012) for h in heights[:-1]]
            look = {"color": _GOOD if row["state"] == "complete" else _STOPPED, "lw": 1, "alpha": 0.8}  # fmt: skip
            if row is best:
                look |= {"color": "#b2431f", "lw": 2.6, "alpha": 1}
            axis.plot(range(len(axes_names)), heights, **look)
        for place, name in enumerate(axes_names):
            axis.axvline(place, color="#444444", lw=0.8)
            for height, label in places[name][1]:
                axis.annotate(label, (place, height), (3, 0), textcoords="offset points", fontsize=8, va="center",
                              bbox={"fc": "white", "ec": "none", "pad": 0.4, "alpha": 0.8})  # fmt: skip
        axis.set_xticks(range(len(axes_names)), [term(name) for name in axes_names])
        axis.set(yticks=[], xlim=(-0.15, len(axes_names) - 0.45), ylim=(-0.06, 1.06))
        axis.grid(False)
        for side in ("left", "bottom"):
            axis.spines[side].set_visible(False)
        for label, look in _legend():
            axis.plot([], [], label=label, **look)
        figure.legend(frameon=False, fontsize=8, loc="outside upper center", ncols=3)
        return figure


def _legend():
    return (
        (words("best", "最良"), {"color": "#b2431f", "lw": 2.6}),
        (words("trained to the end", "最後まで学習"), {"color": _GOOD}),
        (words("stopped early (loss so far)", "途中で打ち切り（その時点の損失）"), {"color": _STOPPED}),
    )  # fmt: skip


def _places(values: list, logarithmic: bool):
    """Where a value stands on its axis between 0 and 1, and the labels beside it."""
    if all(isinstance(value, str) for value in values):
        known = sorted(set(values), key=len)
    else:
        known = sorted(set(values))
    if isinstance(known[0], str) or len(known) <= 6:
        step = max(1, len(known) - 1)
        labels = [(i / step, term(v) if isinstance(v, str) else f"{v:.3g}") for i, v in enumerate(known)]  # fmt: skip
        return (lambda value: known.index(value) / step), labels
    scale = math.log10 if logarithmic and known[0] > 0 else float
    low, high = scale(known[0]), scale(known[-1])
    ends = [(0.0, f"{known[0]:.2g}"), (1.0, f"{known[-1]:.2g}")]
    return (lambda value: (scale(value) - low) / (high - low or 1)), ends


def setting_importances(shares: dict[str, float]):
    """A bar a setting: its share of what the losses' spread is due to."""
    with canvas(width=5.2, height=0.42 * len(shares) + 1.0) as (figure, axes):
        axis = axes[0][0]
        names = list(shares)[::-1]
        axis.barh([term(name) for name in names], [shares[name] for name in names], color=_GOOD)
        for place, name in enumerate(names):
            axis.annotate(f"{shares[name]:.2f}", (shares[name], place), (3, 0), textcoords="offset points", va="center", fontsize=8)  # fmt: skip
        axis.set(xlim=(0, 1), xlabel=words("share of the importance", "重要度の割合"))
        return figure


def trial_curves(rows: list[dict]):
    """The validation loss of every trial as it trained; a cross where the pruner stopped one."""
    with canvas(width=5.2) as (figure, axes):
        axis = axes[0][0]
        for row in rows:
            if not row["curve"]:
                continue
            steps, losses = zip(*row["curve"], strict=True)
            stopped = row["state"] != "complete"
            axis.plot(steps, losses, color=_STOPPED if stopped else _GOOD, lw=1, marker="o", ms=2.5)
            if stopped:
                axis.plot(steps[-1], losses[-1], color="#b2431f", marker="x", ms=7)
        axis.set(
            xlabel=words("step", "ステップ"), ylabel=words("validation loss", "検証データの損失")
        )
        axis.set_yscale("log")
        for ticks in (axis.yaxis.set_major_formatter, axis.yaxis.set_minor_formatter):
            ticks(lambda value, _: f"{value:g}")  # a loss of 3, not of 3 × 10⁰
        axis.xaxis.get_major_locator().set_params(integer=True)
        for label, look in (*_legend()[1:2], (words("stopped", "打ち切り"), {"color": "#b2431f", "marker": "x", "ls": ""})):  # fmt: skip
            axis.plot([], [], label=label, **look)
        axis.legend(frameon=False, fontsize=8)
        return figure


def grid_and_random():
    """Nine trials of two settings, one of which matters: a grid asks it three times, chance nine times.

    After Bergstra & Bengio 2012, figure 1.
    """
    import numpy as np

    grid = np.array([(x, y) for x in (0.15, 0.5, 0.85) for y in (0.15, 0.5, 0.85)])
    drawn = np.random.default_rng(7).uniform(0.04, 0.96, (9, 2))
    line = np.linspace(0, 1, 200)
    hill = np.exp(-(((line - 0.66) / 0.1) ** 2))
    titles = words("grid: 3 learning rates", "格子: 学習率は 3 通り"), words("chance: 9 learning rates", "乱数: 学習率は 9 通り")  # fmt: skip
    with canvas(columns=2, width=3.6, height=3.4) as (figure, axes):
        for axis, points, title in zip(axes[0], (grid, drawn), titles, strict=True):
            axis.fill_between(line, 1.05, 1.05 + 0.35 * hill, color=_GOOD, alpha=0.35)
            axis.scatter(points[:, 0], points[:, 1], color=_GOOD, zorder=3)
            heights = 1.05 + 0.35 * np.exp(-(((points[:, 0] - 0.66) / 0.1) ** 2))
            axis.vlines(points[:, 0], points[:, 1], heights, color=_STOPPED, lw=0.8)
            axis.scatter(points[:, 0], heights, color="#b2431f", s=14, zorder=3)
            axis.set(title=title, xlim=(0, 1), ylim=(0, 1.48), xticks=[], yticks=[])
            axis.set_xlabel(words("learning rate (matters)", "学習率（効く）"))
            axis.set_ylabel(words("dropout (hardly matters)", "ドロップアウト（ほとんど効かない）"))  # fmt: skip
            axis.grid(False)
        axes[0][0].annotate(words("quality", "性能"), (0.04, 1.3), fontsize=8, color=_GOOD)
        return figure
