"""Figures of adapters: singular values, a matrix at a rank, parameters to train."""

import numpy as np

from lab_helpers.figures.style import canvas, colour, words


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
        f"{words('best rank', '最良のランク')} {r}",
        words(f"left out: {1 - kept:.0%}", f"残り: {1 - kept:.0%}"),
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
    names = [f"{row['model']}, r={row['r']}, {row['targets']}" for row in rows]
    with canvas(width=7.0, height=0.42 * len(rows) + 1.0) as (figure, axes):
        axis = axes[0][0]
        axis.barh(names, [row["one_in"] for row in rows], color=colour("lora"))
        axis.axvline(10_000, color="black", ls=":", lw=1)
        for i, row in enumerate(rows):
            axis.annotate(
                f"1/{row['one_in']:,.0f}   {row['megabytes']:,.0f} MB",
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
