"""Figures of lab 03: code books, rounding errors, and what a fine-tuning needs in memory."""

import numpy as np

from lab_helpers.figures.style import canvas, words

KINDS = {"int4": "#8a8a8a", "fp4": "#b2431f", "nf4": "#1f6fb2"}
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
    with canvas(width=6.0, height=3.0) as (figure, axes):
        axis = axes[0][0]
        for i, kind in enumerate(KINDS):
            values = [
                next(r["error"] for r in rows if r["weights"] == g and r["code"] == kind)
                for g in groups
            ]
            places = np.arange(len(groups)) + (i - 1) * 0.27
            axis.bar(places, values, width=0.25, color=KINDS[kind], label=kind.upper())
            for x, value in zip(places, values, strict=True):
                axis.annotate(f"{value:.1%}", (x, value), (0, 2), textcoords="offset points", ha="center", fontsize=8)  # fmt: skip
        axis.set_xticks(range(len(groups)), groups)
        axis.set_ylabel("‖W - W'‖ / ‖W‖")
        axis.set_ylim(0, max(row["error"] for row in rows) * 1.2)
        axis.legend(frameon=False, ncols=3, fontsize=8)
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
        for term, colour in TERM_COLOURS.items():
            sizes = np.array([row["terms"][term] / gib for row in rows])
            if sizes.any():
                label = names[term]
                axis.barh([r["name"] for r in rows], sizes, left=left, color=colour, label=label)
            left += sizes
        for i, total in enumerate(totals):
            axis.annotate(f"{total:.1f} GiB", (total, i), (4, -3), textcoords="offset points", fontsize=8)  # fmt: skip
        for level, (name, size) in enumerate(_apart(gpus, shown).items()):
            axis.axvline(size, color="black", ls=":", lw=1)
            height = 1.01 + 0.09 * (level % 2)
            axis.text(size, height, name, transform=axis.get_xaxis_transform(), ha="center", fontsize=7)  # fmt: skip
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
