"""Figures of labs 00 to 02. Each function takes plain rows and returns a matplotlib ``Figure``."""

import numpy as np

from lab_helpers.figures.style import canvas, colour, words


def learning_curves(panels: dict[str, list[dict]], chance: dict[str, float] | None = None):
    """One panel a data set: mean accuracy over seeds by size, with the range over seeds."""
    columns = min(2, len(panels))
    with canvas(columns, -(-len(panels) // columns)) as (figure, axes):
        for axis, (name, rows) in zip(axes.flat, panels.items(), strict=True):
            for method in dict.fromkeys(row["method"] for row in rows):
                sizes = sorted({row["n"] for row in rows if row["method"] == method})
                values = [
                    [r["accuracy"] for r in rows if r["method"] == method and r["n"] == n]
                    for n in sizes
                ]
                axis.plot(
                    sizes,
                    [np.mean(v) for v in values],
                    marker="o",
                    color=colour(method),
                    label=method,
                )
                axis.fill_between(
                    sizes,
                    [min(v) for v in values],
                    [max(v) for v in values],
                    color=colour(method),
                    alpha=0.15,
                )
            if chance and name in chance:
                axis.axhline(
                    chance[name], color="black", lw=0.8, ls=":", label=words("chance", "偶然")
                )
            axis.set(
                xscale="log",
                ylim=(0, 1),
                title=name,
                xlabel=words("labelled examples", "ラベルつきの例の数"),
            )
            axis.set_xticks(sizes, [str(n) for n in sizes])
            axis.minorticks_off()
        axes[0][0].set_ylabel(words("test accuracy", "テスト正解率"))
        axes[0][-1].legend(frameon=False)
        return figure


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
            names,
            [values[n] for n in names],
            color=[colour(n) for n in names],
            width=0.6,
        )
        for i, name in enumerate(names):
            low, high = (intervals or {}).get(name, [values[name], values[name]])
            axis.plot([i, i], [low, high], color="black", lw=1.2)
            above = {"xytext": (0, 3), "textcoords": "offset points", "ha": "center"}
            axis.annotate(f"{values[name]:.2f}", (i, high), **above)
        axis.set(title=title, ylabel=ylabel, ylim=(0, max(1.0, *values.values())))
        return figure


def weight_change(rows: list[dict]):
    """A heat map of ‖ΔW‖/‖W‖: matrices across, blocks from bottom to top."""
    blocks = sorted({row["block"] for row in rows})
    names = list(dict.fromkeys(row["matrix"] for row in rows))
    grid = np.array([[_change(rows, b, n) for n in names] for b in reversed(blocks)])
    with canvas(width=5.6, height=3.4) as (figure, axes):
        axis = axes[0][0]
        image = axis.imshow(grid, cmap="viridis", aspect="auto")
        axis.set_xticks(range(len(names)), names, rotation=30, ha="right")
        axis.set_yticks(
            range(len(blocks)), [f"{words('block', 'ブロック')} {b}" for b in reversed(blocks)]
        )
        axis.grid(False)
        for i, line in enumerate(grid):
            for j, value in enumerate(line):
                shade = "white" if value < grid.max() * 0.6 else "black"
                axis.text(j, i, f"{value:.3f}", ha="center", va="center", fontsize=7, color=shade)
        figure.colorbar(image, label="‖ΔW‖ / ‖W‖")
        axis.set_title(
            words(
                "How far full fine-tuning moved each matrix",
                "フルファインチューニングで各行列が動いた量",
            )
        )
        return figure


def _change(rows: list[dict], block: int, matrix: str) -> float:
    return next(row["change"] for row in rows if row["block"] == block and row["matrix"] == matrix)


def freezing(rows: list[dict], trainable_blocks: int):
    """Static twin of the layer-freezing explorer: accuracy by trainable blocks, one choice marked."""
    blocks, accuracies = [r["blocks"] for r in rows], [r["accuracy"] for r in rows]
    total = max(blocks)
    chosen = min(rows, key=lambda row: abs(row["blocks"] - trainable_blocks))
    with canvas(2, width=3.6) as (figure, axes):
        stack, curve = axes[0]
        for block in range(total):
            trains = block >= total - chosen["blocks"]
            stack.barh(
                block, 1, color=colour("pretrained") if trains else "#d5d5d5", edgecolor="white"
            )
            state = words("trains", "学習") if trains else words("frozen", "凍結")
            stack.text(
                0.5,
                block,
                state,
                ha="center",
                va="center",
                fontsize=9,
                color="white" if trains else "black",
            )
        stack.set(
            title=f"{chosen['trainable']:,} {words('trainable', '個を学習')}",
            xticks=[],
            yticks=range(total),
            ylabel=words("block (0 = bottom)", "ブロック(0 が最下層)"),
        )
        stack.grid(False)
        curve.plot(blocks, accuracies, marker="o", color=colour("pretrained"))
        curve.plot(
            [chosen["blocks"]], [chosen["accuracy"]], marker="o", ms=13, mfc="none", color="black"
        )
        curve.annotate(
            f"{chosen['accuracy']:.2f}",
            (chosen["blocks"], chosen["accuracy"]),
            (0, 10),
            textcoords="offset points",
        )
        curve.set(
            ylim=(0, 1),
            xlabel=words("top blocks that train", "学習する上位ブロック数"),
            ylabel=words("test accuracy", "テスト正解率"),
        )
        return figure


def entity_scores(by_kind: list[dict], overall: dict[str, float]):
    """Left: overall F1 by method. Right: F1 of the pretrained encoder by entity kind."""
    with canvas(2) as (figure, axes):
        left, right = axes[0]
        left.bar(
            list(overall),
            list(overall.values()),
            color=[colour(name) for name in overall],
            width=0.6,
        )
        left.set(ylim=(0, 1), ylabel="span F1", title=words("all kinds", "全種類"))
        kinds = [row["kind"] for row in by_kind]
        right.barh(kinds, [row["f1"] for row in by_kind], color=colour("pretrained"))
        right.set(
            xlim=(0, 1),
            xlabel="span F1",
            title=words("pretrained, by kind", "事前学習あり、種類別"),
        )
        right.invert_yaxis()
        return figure


def forgetting(rows: list[dict], base_skill: float):
    """New skill against old skill, one point a method; the dotted line is the untouched encoder."""
    with canvas(width=5.0, height=3.6) as (figure, axes):
        axis = axes[0][0]
        axis.axhline(
            base_skill, color="black", lw=0.8, ls=":", label=words("before tuning", "調整前")
        )
        for row in rows:
            axis.plot(
                row["new_skill"],
                row["old_skill"],
                "o",
                ms=11,
                color=colour(row["method"]),
                label=row["method"],
            )
        axis.set(
            xlabel=words("new skill: sentiment accuracy", "新しい技能: 感情分析の正解率"),
            ylabel=words("old skill: paraphrase found", "元の技能: 言い換えの発見率"),
            xlim=(0.3, 0.8),
            ylim=(0, 1.02),
        )
        axis.legend(frameon=False, loc="lower left")
        return figure


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
            axis.plot(*zip(*points, strict=True), marker="o", ms=4, label=name)
        axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
        if logx:
            axis.set_xscale("log")
        if logy:
            axis.set_yscale("log")
        axis.legend(frameon=False, fontsize=8)
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
