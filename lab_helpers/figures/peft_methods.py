"""Figures of lab 08: where each PEFT method sits in a block, AdaLoRA's ranks, quality against size."""

from lab_helpers.figures.style import canvas, colour, words
from lab_helpers.runtime.lexicon import term

_LORA, _SCALE, _SOFT, _PREFIX = "#8a4fb0", "#b34a20", "#2f8f5b", "#1f6fb2"


def places():
    """A model with what each family of methods trains: matrices beside, scales, vectors in front."""
    from matplotlib.patches import Rectangle

    with canvas(width=8.4, height=4.6) as (figure, axes):
        axis = axes[0][0]

        def box(x, y, width, text, fill, edge="#888", height=0.62, size=8.5):
            axis.add_patch(Rectangle((x, y), width, height, facecolor=fill, edgecolor=edge))
            axis.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=size)

        frozen = "#e3e6ea"
        for i, token in enumerate(
            ("▁", "▁", words("How", "ナガ"), words("heavy", "レは"), words("?", "？"))
        ):
            soft = i < 2
            box(0.6 + 0.95 * i, 0.3, 0.85, words("soft", "仮想") if soft else token,
                "#cdeedd" if soft else frozen, _SOFT if soft else "#888")  # fmt: skip
        axis.text(5.6, 0.6, words("1 · prompt, P-tuning: trained vectors in front of the text",
                                  "1 · プロンプト、P-tuning: 文の前に置くベクトル"), va="center", fontsize=9, color=_SOFT)  # fmt: skip
        axis.add_patch(
            Rectangle((0.3, 1.25), 5.1, 3.3, fill=False, edgecolor="#666", linestyle="--")
        )
        axis.text(
            0.45,
            4.28,
            words("a block (frozen), many times", "ブロック（凍結）を何段も"),
            fontsize=8.5,
        )
        box(0.6, 2.9, 0.85, "q", frozen)
        box(1.6, 2.9, 0.85, "k", frozen)
        box(2.6, 2.9, 0.85, "v", frozen)
        box(3.75, 2.9, 1.4, "MLP", frozen)
        box(1.6, 2.05, 0.85, words("k: prefix", "k の前置"), "#d3e4f4", _PREFIX, size=7.5)
        box(2.6, 2.05, 0.85, words("v: prefix", "v の前置"), "#d3e4f4", _PREFIX, size=7.5)
        axis.text(5.6, 2.36, words("2 · prefix: trained keys and values in every block",
                                   "2 · プレフィックス: 各ブロックの k と v に前置"), va="center", fontsize=9, color=_PREFIX)  # fmt: skip
        for x in (0.68, 2.68):
            box(x, 3.62, 0.33, "A", "#e6d6f0", _LORA, 0.4, 7.5)
            box(x + 0.36, 3.62, 0.33, "B", "#e6d6f0", _LORA, 0.4, 7.5)
        axis.text(5.6, 3.82, words("4 · LoRA and its kin: thin matrices beside W",
                                   "4 · LoRA の仲間: W の横の細い行列"), va="center", fontsize=9, color=_LORA)  # fmt: skip
        for x in (1.6, 2.6, 3.75):
            axis.plot([x, x + (1.4 if x > 3 else 0.85)], [2.83, 2.83], color=_SCALE, lw=3)
        axis.text(5.6, 3.1, words("3 · IA³: one factor an output of k and v, an input of the MLP",
                                  "3 · IA³: k と v の出力、MLP の入力に掛ける係数"), va="center", fontsize=9, color=_SCALE)  # fmt: skip
        axis.set(xlim=(0, 11.6), ylim=(0, 4.8), xticks=[], yticks=[])
        axis.grid(False)
        for side in axis.spines.values():
            side.set_visible(False)
        return figure


def ranks(stages: dict[str, dict[str, int]]):
    """Ranks of every adapted matrix: a bar a matrix, a colour a stage (``{stage: {matrix: rank}}``)."""
    names = list(next(iter(stages.values())))
    shades = ("#c9ccd1", "#b34a20", _LORA)
    with canvas(width=7.2, height=3.2) as (figure, axes):
        axis = axes[0][0]
        width = 0.8 / len(stages)
        for number, (stage, found) in enumerate(stages.items()):
            places_ = [i + number * width for i in range(len(names))]
            axis.bar(
                places_, [found[n] for n in names], width, label=term(stage), color=shades[number]
            )
        axis.set_xticks(
            [i + 0.4 - width / 2 for i in range(len(names))], names, rotation=30, ha="right"
        )
        axis.set(ylabel=words("rank in use", "使っているランク"))
        axis.set_ylim(0, max(max(found.values()) for found in stages.values()) * 1.35)
        axis.legend(frameon=False, ncols=len(stages), fontsize=8, loc="upper center")
        return figure


def quality_by_size(rows: list[dict]):
    """Held-out loss against trained parameters, a dot a seed; rows ``{"method", "parameters", "each seed"}``."""
    with canvas(width=6.6, height=3.9) as (figure, axes):
        axis = axes[0][0]
        means = [sum(row["each seed"]) / len(row["each seed"]) for row in rows]
        lowest = min(means)
        for number, (row, mean) in enumerate(zip(rows, means, strict=True)):
            shade = f"C{number % 10}"
            losses, at = row["each seed"], row["parameters"]
            axis.plot([at] * len(losses), losses, ".", color=shade, ms=5)
            axis.plot(at, mean, "o", color=shade, ms=8)
            near = [one for one in means if one < mean and mean - one < 0.3]
            # Names of methods that lie on one another are written in a column beside them.
            beside = (-18, 13 * len(near) - 16) if mean - lowest < 0.3 else (9, -3)
            axis.annotate(
                term(row["method"]), (at, lowest if mean - lowest < 0.3 else mean), beside,
                textcoords="offset points", fontsize=8.5, color=shade,
                ha="right" if beside[0] < 0 else "left",
            )  # fmt: skip
        axis.set(
            xscale="log",
            xlabel=words("trained parameters", "学習するパラメータ数"),
            ylabel=words("held-out loss", "テスト損失"),
        )
        axis.margins(x=0.18, y=0.12)
        return figure


def interference(rows: list[dict]):
    """Loss on two tasks for each way of using two adapters; rows ``{"way", "house tone", "JSON"}``."""
    tasks = [name for name in rows[0] if name != "way"]
    with canvas(width=6.8, height=3.3) as (figure, axes):
        axis = axes[0][0]
        for number, task in enumerate(tasks):
            axis.bar([i + 0.38 * number for i in range(len(rows))], [row[task] for row in rows], 0.36,
                     label=term(task), color=(colour("lora"), "#2f8f5b")[number])  # fmt: skip
        axis.set_xticks([i + 0.19 for i in range(len(rows))], [term(row["way"]) for row in rows],
                        rotation=20, ha="right")  # fmt: skip
        axis.set(ylabel=words("held-out loss", "テスト損失"))
        axis.legend(frameon=False, fontsize=8)
        return figure
