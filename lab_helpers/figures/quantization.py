"""Figures of lab 03: NF4 in one picture, code books, rounding errors, merging, and memory."""

from statistics import NormalDist

import numpy as np

from lab_helpers.figures.style import canvas, words
from lab_helpers.runtime.lexicon import term

KINDS = {"int4": "#8a8a8a", "fp4": "#b2431f", "e2m1": "#c79a1b", "nf4": "#1f6fb2"}
TERM_COLOURS = {
    "weights_4bit": "#1f6fb2",
    "weights_wide": "#86b6dc",
    "copies": "#c9dcec",
    "adapter": "#8a4fb0",
    "gradients": "#c79a1b",
    "optimizer": "#b2431f",
    "activations": "#3a8f5c",
}


def term_names() -> dict[str, str]:
    """The memory terms in the learner's language."""
    return {
        "weights_4bit": words("4-bit weights", "4 ビットの重み"),
        "weights_wide": words("other weights", "その他の重み"),
        "copies": words("16-bit copies", "16 ビットの写し"),
        "adapter": words("adapter", "アダプター"),
        "gradients": words("gradients", "勾配"),
        "optimizer": words("optimizer", "オプティマイザー"),
        "activations": words("activations", "活性値"),
    }


def nf4_in_one_picture(probabilities: np.ndarray, values: np.ndarray, block: np.ndarray):
    """Why NF4 has the values it has, and how a block is rounded to them.

    Left: even steps of ``probabilities`` on the normal distribution's curve give uneven values. Middle:
    a ``block`` of weights and its largest magnitude. Right: the same block over that magnitude, its first
    weights and the nearest of the 16 ``values``.
    """
    with canvas(3, width=3.9, height=3.1) as (figure, axes):
        _draw_quantiles(axes[0][0], probabilities)
        _draw_block(axes[0][1], block)
        _draw_snapping(axes[0][2], values, block[:SNAPPED] / np.abs(block).max())
        return figure


SNAPPED = 20
"""Weights of the block in the right panel: more would hide the steps."""


def _draw_quantiles(axis, probabilities: np.ndarray) -> None:
    normal = NormalDist()
    line = np.linspace(-2.4, 2.4, 200)
    axis.plot(line, [normal.cdf(x) for x in line], color="black", lw=1)
    for probability in probabilities:
        value = normal.inv_cdf(probability)
        axis.plot([-2.4, value, value], [probability, probability, 0], color=KINDS["nf4"], lw=0.8)
    axis.set(xlim=(-2.4, 2.4), ylim=(0, 1), title=words("1. Even shares, uneven values", "1. 等間隔の確率、間隔の違う値"))  # fmt: skip
    axis.set_xlabel(words("weight (standard deviations)", "重み（標準偏差の何倍か）"))
    axis.set_ylabel(words("share of weights below", "それより小さい重みの割合"))
    axis.grid(False)


def _draw_block(axis, block: np.ndarray) -> None:
    largest = int(np.abs(block).argmax())
    axis.vlines(range(len(block)), 0, block, color="#8a8a8a", lw=1.2)
    axis.vlines(largest, 0, block[largest], color=KINDS["fp4"], lw=2)
    for edge in (-1, 1):
        axis.axhline(edge * abs(block[largest]), color=KINDS["fp4"], ls=":", lw=1)
    axis.annotate("absmax", (len(block) - 1, abs(block[largest])), (0, -10), textcoords="offset points", ha="right", fontsize=8, color=KINDS["fp4"])  # fmt: skip
    axis.set(title=words("2. One block, its largest weight", "2. 1 ブロックと、その最大の重み"), xlabel=words("place in the block", "ブロック内の位置"), ylabel=words("weight", "重み"))  # fmt: skip
    axis.grid(False)


def _draw_snapping(axis, values: np.ndarray, scaled: np.ndarray) -> None:
    nearest = values[np.abs(scaled[:, None] - values).argmin(1)]
    places = np.arange(len(scaled))
    axis.hlines(values, -1, len(scaled), color=KINDS["nf4"], lw=0.6, alpha=0.6)
    axis.vlines(places, scaled, nearest, color="black", lw=1)
    axis.plot(places, scaled, "o", mfc="white", mec="black", ms=4, label=words("weight / absmax", "重み ÷ absmax"))  # fmt: skip
    axis.plot(places, nearest, "o", color=KINDS["nf4"], ms=4, label=words("stored value", "保存される値"))  # fmt: skip
    axis.set(title=words("3. The nearest of 16 values", "3. 16 個のうち最も近い値"), xlim=(-1, len(scaled)), ylim=(-1.05, 1.05), xlabel=words("place in the block", "ブロック内の位置"))  # fmt: skip
    axis.legend(frameon=True, fontsize=7, loc="upper right")
    axis.grid(False)


