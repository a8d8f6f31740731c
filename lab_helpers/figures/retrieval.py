"""Figures of lab 07: the nearest pages, ways to search, chunk sizes, abstaining, the two by two, reading."""

import re
import textwrap
from collections.abc import Mapping

import numpy as np

from lab_helpers.figures.evaluation import BAD, CALM, DARK, GOOD
from lab_helpers.figures.style import canvas, words

LIGHT = "#a9cbe8"
READ = 5
_LANGUAGES = {"en": ("English", "英語"), "ja": ("Japanese", "日本語")}
_MODES = {"vector": ("vector", "ベクトル"), "text": ("text", "全文"), "hybrid": ("hybrid", "ハイブリッド")}  # fmt: skip
_QUALITIES = {
    "correct": ("right", "正しい"),
    "tone": ("in tone", "口調を守る"),
    "joint": ("both at once", "両方"),
    "hallucination": ("invents", "作り話"),
}
_CELLS = (("base_closed", "base_rag"), ("tuned_closed", "tuned_rag"))
_SCORES = {"vector": ("cosine", "コサイン類似度"), "text": ("BM25", " BM25")}
_READERS = {
    "RAFT": ("RAFT", "RAFT", GOOD),
    "oracle only": ("trained on the oracle only", "正解の資料だけで学習", BAD),
    "base, chat": ("base, chat form", "ベース（対話形式）", DARK),
    "base, plain": ("base, plain text", "ベース（文章の続き）", LIGHT),
}


def nearest(found: dict[str, tuple[np.ndarray, int]]):
    """A question's cosine with every page, the nearest first; the right page (its index) stands out."""
    with canvas(len(found), width=4.6, height=3.0, texts=found) as (figure, axes):
        for axis, (label, (scores, place)) in zip(axes[0], found.items(), strict=True):
            colours = [BAD if i == place else CALM for i in range(len(scores))]
            axis.bar(range(1, len(scores) + 1), scores, width=0.7, color=colours)
            axis.annotate(
                words(f"right page: rank {place + 1} of {len(scores)}", f"正解の文書: {len(scores)} 件中 {place + 1} 位"),
                (place + 1, max(scores[place], 0)),
                (0.98, 0.97),
                textcoords="axes fraction",
                ha="right",
                va="top",
                color=BAD,
                arrowprops={"arrowstyle": "->", "color": BAD},
            )  # fmt: skip
            axis.set_xlim(0.2, len(scores) + 0.8)
            axis.xaxis.get_major_locator().set_params(integer=True)
            axis.set_xlabel(words("pages, the nearest first", "文書（近い順）"))
            axis.set_title(_wrapped(label), fontsize=10)
            axis.grid(axis="x", visible=False)
        values = np.concatenate([scores for scores, _ in found.values()])
        low, high = min(0, values.min()), max(0.1, values.max())
        _share_y(axes[0], words("cosine with the question", "質問とのコサイン類似度"))
        # Room above the bars for the words.
        axes[0][0].set_ylim(low * 1.05, high + 0.25 * (high - low))
        return figure


def modes(rows: list[dict]):
    """recall@5 with its 95 % interval, and MRR, of each way to search; a panel a language."""
    languages = [code for code in _LANGUAGES if any(row["language"] == code for row in rows)]
    with canvas(len(languages), width=3.8, height=3.2) as (figure, axes):
        for axis, language in zip(axes[0], languages, strict=True):
            found = {row["mode"]: row for row in rows if row["language"] == language}
            names, width = [mode for mode in _MODES if mode in found], 0.38
            for side, metric, colour in ((-1, "recall@5", DARK), (1, "MRR", LIGHT)):
                places = np.arange(len(names)) + side * width / 2
                axis.bar(places, [found[name][metric] for name in names], width * 0.94, color=colour, label=metric)  # fmt: skip
                for place, name in zip(places, names, strict=True):
                    value, interval = found[name][metric], found[name].get(f"{metric} ci", ())
                    axis.plot([place] * len(interval), interval, color="black", lw=1.3, solid_capstyle="butt")  # fmt: skip
                    axis.text(place, max([value, *interval]) + 0.015, f"{value:.2f}", ha="center", va="bottom", fontsize=8)  # fmt: skip
            axis.set_xticks(range(len(names)), [words(*_MODES[name]) for name in names])
            axis.set(title=words(*_LANGUAGES[language]), xlim=(-0.6, len(names) - 0.4), ylim=(0, 1.1))  # fmt: skip
            axis.set_yticks(np.linspace(0, 1, 6))
            axis.grid(axis="x", visible=False)
        _share_y(axes[0])
        figure.legend(*axes[0][0].get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False)  # fmt: skip
        return figure


