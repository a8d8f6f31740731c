"""Pictures of a dashboard of models: bars in each metric's own unit, or a radar of turned shares."""

import numpy as np

from lab_helpers.figures.style import canvas, words
from lab_helpers.runtime.lexicon import term

PALETTE = ("#8a8a8a", "#1f6fb2", "#b2431f", "#3a8f5c", "#8a4fb0", "#c79a1b", "#3aa0b5", "#444444")
_LINES, _MARKERS = ("-", "--", ":", "-."), "os^Dv"
_COLUMNS, _LONGEST_NAME = 3, 22
FEWEST_AXES = 3


def picture(board, kind: str):
    """``"bars"`` or ``"radar"``; a radar of fewer than three common metrics would be a line: bars instead."""
    return radar(board) if kind == "radar" and len(board.complete()) >= FEWEST_AXES else bars(board)


def bars(board):
    """A panel a metric on its own scale, a bar a model, 95 % intervals as black lines."""
    metrics, models = board.metrics, board.models
    columns = min(_COLUMNS, len(metrics))
    rows = -(-len(metrics) // columns)
    height = 0.34 * len(models) + 1.15
    with canvas(columns, rows, width=3.5, height=height, texts=models) as (figure, axes):
        for axis, metric in zip(axes.flat, metrics, strict=False):
            _panel(axis, board, metric)
        for axis in axes.flat[len(metrics) :]:
            axis.axis("off")
        for axis in axes[:, 1:].flat:
            axis.set_yticklabels([])
        return figure


def _panel(axis, board, metric) -> None:
    for place, model in enumerate(board.models):
        value, interval = board.value(model, metric), board.interval(model, metric)
        if value is None:
            axis.text(metric.low, place, f" {words('no value', '値なし')}", va="center", fontsize=8, color="#777777")  # fmt: skip
            continue
        axis.barh(place, value - metric.low, left=metric.low, color=_colour(board, model), height=0.62)  # fmt: skip
        if interval:
            axis.plot(interval, [place, place], color="black", lw=1.3, solid_capstyle="butt")
        end = max(value, interval[1] if interval else value)
        room = (metric.high - metric.low) * 0.02
        axis.text(end + room, place, board.cell(model, metric).split(" [")[0], va="center", fontsize=8)  # fmt: skip
    arrow = words("higher is better →", "高いほど良い →") if metric.higher_is_better else words("← lower is better", "← 低いほど良い")  # fmt: skip
    axis.set_title(metric.label(words("en", "ja")), fontsize=10)
    axis.set_xlabel(arrow, fontsize=8)
    # Room for the number beyond the end of the scale; the axis itself ends at the scale's end.
    axis.set_xlim(metric.low, metric.high + (metric.high - metric.low) * 0.2)
    axis.set_xticks(np.linspace(metric.low, metric.high, 3))
    axis.spines["bottom"].set_bounds(metric.low, metric.high)
    axis.tick_params(labelsize=8)
    axis.set_yticks(range(len(board.models)), [_short(name) for name in board.models], fontsize=9)
    axis.set_ylim(len(board.models) - 0.5, -0.5)
    axis.grid(axis="y", visible=False)


def radar(board):
    """A line a model over the metrics that all have. The rim is the better end of each scale.

    Each axis carries its scale from the centre to the rim. A metric of which less is better is turned
    and says so. Intervals do not fit on a radar: for them look at the bars.
    """
    metrics, models = board.complete(), board.models
    if len(metrics) < FEWEST_AXES:
        raise ValueError(f"a radar needs {FEWEST_AXES} metrics that every model has")
    angles = np.linspace(0, 2 * np.pi, len(metrics), endpoint=False)
    with canvas(width=7.4, height=5.6 + 0.2 * len(models), texts=models) as (figure, axes):
        axes[0][0].remove()
        axis = figure.add_subplot(projection="polar")
        axis.set_theta_offset(np.pi / 2)
        axis.set_theta_direction(-1)
        for number, model in enumerate(models):
            shares = [board.turned(model, metric) for metric in metrics]
            axis.plot(
                np.append(angles, angles[0]),
                [*shares, shares[0]],
                color=_colour(board, model),
                ls=_LINES[number % len(_LINES)],
                marker=_MARKERS[number % len(_MARKERS)],
                ms=5,
                lw=1.8,
                label=_short(model),
                clip_on=False,
            )
        axis.set_ylim(0, 1)
        axis.set_yticks([0.25, 0.5, 0.75, 1.0], [])
        axis.set_xticks(angles, [])
        for angle, metric in zip(angles, metrics, strict=True):
            _axis_label(axis, angle, metric, board)
        figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=min(4, len(models)), frameon=False)  # fmt: skip
        figure.suptitle(_reading(len(board.metrics) - len(metrics)), fontsize=8.5, color="#555555")
        return figure


def _axis_label(axis, angle: float, metric, board) -> None:
    """The label and its scale, centre → rim, outside the rim on the side where the axis ends."""
    worse, better = board.scale(metric)
    turned = "" if metric.higher_is_better else words(", turned", "、逆向き")
    text = f"{metric.label(words('en', 'ja'))}\n{worse} → {better}{turned}"
    side = np.sin(angle)
    axis.text(
        angle,
        1.09,
        text,
        ha="center" if abs(side) < 0.2 else "left" if side > 0 else "right",
        va="center" if abs(side) > 0.2 else "bottom" if np.cos(angle) > 0 else "top",
        fontsize=9,
        linespacing=1.35,
    )


def _reading(left_out: int) -> str:
    text = words(
        "Centre → rim: from the worse to the better end of each scale.\nRead along the axes; the area means nothing.",
        "中心 → 外周: 目盛りの悪い端から良い端まで。\n軸に沿って読んでください。面積に意味はありません。",
    )
    if left_out:
        text += "\n" + words(
            f"Left out, as not every model has a value: {left_out}.",
            f"値のないモデルがある {left_out} 項目は省いています。",
        )
    return text


def _colour(board, model: str) -> str:
    """A model keeps its colour when others are taken off the picture."""
    return PALETTE[board.place(model) % len(PALETTE)]


def _short(name: str) -> str:
    name = term(name)
    if len(name) > _LONGEST_NAME:
        name = f"{name[: _LONGEST_NAME // 2]}…{name[-_LONGEST_NAME // 2 + 1 :]}"
    return name.replace("$", r"\$")
