"""Pictures before the method, lab 07: the road from a question to an answer, and BM25's two factors."""

from collections.abc import Callable

import numpy as np

from lab_helpers.figures.evaluation import BAD, CALM, DARK, GOOD
from lab_helpers.figures.style import canvas, words


def road_of_a_question():
    """Pages → chunks → two searches → fused ranks → passages and question → model → answer with its source."""
    boxes = {
        "pages": ((0, 1), words("64 pages", "文書 64 件"), CALM),
        "chunks": ((1, 1), words("chunks", "チャンク"), CALM),
        "vectors": ((2.15, 1.65), words("by meaning:\nvectors", "意味で探す:\nベクトル"), DARK),
        "words": ((2.15, 0.35), words("by words:\nBM25", "語で探す:\nBM25"), DARK),
        "fused": ((3.35, 1), words("ranks\nfused", "順位を\n融合"), DARK),
        "read": ((4.45, 1), words("k passages\n+ question", "資料 k 件\n＋質問"), GOOD),
        "model": ((5.5, 1), words("language\nmodel", "言語\nモデル"), GOOD),
        "answer": ((6.55, 1), words("answer [1]", "答え [1]"), GOOD),
    }
    arrows = (
        ("pages", "chunks"), ("chunks", "vectors"), ("chunks", "words"), ("vectors", "fused"),
        ("words", "fused"), ("fused", "read"), ("read", "model"), ("model", "answer"),
    )  # fmt: skip
    with canvas(width=10.4, height=2.7) as (figure, axes):
        axis = axes[0][0]
        for start, end in arrows:
            (x0, y0), (x1, y1) = boxes[start][0], boxes[end][0]
            axis.annotate("", (x1 - 0.38, y1), (x0 + 0.36, y0), arrowprops={"arrowstyle": "->", "color": "#555555"})  # fmt: skip
        for (x, y), text, shade in boxes.values():
            axis.text(x, y, text, ha="center", va="center", fontsize=9, bbox={"boxstyle": "round,pad=0.4", "fc": "white", "ec": shade, "lw": 2})  # fmt: skip
        spans = (
            (1.5, DARK, words("searched, and measured first", "検索（先に測る）"), -0.4, 3.75),
            (5.5, GOOD, words("read, and measured after", "読解（あとで測る）"), 4.05, 6.95),
        )
        for _, shade, text, left, right in spans:
            axis.plot([left, right], [-0.45, -0.45], color=shade, lw=2)
            axis.text((left + right) / 2, -0.62, text, ha="center", va="top", fontsize=9, color=shade)  # fmt: skip
        axis.set(xlim=(-0.5, 7.1), ylim=(-1.15, 2.2))
        axis.axis("off")
        return figure


def bm25_factors(chunks: int, rarity: Callable, saturation: Callable):
    """Left: what a word is worth by how many of so many ``chunks`` hold it. Right: by how often one chunk does.

    ``rarity(chunks, having)`` and ``saturation(uses, length)`` are BM25's two factors (``rag.bm25``).
    """
    with canvas(2, width=4.6, height=3.1) as (figure, axes):
        left, right = axes[0]
        having = range(1, chunks + 1)
        left.plot(having, [rarity(chunks, n) for n in having], color=DARK)
        for n, text in (
            (1, words("a product's name", "製品名など")),
            (chunks, words("“the”, “is”", "「は」「の」")),
        ):
            at_end = n > 1
            left.annotate(text, (n, rarity(chunks, n)), (-12 if at_end else 14, 22 if at_end else -4), textcoords="offset points", ha="right" if at_end else "left", fontsize=9, arrowprops={"arrowstyle": "-", "color": CALM})  # fmt: skip
        left.set(ylim=(0, None), title=words("rare words count more", "珍しい語ほど重い"))
        left.set_xlabel(words(f"chunks with the word, of {chunks}", f"その語を含むチャンク（{chunks} 件中）"))  # fmt: skip
        left.set_ylabel(words("rarity", "珍しさ"))
        uses = np.linspace(0, 8, 81)
        lengths = ((0.5, GOOD, words("half as long as the mean", "平均の半分の長さ")), (1.0, DARK, words("mean length", "平均の長さ")), (2.0, BAD, words("twice as long", "平均の 2 倍の長さ")))  # fmt: skip
        for length, shade, text in lengths:
            right.plot(uses, [saturation(use, length) for use in uses], color=shade, label=text)
        right.axhline(2.2, color=CALM, lw=1, ls=":")
        right.set(ylim=(0, 2.35), title=words("more uses count, but less and less", "繰り返しの効果は頭打ち"))  # fmt: skip
        right.set_xlabel(words("uses in the chunk", "チャンク内の出現回数"))
        right.set_ylabel(words("saturation", "飽和"))
        right.legend(frameon=False, fontsize=8, loc="lower right")
        return figure
