"""Figures of transfer learning: curves over labels, frozen layers, entities, what was forgotten."""

import numpy as np

from lab_helpers.figures.style import canvas, colour, words
from lab_helpers.runtime.lexicon import term

_FROZEN, _RANDOM = "#d5d5d5", "#e8b39f"


def ways_to_transfer():
    """What trains in each way: five stacks of blocks below a head, coloured by what happens to them."""
    stacks = {
        "scratch": ["random"] * 6,
        "probe": ["frozen"] * 6,
        "top blocks": ["frozen"] * 4 + ["trains"] * 2,
        "full": ["trains"] * 6,
        "LoRA": ["beside"] * 6,
    }
    names = {
        "random": (_RANDOM, words("random, trains", "ランダム、学習")),
        "frozen": (_FROZEN, words("trained, frozen", "学習済み、凍結")),
        "trains": (colour("pretrained"), words("trained, trains on", "学習済み、続けて学習")),
        "beside": (colour("lora"), words("new, trains", "新規、学習")),
    }
    with canvas(width=8.2, height=3.6) as (figure, axes):
        axis = axes[0][0]
        for column, (name, states) in enumerate(stacks.items()):
            for block, state in enumerate(states):
                frozen = "frozen" if state == "beside" else state
                axis.bar(column, 0.8, 0.62, block, color=names[frozen][0], edgecolor="white")
                if state == "beside":
                    axis.bar(column + 0.38, 0.6, 0.1, block + 0.1, color=names[state][0])
            axis.bar(column, 0.5, 0.36, 6.15, color=_RANDOM, edgecolor="white")
            axis.text(column, 7.0, term(name), ha="center", fontsize=10)
        axis.text(-0.75, 6.3, words("head", "ヘッド"), ha="right", fontsize=9)
        for block in (0, 5):
            axis.text(
                -0.75, block + 0.3, f"{words('block', 'ブロック')} {block}", ha="right", fontsize=9
            )
        axis.text(
            2,
            -0.75,
            words("the text's tokens come in here", "テキストのトークンはここから入る"),
            ha="center",
            fontsize=9,
        )
        for shade, label in names.values():
            axis.bar(0, 0, color=shade, label=label)
        axis.set(xlim=(-1.7, 6.6), ylim=(-1, 7.6), xticks=[], yticks=[])
        axis.legend(frameon=False, loc="center right", fontsize=8)
        axis.grid(False)
        for side in ("left", "bottom"):
            axis.spines[side].set_visible(False)
        return figure


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
                    label=term(method),
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
                title=term(name),
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
        axis.set_xticks(range(len(names)), [term(name) for name in names], rotation=30, ha="right")
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


def freezing(rows: list[dict], choice: str):
    """Static twin of the freezing explorer: which blocks train in the chosen way, and the accuracy of all ways.

    ``rows`` have ``method``, ``trains`` (one bool a block, bottom first), ``trainable`` and ``accuracy``.
    """
    chosen = next((row for row in rows if row["method"] == choice), rows[0])
    with canvas(2, width=3.9) as (figure, axes):
        stack, right = axes[0]
        for block, trains in enumerate(chosen["trains"]):
            shade = colour("pretrained") if trains else _FROZEN
            stack.barh(block, 1, color=shade, edgecolor="white")
            state = words("trains", "学習") if trains else words("frozen", "凍結")
            ink = "white" if trains else "black"
            stack.text(0.5, block, state, ha="center", va="center", fontsize=9, color=ink)
        stack.set(
            title=f"{chosen['trainable']:,} {words('trainable', '個を学習')}",
            xticks=[],
            yticks=range(len(chosen["trains"])),
            ylabel=words("block (0 = bottom)", "ブロック（0 が最下層）"),
        )
        stack.grid(False)
        names = [term(row["method"]) for row in rows]
        shades = [colour("pretrained") if row is chosen else _FROZEN for row in rows]
        right.barh(names, [row["accuracy"] for row in rows], color=shades)
        for place, row in enumerate(rows):
            right.text(row["accuracy"], place, f" {row['accuracy']:.2f}", va="center", fontsize=9)
        right.set(xlim=(0, 1), xlabel=words("test accuracy", "テスト正解率"))
        return figure


def reset_blocks(whole: float, rows: list[dict]):
    """Accuracy of the tuned model, and with a part of its blocks put back: ``rows`` of ``reset``, ``accuracy``."""
    with canvas(width=5.2, height=2.6) as (figure, axes):
        axis = axes[0][0]
        axis.barh(
            [term(row["reset"]) for row in rows],
            [row["accuracy"] for row in rows],
            color=colour("pretrained"),
        )
        axis.axvline(
            whole, color="black", lw=0.9, ls=":", label=words("nothing put back", "何も戻さない")
        )
        for place, row in enumerate(rows):
            axis.text(row["accuracy"], place, f" {row['accuracy']:.2f}", va="center", fontsize=9)
        axis.set(
            xlim=(0, 1),
            xlabel=words("test accuracy", "テスト正解率"),
            title=words("Weights of before training put back into", "学習前の重みに戻したブロック"),
        )
        axis.legend(frameon=False, loc="lower right", fontsize=8)
        return figure


def entity_scores(by_kind: list[dict], overall: dict[str, float]):
    """Left: overall F1 by method. Right: F1 of the pretrained encoder by entity kind."""
    with canvas(2) as (figure, axes):
        left, right = axes[0]
        left.bar(
            [term(name) for name in overall],
            list(overall.values()),
            color=[colour(name) for name in overall],
            width=0.6,
        )
        left.set(
            ylim=(0, 1), ylabel=words("span F1", "スパンの F1"), title=words("all kinds", "全種類")
        )
        kinds = [term(row["kind"]) for row in by_kind]
        right.barh(kinds, [row["f1"] for row in by_kind], color=colour("pretrained"))
        right.set(
            xlim=(0, 1),
            xlabel=words("span F1", "スパンの F1"),
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
                label=term(row["method"]),
            )
        axis.set(
            xlabel=words("new skill: sentiment accuracy", "新しい技能: 感情分析の正解率"),
            ylabel=words("old skill: paraphrase found", "元の技能: 言い換えの発見率"),
            xlim=(0.3, 0.8),
            ylim=(0, 1.02),
        )
        axis.legend(frameon=False, loc="lower left")
        return figure