def surviving_change(points: list[dict], marks: dict[str, float]):
    """Over the size of ΔW (a share of W): how much of it a 4-bit merge keeps, and how large the error is.

    ``points`` have ``size``, ``kept`` and ``error``; ``marks`` are named sizes.
    """
    with canvas(width=6.4, height=3.2) as (figure, axes):
        axis = axes[0][0]
        sizes = [point["size"] for point in points]
        for key, name, colour in (
            ("kept", words("share of ΔW kept", "残った ΔW の割合"), KINDS["nf4"]),
            ("error", words("error / ‖ΔW‖", "誤差 ÷ ‖ΔW‖"), KINDS["fp4"]),
        ):
            axis.plot(sizes, [point[key] for point in points], "o-", color=colour, label=name)
        for name, size in marks.items():
            axis.axvline(size, color="black", ls=":", lw=1)
            axis.annotate(name, (size, 0.5), (3, 0), textcoords="offset points", fontsize=8)
        axis.set(xscale="log", xlabel="‖ΔW‖ / ‖W‖", ylim=(-0.05, 1.2))
        axis.legend(frameon=False, fontsize=8)
        return figure


def code_books(codes: dict[str, np.ndarray], weights: np.ndarray):
    """A row a code book: its 16 values over the histogram of real weights, each over its block's largest."""
    with canvas(1, len(codes), width=6.4, height=1.5) as (figure, axes):
        for axis, (name, values) in zip(axes[:, 0], codes.items(), strict=True):
            axis.hist(weights, bins=120, range=(-1, 1), density=True, color="#d5d5d5")
            axis.vlines(values, 0, 1.0, color=KINDS[name], lw=1.6)
            axis.set(title=name.upper(), xlim=(-1.12, 1.05), yticks=[])
            axis.grid(False)
        axes[-1, 0].set_xlabel(
            words("weight / largest of its block", "重み ÷ ブロック内の最大の絶対値")
        )
        return figure


def rounding_errors(rows: list[dict]):
    """Relative error by code book, a group of bars for each kind of weights."""
    groups = list(dict.fromkeys(row["weights"] for row in rows))
    with canvas(width=7.6, height=3.0) as (figure, axes):
        axis = axes[0][0]
        for i, kind in enumerate(KINDS):
            values = [
                next(r["error"] for r in rows if r["weights"] == g and r["code"] == kind)
                for g in groups
            ]
            places = np.arange(len(groups)) + (i - 1.5) * 0.21
            axis.bar(places, values, width=0.2, color=KINDS[kind], label=kind.upper())
            for x, value in zip(places, values, strict=True):
                axis.annotate(f"{value:.1%}", (x, value), (0, 2), textcoords="offset points", ha="center", fontsize=7)  # fmt: skip
        axis.set_xticks(range(len(groups)), map(term, groups))
        axis.set_ylabel("‖W - W'‖ / ‖W‖")
        axis.set_ylim(0, max(row["error"] for row in rows) * 1.2)
        axis.legend(frameon=False, ncols=4, fontsize=8)
        return figure


def memory_bars(rows: list[dict], gpus: dict[str, float], title: str = ""):
    """A stacked bar of memory terms for each row (``name`` and ``terms`` in bytes), GPUs as lines."""
    gib = 2**30
    totals = [sum(row["terms"].values()) / gib for row in rows]
    shown = max(*totals, 16.0) * 1.16
    names = term_names()
    with canvas(width=7.6, height=0.55 * len(rows) + 1.7) as (figure, axes):
        axis = axes[0][0]
        left = np.zeros(len(rows))
        bars = [term(row["name"]) for row in rows]
        for part, colour in TERM_COLOURS.items():
            sizes = np.array([row["terms"][part] / gib for row in rows])
            if sizes.any():
                axis.barh(bars, sizes, left=left, color=colour, label=names[part])
            left += sizes
        for i, total in enumerate(totals):
            axis.annotate(f"{total:.1f} GiB", (total, i), (4, -3), textcoords="offset points", fontsize=8)  # fmt: skip
        for level, (name, size) in enumerate(_apart(gpus, shown).items()):
            axis.axvline(size, color="black", ls=":", lw=1)
            height = 1.01 + 0.09 * (level % 2)
            axis.text(size, height, term(name), transform=axis.get_xaxis_transform(), ha="center", fontsize=7)  # fmt: skip
        axis.set(xlim=(0, shown), xlabel="GiB")
        axis.set_title(title, pad=28)
        axis.invert_yaxis()
        axis.legend(frameon=False, fontsize=7, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.32))  # fmt: skip
        return figure


def _apart(gpus: dict[str, float], shown: float) -> dict[str, float]:
    """The GPUs on the axis whose names do not run into each other, the largest first chosen."""
    kept: dict[str, float] = {}
    for name, size in sorted(gpus.items(), key=lambda gpu: -gpu[1]):
        if size <= shown and all(abs(size - other) > 0.06 * shown for other in kept.values()):
            kept[name] = size
    return dict(sorted(kept.items(), key=lambda gpu: gpu[1]))
