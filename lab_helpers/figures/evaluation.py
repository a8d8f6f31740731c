"""Figures of lab 06: roads from a reply to a number, flips, tokenizers, confusion, categories, differences, two ways to ask, judges, a leak."""

import numpy as np

from lab_helpers.figures.style import canvas, words
from lab_helpers.runtime.lexicon import term

GOOD, BAD, CALM, DARK = "#3a8f5c", "#b2431f", "#8a8a8a", "#1f6fb2"
_KINDS = {
    "right": (GOOD, ("right", "正しい")),
    "declined": (DARK, ("declined", "差し控え")),
    "hallucinated": (BAD, ("invented", "作り話")),
    "nothing": ("#d5d5d5", ("no value", "値なし")),
}
_PAIRS = {
    "identical": ("identical", "同一の文"),
    "unrelated, both with 30": ("unrelated, both with “30”", "無関係（どちらも「30」を含む）"),
    "the same in other words": ("the same in other words", "同じ内容の言い換え"),
}


def roads():
    """How a reply becomes a number: four roads, what each needs, and what each cannot see."""
    rows = [
        (words("overlap\nBLEU, ROUGE", "一致率\nBLEU、ROUGE"), words("a reference text", "参照文"), words("shared words", "共通の単語"), words("a wrong digit", "数字の間違い")),
        (words("rule or table", "規則・表"), words("the right value", "正しい値"), words("right, declined,\ninvented", "正しい・差し控え・\n作り話"), words("how it reads", "読みやすさ")),
        (words("judge", "審査員"), words("another model", "別のモデル"), words("which reply wins", "どちらが勝つか"), words("facts it\ndoes not know", "自分の知らない\n事実")),
        (words("likelihood or test\nMMLU, HumanEval", "尤度・テスト\nMMLU、HumanEval"), words("items with\nan answer", "答えのある問題"), words("right or wrong", "正解か不正解か"), words("whether it\nhas leaked", "混入したか\nどうか")),
    ]  # fmt: skip
    headings = [words("road", "道"), words("needs", "必要なもの"), words("counts", "数えるもの"), words("does not see", "見えないもの")]  # fmt: skip
    with canvas(width=9.0, height=3.6) as (figure, axes):
        axis = axes[0][0]
        for column, heading in enumerate(headings):
            axis.text(column + 1, len(rows) - 0.35, heading, ha="center", fontsize=10, color=DARK)
        start = words("question\n↓\nmodel\n↓\nreply", "質問\n↓\nモデル\n↓\n回答")
        axis.text(0, (len(rows) - 1) / 2, start, ha="center", va="center", fontsize=10, bbox={"boxstyle": "round,pad=0.5", "fc": "#eef3f8", "ec": DARK})  # fmt: skip
        for number, row in enumerate(rows):
            place = len(rows) - 1 - number
            axis.annotate("", (0.62, place), (0.25, (len(rows) - 1) / 2), arrowprops={"arrowstyle": "->", "color": CALM})  # fmt: skip
            for column, text in enumerate(row):
                edge = (DARK, CALM, GOOD, BAD)[column]
                axis.text(column + 1, place, text, ha="center", va="center", fontsize=8.5, bbox={"boxstyle": "round,pad=0.35", "fc": "white", "ec": edge})  # fmt: skip
        axis.set(xlim=(-0.4, 4.55), ylim=(-0.6, len(rows) - 0.1))
        axis.axis("off")
        return figure


def flips(rows: list[dict]):
    """Items that changed sides, a row a test: to the left what was lost, to the right what was won."""
    with canvas(width=6.4, height=0.5 * len(rows) + 1.2) as (figure, axes):
        axis = axes[0][0]
        for place, row in enumerate(rows):
            lost, won = row["right to wrong"], row["wrong to right"]
            axis.barh(place, -lost, color=BAD, height=0.55)
            axis.barh(place, won, color=GOOD, height=0.55)
            axis.text(-lost, place, f"{lost} ", ha="right", va="center", fontsize=9)
            axis.text(won, place, f" {won}", ha="left", va="center", fontsize=9)
        axis.axvline(0, color="black", lw=0.8)
        axis.set_yticks(
            range(len(rows)),
            [
                f"{term(row['measurement'])}: {term(row['from'])} → {term(row['to'])}"
                for row in rows
            ],
        )
        axis.set(ylim=(len(rows) - 0.5, -0.5), xlabel=words("items:  right to wrong ←  → wrong to right", "問題数:  正解から不正解 ←  → 不正解から正解"))  # fmt: skip
        axis.margins(x=0.15)
        axis.xaxis.set_major_formatter(lambda value, _: f"{abs(value):.0f}")
        axis.grid(axis="y", visible=False)
        return figure


