"""Figures of transfer learning: curves over labels, frozen layers, entities, what was forgotten."""

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
            ylabel=words("block (0 = bottom)", "ブロック（0 が最下層）"),
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