def chunk_sizes(rows: list[dict], limit: int = 256):
    """What the five best chunks hold and cost by their size; dotted, where the embedder stops reading."""
    found = sorted((row for row in rows if row["k"] == READ), key=lambda row: row["tokens"])
    sizes = [row["tokens"] for row in found]
    with canvas(2, width=4.8, height=3.4) as (figure, axes):
        left, right = axes[0]
        lines = {
            "answer found": (GOOD, "o-", words(f"answer among the {READ} best, on its page", f"上位 {READ} 件に、正解の文書の答えがある")),
            "truncated": (BAD, "s--", words("chunks cut off by the embedder", "埋め込みで末尾が切れるチャンク")),
            "same words": (CALM, "x-.", words("the same words, on any page", "同じ文字列（どの文書でも）")),
        }  # fmt: skip
        for key, (colour, style, label) in lines.items():
            left.plot(sizes, [row[key] for row in found], style, color=colour, label=label, clip_on=False)  # fmt: skip
        right.plot(sizes, [row["tokens to read"] for row in found], "o-", color=DARK)
        left.set(title=words("share", "割合"), ylim=(0, 1.02))
        right.set_title(words(f"tokens to read (k = {READ})", f"読むトークン数（k = {READ}）"))
        right.set_ylim(bottom=0)
        right.yaxis.set_major_formatter("{x:,.0f}")
        limited = words(f"the embedder reads {limit} tokens", f"埋め込みモデルが読むのは {limit} トークンまで")  # fmt: skip
        for axis in (left, right):
            axis.axvline(limit, color="black", lw=1, ls=":", label=limited)
            _size_axis(axis, sizes, limit)
        figure.legend(*left.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False, fontsize=9)  # fmt: skip
        return figure


def chunk_explorer(rows: list[dict], size: int, k: int):
    """Answer found, by chunk size (left) and by tokens to read (right); the choice is the large point."""
    curves = {
        depth: sorted((row for row in rows if row["k"] == depth), key=lambda row: row["tokens"])
        for depth in sorted({row["k"] for row in rows})
    }
    chosen = next(row for row in curves[k] if row["tokens"] == size)
    with canvas(2, width=4.6, height=3.5) as (figure, axes):
        left, right = axes[0]
        for depth, curve in curves.items():
            shares = [row["answer found"] for row in curve]
            if depth != k:
                left.plot([row["tokens"] for row in curve], shares, color="#cfcfcf", lw=1)
                right.plot([row["tokens to read"] for row in curve], shares, ".", color="#c4c4c4")
        for axis, key in ((left, "tokens"), (right, "tokens to read")):
            shares = [row["answer found"] for row in curves[k]]
            axis.plot([row[key] for row in curves[k]], shares, "o-", ms=4, color=DARK, label=f"k = {k}")  # fmt: skip
            axis.plot([chosen[key]], [chosen["answer found"]], "o", ms=12, color=BAD, clip_on=False)
            axis.set_ylim(0, 1.1)
            axis.set_yticks(np.linspace(0, 1, 6))
        _name_point(left, size, chosen["answer found"])
        _size_axis(left, sorted({row["tokens"] for row in rows}))
        left.plot([], [], color="#cfcfcf", label=words("other k", "ほかの k"))
        left.set_ylabel(words("answer found", "答えが見つかる割合"))
        figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=9)  # fmt: skip
        right.set_xscale("log")
        right.xaxis.set_major_formatter("{x:,.0f}")
        right.set_xlabel(words("tokens to read", "読むトークン数"))
        figure.suptitle(_choice(chosen), fontsize=11)
        return figure