def tokenizers(rows: list[dict]):
    """ROUGE-L and BLEU of the Japanese pairs, a bar a tokenizer."""
    with canvas(2, width=5.0, height=3.4) as (figure, axes):
        for axis, metric, end in zip(axes[0], ("ROUGE-L", "BLEU"), (1.0, 100.0), strict=True):
            columns = [name for name in rows[0] if name.startswith(metric)]
            height = 0.8 / len(columns)
            for i, column in enumerate(columns):
                places = np.arange(len(rows)) + (i - (len(columns) - 1) / 2) * height
                values = [row[column] for row in rows]
                axis.barh(places, values, height * 0.9, color=(BAD, DARK, GOOD)[i], label=term(column.removeprefix(metric).strip()))  # fmt: skip
                for place, value in zip(places, values, strict=True):
                    axis.text(value + end * 0.01, place, f"{value:.2f}" if end == 1 else f"{value:.0f}", va="center", fontsize=8)  # fmt: skip
            axis.set(title=metric, xlim=(0, end * 1.15), ylim=(len(rows) - 0.5, -0.5))
            axis.set_yticks(range(len(rows)), [words(*_PAIRS[row["pair"]]) for row in rows])
            axis.grid(axis="y", visible=False)
            axis.legend(frameon=False, fontsize=8, loc="lower right")
        axes[0][1].set_yticklabels([])
        return figure


def confusion(matrices: dict[str, np.ndarray]):
    """A panel a model: rows what would be right, columns what it did."""
    most = max(counts.max() for counts in matrices.values())
    with canvas(len(matrices), width=2.9, height=2.9) as (figure, axes):
        for axis, (name, counts) in zip(axes[0], matrices.items(), strict=True):
            axis.imshow(counts, cmap="Blues", vmin=0, vmax=most)
            for i, row in enumerate(counts):
                for j, count in enumerate(row):
                    dark = count > 0.5 * most
                    axis.text(j, i, str(count), ha="center", va="center", fontsize=13, color="white" if dark else "black")  # fmt: skip
            axis.set_xticks([0, 1], [words("answered", "答えた"), words("declined", "差し控えた")])
            axis.set_yticks([0, 1], ["", ""])
            axis.set(title=term(name))
            axis.grid(False)
        axes[0][0].set_yticklabels(
            [words("has an answer", "答えあり"), words("has none", "答えなし")]
        )
        return figure


def categories(shares: dict[str, dict[str, float]]):
    """What became of the questions about the company's facts, a bar a model."""
    with canvas(width=7.0, height=0.5 * len(shares) + 1.1) as (figure, axes):
        axis = axes[0][0]
        left = np.zeros(len(shares))
        for kind, (colour, label) in _KINDS.items():
            values = np.array([share[kind] for share in shares.values()])
            axis.barh(range(len(shares)), values, left=left, color=colour, label=words(*label), height=0.6)  # fmt: skip
            for place, (start, value) in enumerate(zip(left, values, strict=True)):
                if value >= 0.05:
                    axis.text(start + value / 2, place, f"{value:.0%}", ha="center", va="center", fontsize=9, color="black" if kind == "nothing" else "white")  # fmt: skip
            left += values
        axis.set_yticks(range(len(shares)), [term(name) for name in shares])
        axis.set(xlim=(0, 1), ylim=(len(shares) - 0.5, -0.5))
        axis.xaxis.set_major_formatter("{x:.0%}")
        axis.grid(axis="y", visible=False)
        figure.legend(loc="outside upper center", ncols=4, frameon=False)
        return figure


def differences(rows: list[dict]):
    """Paired differences with their 95 % intervals; blue where interval and p-value both rule out chance."""
    with canvas(width=6.0, height=0.5 * len(rows) + 1.1) as (figure, axes):
        axis = axes[0][0]
        for place, row in enumerate(rows):
            sure = row["p"] < 0.05 and (row["low"] > 0 or row["high"] < 0)
            colour = DARK if sure else CALM
            axis.plot([row["low"], row["high"]], [place, place], color=colour, lw=2)
            axis.plot([row["difference"]], [place], "o", color=colour)
            axis.annotate(f"p = {row['p']:.2g}", (row["high"], place), (6, 0), textcoords="offset points", va="center", fontsize=8)  # fmt: skip
        axis.axvline(0, color="black", lw=0.8, ls=":")
        axis.set_yticks(range(len(rows)), [term(row["metric"]) for row in rows])
        axis.margins(x=0.2)
        axis.set(xlabel=words("DPO − SFT", "DPO − SFT"), ylim=(len(rows) - 0.5, -0.5))
        return figure


