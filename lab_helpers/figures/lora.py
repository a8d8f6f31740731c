"""Figures of adapters: singular values, a matrix at a rank, parameters to train."""

import numpy as np

from lab_helpers.figures.style import canvas, colour, words
from lab_helpers.runtime.lexicon import term


def spectrum(energies: dict[str, np.ndarray], reference: np.ndarray | None = None):
    """Cumulative energy by rank: a thin line a matrix, their mean, and a random matrix beside."""
    with canvas(width=5.2, height=3.4) as (figure, axes):
        axis = axes[0][0]
        for values in energies.values():
            axis.plot(
                range(1, len(values) + 1), values, color=colour("pretrained"), alpha=0.15, lw=0.8
            )
        mean = np.mean([np.asarray(v) for v in energies.values()], axis=0)
        axis.plot(
            range(1, len(mean) + 1),
            mean,
            color=colour("pretrained"),
            lw=2.2,
            label=words("ΔW, mean", "ΔW の平均"),
        )
        if reference is not None:
            axis.plot(
                range(1, len(reference) + 1),
                reference,
                color="black",
                ls="--",
                label=words("random matrix", "乱数行列"),
            )
        axis.set(
            xscale="log",
            ylim=(0, 1.02),
            xlabel=words("rank r", "ランク r"),
            ylabel=words("share of ‖ΔW‖²", "‖ΔW‖² に占める割合"),
        )
        axis.legend(frameon=False)
        return figure


def rank_view(delta: np.ndarray, approximation: np.ndarray, r: int, kept: float):
    """Static twin of the rank slider: ΔW, its best rank-r copy and what is left out."""
    limit = float(np.percentile(np.abs(delta), 99.5))
    titles = [
        "ΔW",
        f"{words('best of rank', '最良の近似、ランク')} {r}",
        words(f"left out: {1 - kept:.0%}", f"取りこぼし: {1 - kept:.0%}"),
    ]
    with canvas(3, width=2.8, height=2.9) as (figure, axes):
        for axis, title, matrix in zip(
            axes[0], titles, (delta, approximation, delta - approximation), strict=True
        ):
            axis.imshow(matrix, cmap="RdBu", vmin=-limit, vmax=limit)
            axis.set(title=title, xticks=[], yticks=[])
            axis.grid(False)
        return figure


def parameter_counts(rows: list[dict]):
    """A bar a configuration: one trainable parameter in how many, on a log scale."""
    names = [f"{row['model']}, r={row['r']}, {term(row['targets'])}" for row in rows]
    with canvas(width=7.0, height=0.42 * len(rows) + 1.0) as (figure, axes):
        axis = axes[0][0]
        axis.barh(names, [row["one_in"] for row in rows], color=colour("lora"))
        axis.axvline(10_000, color="black", ls=":", lw=1)
        for i, row in enumerate(rows):
            axis.annotate(
                f"1/{row['one_in']:,.0f}   {row['MB (float32)']:,.0f} MB",
                (row["one_in"], i),
                (4, -3),
                textcoords="offset points",
                fontsize=8,
            )
        axis.set(
            xscale="log",
            xlim=(10, 200_000),
            xlabel=words("one trainable parameter in …", "学習対象は全体の何分の 1 か"),
        )
        axis.invert_yaxis()
        return figure


def idea(full_gb: dict[str, float], lora_gb: dict[str, float]):
    """Why LoRA, and what it is: memory of one training step, and W with A and B beside it.

    ``full_gb`` and ``lora_gb`` are gigabytes by part, in the order in which they are stacked.
    """
    with canvas(2, width=4.4, height=3.3) as (figure, axes):
        _memory(axes[0][0], full_gb, lora_gb)
        _detour(axes[0][1])
        return figure


def _memory(axis, full_gb: dict[str, float], lora_gb: dict[str, float]) -> None:
    shades = dict(zip(full_gb, ("#1f6fb2", "#7fa8c9", "#b2431f", "#8a4fb0"), strict=False))
    for x, parts in enumerate((full_gb, lora_gb)):
        bottom = 0.0
        for name, size in parts.items():
            shade = shades.setdefault(name, "#8a4fb0")
            axis.bar(x, size, bottom=bottom, color=shade, width=0.55, label=term(name))
            bottom += size
        axis.annotate(f"{bottom:.0f} GB", (x, bottom), (0, 3), textcoords="offset points", ha="center")  # fmt: skip
    handles, labels = axis.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    axis.legend(unique.values(), unique.keys(), frameon=False, fontsize=8)
    axis.set(
        xticks=[0, 1],
        xticklabels=[words("full fine-tuning", "フル\nファインチューニング"), "LoRA"],
        ylabel="GB",
        title=words("an 8B model, one training step", "8B のモデルの学習 1 ステップ"),
    )
    axis.margins(y=0.15)


