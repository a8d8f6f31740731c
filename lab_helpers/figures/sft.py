"""Figures of lab 04: the label mask, what a cleaning left, rows and scores, forgetting by rate."""

from lab_helpers.figures.style import canvas, colour, words
from lab_helpers.runtime.lexicon import term

_HEARD, _SILENT = "#f2b84b", "#e4e4e4"
_WIDTH, _FONT = 9.0, 9


def training_picture():
    """Supervised fine-tuning in one picture: a row, its text, what carries loss, what moves."""
    lanes = (
        (words("a row", "1 行のデータ"), ((words("question", "質問"), 3.2, _SILENT), (words("answer", "回答"), 4.0, _HEARD))),
        (
            words("chat template", "チャットテンプレート"),
            (("<|im_start|>user", 2.1, _SILENT), (words("question", "質問"), 2.2, _SILENT), ("<|im_end|> <|im_start|>assistant", 3.5, _SILENT), (words("answer", "回答"), 2.2, _HEARD), ("<|im_end|>", 1.4, _HEARD)),
        ),
        (
            words("labels", "ラベル"),
            (("-100  -100  -100  -100  …", 7.8, _SILENT), (words("the tokens themselves", "トークンそのもの"), 3.6, _HEARD)),
        ),
        (
            words("loss", "損失"),
            ((words("read, not counted", "読むだけで数えない"), 7.8, _SILENT), (words("mean of −log p(token)", "−log p(トークン) の平均"), 3.6, _HEARD)),
        ),
        (
            words("one step moves", "1 ステップで動くもの"),
            ((words("the base: frozen", "ベース: 凍結"), 7.8, _SILENT), (words("adapter", "アダプター"), 3.6, "#c9a7dd")),
        ),
    )  # fmt: skip
    with canvas(width=_WIDTH, height=3.0) as (figure, axes):
        axis = axes[0][0]
        axis.axis("off")
        axis.set(xlim=(-3.0, 11.7), ylim=(len(lanes) - 0.4, -0.6))
        for y, (name, boxes) in enumerate(lanes):
            axis.text(-0.2, y, name, ha="right", va="center", fontsize=_FONT)
            x = 0.0
            for text, width, shade in boxes:
                axis.barh(y, width, left=x, height=0.56, color=shade, edgecolor="white")
                axis.text(x + width / 2, y, text, ha="center", va="center", fontsize=_FONT - 1)
                x += width
            if y:
                axis.annotate("", (5.5, y - 0.3), (5.5, y - 0.7), arrowprops={"arrowstyle": "->"})
        return figure


def label_mask(tokens, title: str = ""):
    """A conversation token by token: what carries loss is orange, what is -100 is grey.

    ``tokens`` have ``text`` and ``heard``; a token of the second half of a character has no text.
    """
    lines = (
        1 + sum("\n" in token.text for token in tokens) + sum(len(t.text) for t in tokens) // 105
    )
    texts = [token.text for token in tokens]
    with canvas(width=_WIDTH, height=0.32 * lines + 0.5, texts=texts) as (figure, axes):
        axis = axes[0][0]
        axis.axis("off")
        axis.set(xlim=(0, 1), ylim=(lines, -0.4), title=title)
        renderer = figure.canvas.get_renderer()
        x, y = 0.0, 0
        for token in tokens:
            if not token.text:
                continue
            shown = token.text.replace("\n", "\\n")
            drawn = axis.text(
                x,
                y,
                shown.replace("$", r"\$"),
                fontsize=_FONT,
                va="center",
                bbox={
                    "facecolor": _HEARD if token.heard else _SILENT,
                    "edgecolor": "white",
                    "pad": 1.5,
                },
            )
            box = drawn.get_window_extent(renderer)
            width = box.width / (figure.get_size_inches()[0] * figure.dpi) + 0.008
            if x and x + width > 1:
                x, y = 0.0, y + 1
                drawn.set_position((x, y))
            x += width
            if "\n" in token.text:
                x, y = 0.0, y + 1
        axis.set_ylim(max(y, 1) + 0.6, -0.6)
        return figure


def faults_left(rows: list[dict]):
    """Planted faults before and after a cleaning: ``{"fault", "planted", "left"}``."""
    with canvas(width=5.6, height=0.3 * len(rows) + 0.9) as (figure, axes):
        axis = axes[0][0]
        names = [term(row["fault"].replace("_", " ")) for row in rows]
        axis.barh(
            names,
            [r["planted"] for r in rows],
            color="#d5d5d5",
            label=words("planted", "仕込んだ数"),
        )
        axis.barh(
            names,
            [r["left"] for r in rows],
            color=colour("scratch"),
            label=words("left", "残った数"),
        )
        axis.invert_yaxis()
        axis.set_xlabel(words("rows", "件数"))
        axis.legend(frameon=False)
        return figure