def two_ways(rows: list[dict], chance: float):
    """Multiple choice by group of subjects: asked for letters, and with each choice read as the answer."""
    groups, ways = (list(dict.fromkeys(row[key] for row in rows)) for key in ("group", "way"))
    with canvas(width=5.6) as (figure, axes):
        axis, width = axes[0][0], 0.36
        for number, way in enumerate(ways):
            found = {row["group"]: row for row in rows if row["way"] == way}
            places = np.arange(len(groups)) + (number - 0.5) * width
            axis.bar(places, [found[g]["accuracy"] for g in groups], width * 0.92, color=(CALM, DARK)[number], label=term(way))  # fmt: skip
            for place, group in zip(places, groups, strict=True):
                axis.plot([place, place], [found[group]["low"], found[group]["high"]], color="black", lw=1.2)  # fmt: skip
        axis.axhline(chance, color="black", lw=0.8, ls=":", label=words("chance", "偶然"))
        axis.set_xticks(range(len(groups)), [term(group) for group in groups])
        axis.set(ylim=(0, 1.02), ylabel=words("accuracy", "正解率"))
        axis.legend(frameon=False)
        return figure


_JUDGES = {
    "asks A or B": ("asks A or B", "A か B かを聞く"),
    "likelihood of the reply": ("likelihood of the reply", "回答の尤度"),
    "learned from pairs": ("learned from pairs", "ペアから学習"),
}
_LENGTHS = {
    "longer": ("better reply is longer", "良いほうが長い"),
    "as long": ("both as long", "長さが同じ"),
    "shorter": ("better reply is shorter", "良いほうが短い"),
}


def judges(rows: list[dict], by_length: list[dict]):
    """Left: how often the first place wins. Right: agreement with gold by which reply is longer."""
    names = [row["judge"] for row in rows]
    labels = [words(*_JUDGES[name]) for name in names]
    with canvas(2, width=4.6, height=2.9) as (figure, axes):
        left, right = axes[0]
        left.barh(range(len(rows)), [0.5 + row["position bias"] for row in rows], color=BAD, height=0.55)  # fmt: skip
        left.axvline(0.5, color="black", lw=0.8, ls=":")
        left.set_yticks(range(len(rows)), labels)
        left.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), title=words("the first place wins", "先に置いたほうが勝つ割合"))  # fmt: skip
        groups = [g for g in _LENGTHS if any(row["better reply"] == g for row in by_length)]
        height = 0.75 / len(groups)
        for i, group in enumerate(groups):
            found = {row["judge"]: row for row in by_length if row["better reply"] == group}
            places = np.arange(len(names)) + (i - (len(groups) - 1) / 2) * height
            right.barh(places, [found[n]["agreement"] for n in names], height * 0.9, color=(DARK, GOOD, BAD)[i], label=words(*_LENGTHS[group]))  # fmt: skip
        right.axvline(0.5, color="black", lw=0.8, ls=":")
        right.set_yticks(range(len(names)), [])
        right.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5), title=words("agrees with gold", "正解との一致率"))  # fmt: skip
        right.legend(frameon=False, fontsize=8, loc="upper right", bbox_to_anchor=(1.0, -0.08), ncols=2)  # fmt: skip
        for axis in (left, right):
            axis.grid(axis="y", visible=False)
        return figure


def leak(rows: list[dict]):
    """Solved before and after a training with the leaked half in it: the leaked half, and the fresh one."""
    names = list(dict.fromkeys(row["benchmark"] for row in rows))
    with canvas(len(names), width=3.4, height=2.9) as (figure, axes):
        for axis, name in zip(axes[0], names, strict=True):
            for row in rows:
                if row["benchmark"] == name:
                    leaked = row["half"] == "leaked"
                    label = words("leaked", "混入した半分") if leaked else words("fresh", "混入していない半分")  # fmt: skip
                    axis.plot([0, 1], [row["before"], row["after"]], "o-", lw=2, color=BAD if leaked else DARK, label=label)  # fmt: skip
            axis.set_xticks([0, 1], [words("before", "学習前"), words("after", "学習後")])
            axis.set(title=term(name), xlim=(-0.25, 1.25), ylim=(-0.04, 1.04))
        axes[0][0].set_ylabel(words("solved", "正解率"))
        axes[0][0].legend(frameon=False, loc="upper left")
        return figure