def _detour(axis) -> None:
    from matplotlib.patches import FancyArrowPatch, Polygon, Rectangle

    def arrow(start, end) -> None:
        axis.add_patch(FancyArrowPatch(start, end, arrowstyle="->", mutation_scale=11, color="#444"))  # fmt: skip

    purple, blue = colour("lora"), "#c9dcec"
    axis.add_patch(Rectangle((0.4, 2.6), 3.2, 3.0, facecolor=blue, edgecolor="#1f6fb2", hatch="//"))
    axis.text(2.0, 4.1, words("W (d × k)\nfrozen", "W（d × k）\n凍結"), ha="center", va="center",
              bbox={"facecolor": "white", "edgecolor": "none", "pad": 2})  # fmt: skip
    axis.add_patch(Polygon([(5.0, 2.6), (8.6, 2.6), (7.3, 3.9), (6.3, 3.9)], facecolor=purple, alpha=0.45))  # fmt: skip
    axis.add_patch(Polygon([(6.3, 4.3), (7.3, 4.3), (8.6, 5.6), (5.0, 5.6)], facecolor=purple, alpha=0.45))  # fmt: skip
    axis.text(6.8, 3.05, "A (r × k)", ha="center")
    axis.text(6.8, 4.95, "B (d × r)", ha="center")
    axis.text(8.75, 4.0, words("r numbers", "r 個の数"), va="center", fontsize=8)
    axis.text(4.4, 0.75, words("x, k numbers", "x（k 個の数）"), ha="center")
    axis.text(4.4, 7.35, words("h, d numbers", "h（d 個の数）"), ha="center")
    axis.text(7.9, 6.1, "× α/r", fontsize=9)
    axis.text(4.4, 6.25, "+", ha="center", va="center", fontsize=14)
    for start, end in (
        ((4.0, 1.3), (2.0, 2.5)),
        ((4.8, 1.3), (6.8, 2.5)),
        ((2.0, 5.7), (4.1, 6.2)),
        ((6.8, 5.7), (4.7, 6.2)),
        ((4.4, 6.55), (4.4, 7.2)),
    ):
        arrow(start, end)
    axis.set(xlim=(0, 10.6), ylim=(0.3, 8), xticks=[], yticks=[],
             title=words("LoRA: a thin detour beside W", "LoRA: W の横の細い迂回路"))  # fmt: skip
    axis.grid(False)
    for side in axis.spines.values():
        side.set_visible(False)


def losses_by_rate(rows: list[dict], chosen: dict[str, float]):
    """Validation loss by learning rate: a line a method, a dot a seed, a ring around the chosen rate.

    ``rows`` are ``{"method", "learning_rate", "loss", "each seed"}``.
    """
    with canvas(width=5.4, height=3.5) as (figure, axes):
        axis = axes[0][0]
        for method in dict.fromkeys(row["method"] for row in rows):
            own = [row for row in rows if row["method"] == method]
            shade = colour({"LoRA": "lora", "head only": "probe"}.get(method, method))
            axis.plot(
                [row["learning_rate"] for row in own],
                [row["loss"] for row in own],
                color=shade,
                label=term(method),
            )
            for row in own:
                axis.plot([row["learning_rate"]] * len(row["each seed"]), row["each seed"], ".", color=shade)  # fmt: skip
                if row["learning_rate"] == chosen.get(method):
                    axis.plot(row["learning_rate"], row["loss"], "o", ms=12, mfc="none", color=shade)  # fmt: skip
        axis.set(
            xscale="log",
            xlabel=words("learning rate", "学習率"),
            ylabel=words("validation loss", "検証損失"),
        )
        axis.legend(frameon=False, fontsize=8)
        return figure


def differences(rows: list[dict], against: str):
    """Each arm's difference from the arm ``against`` with its interval, a dot a seed; left of 0 is better."""
    shown = [row for row in rows if row["arm"] != against]
    with canvas(width=6.0, height=0.5 * len(shown) + 1.2) as (figure, axes):
        axis = axes[0][0]
        for y, row in enumerate(shown):
            axis.plot(row["interval"], [y, y], color=colour("lora"), lw=2)
            axis.plot(row["difference"], y, "o", color=colour("lora"))
            axis.plot(row["each seed"], [y + 0.18] * len(row["each seed"]), "|", color="#444444")
        axis.axvline(0, color="black", lw=1, ls=":")
        axis.set(
            yticks=range(len(shown)),
            yticklabels=[term(row["arm"]) for row in shown],
            ylim=(len(shown) - 0.5, -0.6),
            xlabel=words(
                f"test loss minus that of {against} (left: better)",
                f"テスト損失の差（{term(against)} との差、左ほどよい）",
            ),
        )
        return figure