def rows_and_scores(rows: list[dict]):
    """Tone and new facts over the number of training rows: ``{"n", "tone", "facts"}``."""
    with canvas(width=5.2, height=3.3) as (figure, axes):
        axis = axes[0][0]
        sizes = [row["n"] for row in rows]
        series = {
            "tone": (words("tone (format)", "口調（形式）"), "adapter"),
            "facts": (words("new facts", "新しい事実"), "scratch"),
        }
        for key, (label, name) in series.items():
            values = [row[key] for row in rows]
            axis.plot(sizes, values, marker="o", color=colour(name), label=label)
        axis.set(
            xscale="log",
            ylim=(-0.03, 1.03),
            xlabel=words("training rows", "学習データの件数"),
            ylabel=words("share of held-out replies", "未使用の質問での割合"),
        )
        axis.set_xticks(sizes, [f"{n:,}" for n in sizes])
        axis.minorticks_off()
        axis.legend(frameon=False)
        return figure


def facts_by_passes(rows: list[dict]):
    """Facts over the passes, in the training's wording and in other words; the cost beside them."""
    points = [row for row in rows if row["taught"] in ("nothing", "new facts")]
    series = {
        "training wording": "adapter",
        "other words": "scratch",
        "error on known facts": "probe",
    }
    with canvas(width=5.2, height=3.3) as (figure, axes):
        axis = axes[0][0]
        passes = [row["passes"] for row in points]
        for name, shade in series.items():
            line = "--" if name == "error on known facts" else "-"
            values = [row[name] for row in points]
            axis.plot(passes, values, line, marker="o", color=colour(shade), label=term(name))
        axis.set(
            ylim=(-0.03, 1.03),
            xlabel=words("passes over the facts", "事実を学習した回数（パス）"),
            ylabel=words("share", "割合"),
        )
        axis.set_xticks(passes)
        axis.legend(frameon=False)
        return figure


def forgetting_by_rate(rows: list[dict], before: float):
    """Left the loss on validation rows, right the old skill, over the learning rate; a line a method."""
    titles = (
        ("validation loss", words("new skill: validation loss", "新しい技能: 検証損失")),
        ("old skill", words("old skill: known facts", "元の技能: 既知の事実")),
    )
    with canvas(2, width=4.2, height=3.2) as (figure, axes):
        for axis, (key, title) in zip(axes[0], titles, strict=True):
            for method, label in (("full", term("full")), ("lora", "LoRA")):
                points = sorted((r["learning rate"], r[key]) for r in rows if r["method"] == method)
                if not points:
                    continue
                rates, values = [p[0] for p in points], [p[1] for p in points]
                axis.plot(rates, values, marker="o", color=colour(method), label=label)
            axis.set(xscale="log", title=title, xlabel=words("learning rate", "学習率"))
        axes[0][0].set_ylim(0, min(8, axes[0][0].get_ylim()[1]))
        axes[0][1].set_ylim(-0.03, 1.03)
        axes[0][1].axhline(before, color="black", lw=0.8, ls=":", label=words("before", "学習前"))
        axes[0][1].legend(frameon=False)
        return figure


def errors_after_teaching(metrics: dict):
    """Errors on known facts: before, after known rows, after unknown rows."""
    names = {
        "before": words("before", "学習前"),
        "after_known": words("taught known facts", "既知の事実を学習"),
        "after_unknown": words("taught new facts", "未知の事実を学習"),
    }
    shades = ("#8a8a8a", colour("pretrained"), colour("scratch"))
    with canvas(width=5.2, height=3.2) as (figure, axes):
        axis = axes[0][0]
        for i, (key, shade) in enumerate(zip(names, shades, strict=True)):
            value = metrics[f"known_fact_error_{key}"]
            low, high = metrics[f"known_fact_error_{key}_ci"]
            axis.bar(i, value, color=shade, width=0.6)
            axis.plot([i, i], [low, high], color="black", lw=1.2)
            axis.annotate(
                f"{value:.2f}", (i, high), (0, 3), textcoords="offset points", ha="center"
            )
        axis.set_xticks(range(len(names)), list(names.values()))
        axis.set(ylim=(0, 1.1), ylabel=words("error on known facts", "既知の事実の誤答率"))
        return figure