def _name_point(axis, x: float, share: float) -> None:
    """The share beside the large point, on the side where there is room."""
    up = share < 0.5
    axis.annotate(f"{share:.2f}", (x, share), (0, 10 if up else -10), textcoords="offset points", ha="center", va="bottom" if up else "top", color=BAD, bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.85})  # fmt: skip


def _choice(row: dict) -> str:
    many = "s" if row["k"] > 1 else ""
    return words(
        f"{row['k']} chunk{many} of {row['tokens']} tokens: answer found {row['answer found']:.2f}, "
        f"{row['tokens to read']:,.0f} tokens to read, {row['truncated']:.0%} of chunks cut off",
        f"{row['tokens']} トークンのチャンクを {row['k']} 個: 答えが見つかる割合 {row['answer found']:.2f}、"
        f"読むトークン数 {row['tokens to read']:,.0f}、末尾が切れるチャンク {row['truncated']:.0%}",
    )


def answerability(panels: Mapping[str, tuple[np.ndarray, np.ndarray, float, str]]):
    """Best scores of questions with and without an answer, as shares of each kind, and the threshold.

    Each panel is (scores, answerable, threshold, "vector" or "text"); labels "en" and "ja" become the languages' names.
    Scores and thresholds without end (nothing was found; always or never answer) stand at the edge.
    """
    with canvas(len(panels), width=4.4, height=3.6, texts=panels) as (figure, axes):
        _share_y(axes[0], words("share of the questions of its kind", "同じ種類の質問に占める割合"))
        for axis, (label, (scores, answerable, threshold, by)) in zip(axes[0], panels.items(), strict=True):  # fmt: skip
            scores, has = np.asarray(scores, float), np.asarray(answerable, bool)
            edges = np.histogram_bin_edges(scores[np.isfinite(scores)], 16)
            said = (
                (has, DARK, scores[has] >= threshold, ("has an answer: {:.0%} answered", "答えあり: {:.0%} に回答")),
                (~has, BAD, scores[~has] < threshold, ("has none: {:.0%} abstained", "答えなし: {:.0%} で差し控え")),
            )  # fmt: skip
            for kind, colour, right, text in said:
                if kind.any():
                    inside = np.clip(scores[kind], edges[0], edges[-1])
                    weights = np.full(len(inside), 1 / len(inside))
                    axis.hist(inside, edges, weights=weights, color=colour, alpha=0.55, label=words(*text).format(right.mean()))  # fmt: skip
            at = threshold if np.isfinite(threshold) else np.clip(threshold, edges[0], edges[-1])
            axis.axvline(at, color="black", lw=1.4, ls="--", label=words(f"threshold {threshold:.2f}", f"しきい値 {threshold:.2f}"))  # fmt: skip
            axis.set_xlabel(
                words(f"best hit, {_SCORES[by][0]}", f"最良の検索結果の{_SCORES[by][1]}")
            )
            axis.set_title(_wrapped(words(*_LANGUAGES.get(label, (label, label)))), fontsize=10)
            axis.yaxis.set_major_formatter("{x:.0%}")
            axis.legend(frameon=False, fontsize=9, loc="upper center", bbox_to_anchor=(0.5, -0.2))
        return figure


def two_by_two(rows: list[dict]):
    """A panel a quality, a tile a cell with its 95 % interval; the best has a thick frame.

    Whether another is really worse the intervals cannot say: that takes the difference on the same questions.
    """
    found = {row["cell"]: row for row in rows}
    with canvas(len(_QUALITIES), width=2.6, height=2.9) as (figure, axes):
        for axis, (quality, title) in zip(axes[0], _QUALITIES.items(), strict=True):
            _tiles(axis, found, quality)
            axis.set_title(words(*title))
            axis.set_xticks([0, 1], [words("closed book", "資料なし"), words("with passages", "資料あり")])  # fmt: skip
            axis.set_yticks([0, 1], ["", ""])
        axes[0][0].set_yticklabels([words("base", "ベース"), words("tuned", "チューニング済み")])
        return figure


def _tiles(axis, found: dict[str, dict], quality: str) -> None:
    from matplotlib.patches import Rectangle

    invented = quality == "hallucination"
    values = np.array([[found.get(cell, {}).get(quality, np.nan) for cell in row] for row in _CELLS], float)  # fmt: skip
    best = np.unravel_index(
        np.nanargmin(values) if invented else np.nanargmax(values), values.shape
    )
    axis.imshow(
        values, cmap="Reds" if invented else "Greens", vmin=0, vmax=1.6
    )  # Pale enough for black figures.
    for (i, j), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        low, high = found[_CELLS[i][j]][f"{quality} ci"]
        axis.text(j, i - 0.07, f"{value:.2f}", ha="center", va="center", fontsize=16)
        axis.text(j, i + 0.25, f"[{low:.2f}, {high:.2f}]", ha="center", va="center", fontsize=8)  # fmt: skip
        if (i, j) == best:
            axis.add_patch(Rectangle((j - 0.47, i - 0.47), 0.94, 0.94, fill=False, ec="black", lw=3))  # fmt: skip
    axis.grid(False)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0, labelsize=9)


def reading(rows: list[dict]):
    """Answers right by the number of passages read, a line a reader, and how often the answer is in them."""
    depths = sorted({row["k"] for row in rows})
    readers = [name for name in _READERS if any(row["reader"] == name for row in rows)]
    there = {row["k"]: row["passage found"] for row in rows}
    with canvas(width=6.0, height=3.8) as (figure, axes):
        axis = axes[0][0]
        axis.plot(depths, [there[k] for k in depths], "s--", color=CALM, label=words("the answer is among the k passages", "k 件の資料に答えがある"))  # fmt: skip
        for number, name in enumerate(readers):
            english, japanese, colour = _READERS[name]
            own = sorted((row for row in rows if row["reader"] == name), key=lambda row: row["k"])
            # Side by side, so that no interval hides another.
            places = [row["k"] + (number - (len(readers) - 1) / 2) * 0.05 for row in own]
            axis.plot(places, [row["right"] for row in own], "o-", color=colour, label=words(f"right: {english}", f"正しい: {japanese}"))  # fmt: skip
            for place, row in zip(places, own, strict=True):
                axis.plot([place, place], row["right ci"], color=colour, lw=1.6)
        axis.set_xticks(depths)
        axis.set(xlim=(depths[0] - 0.3, depths[-1] + 0.3), ylim=(-0.02, 1.04))
        axis.set(xlabel=words("passages read, k", "読む資料の数 k"), ylabel=words("share of the questions", "質問に占める割合"))  # fmt: skip
        figure.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=2, frameon=False, fontsize=9)  # fmt: skip
        return figure


def _share_y(axes, label: str = "") -> None:
    """One scale for all panels, written at the first."""
    for axis in axes[1:]:
        axis.sharey(axes[0])
        axis.tick_params(labelleft=False)
    axes[0].set_ylabel(label)


def _size_axis(axis, sizes: list[int], *others: int) -> None:
    """Chunk sizes on a log2 axis with a tick a size."""
    axis.set_xscale("log", base=2)
    axis.set_xticks(sizes, [str(size) for size in sizes])
    axis.set_xticks([], minor=True)
    axis.set_xlim(min([*sizes, *others]) / 1.3, max([*sizes, *others]) * 1.3)
    axis.set_xlabel(words("tokens a chunk", "チャンクのトークン数"))


def _wrapped(label: str, width: int = 44) -> str:
    """A long label (a question) in lines; a Japanese letter is twice as wide, no line begins with a mark."""
    wide = any(ord(letter) > 0x2FFF for letter in label)
    lines = textwrap.fill(label.replace("$", r"\$"), width // 2 if wide else width)
    return re.sub(r"\n([、。，．？！」』）ーっゃゅょッャュョ]+)", r"\1\n", lines).rstrip()
