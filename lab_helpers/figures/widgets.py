"""ipywidgets front ends. Each drives a plain function that is tested, and shown, without them.

Written for ipywidgets 7.7 (Google Colab's) and 8. Where no front end has widgets, the static twin is shown.
"""

import base64
import html
from collections.abc import Callable, Iterable

from lab_helpers.figures.display import cell, in_notebook, png
from lab_helpers.figures.style import words
from lab_helpers.runtime.lexicon import term


def explorer(draw: Callable, **controls) -> None:
    """Show ``draw(**values)``, redrawn whenever a control changes.

    ``controls`` are ipywidgets; ``draw`` returns a matplotlib figure, text, or a list of dicts.
    The view is one HTML widget, not an Output widget: executing a notebook without a front end
    hangs now and then on those (seen with nbclient 0.11 and ipykernel 7.4).
    """
    import ipywidgets
    from IPython.display import display

    view = ipywidgets.HTML()

    def redraw(_=None) -> None:
        view.value = as_html(draw(**{name: control.value for name, control in controls.items()}))

    for control in controls.values():
        control.observe(redraw, names="value")
    redraw()
    if in_notebook():
        display(WithTwin(ipywidgets.VBox([*controls.values(), view]), view.value))


class WithTwin:
    """A widget, and its static ``twin`` (HTML) for whatever shows the output without having widgets."""

    def __init__(self, widget, twin: str):
        self.widget, self.twin = widget, twin

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        view = {"version_major": 2, "version_minor": 0, "model_id": self.widget.model_id}
        return {
            "application/vnd.jupyter.widget-view+json": view,
            "text/html": self.twin,
            "text/plain": words(
                "(controls; they need a notebook with widgets)",
                "（操作部品。表示にはウィジェット対応のノートブックが必要です）",
            ),
        }


def as_html(drawn) -> str:
    """A figure as an embedded picture, rows (dicts) as a table, anything else as escaped text."""
    if isinstance(drawn, str):
        return f"<pre>{html.escape(drawn)}</pre>"
    if isinstance(drawn, list):
        lines = [map(term, drawn[0].keys()), *(map(cell, row.values()) for row in drawn)]
        tags = ["th", *["td"] * len(drawn)]
        body = "".join(
            "<tr>" + "".join(f"<{tag}>{html.escape(text)}</{tag}>" for text in line) + "</tr>"
            for tag, line in zip(tags, lines, strict=True)
        )
        return f"<table>{body}</table>"
    return f'<img style="max-width:100%" src="data:image/png;base64,{base64.b64encode(png(drawn)).decode()}">'


def slider(label: str, value: int, low: int, high: int, step: int = 1):
    """An integer slider that reports only when the mouse is released."""
    import ipywidgets

    return ipywidgets.IntSlider(
        value=value, min=low, max=high, step=step, description=label, continuous_update=False
    )


def choice(label: str, options: Iterable, value=None):
    """A drop-down list."""
    import ipywidgets

    options = list(options)
    return ipywidgets.Dropdown(
        options=options, value=value if value is not None else options[0], description=label
    )


def choices(label: str, options: list[tuple[str, str]]):
    """A list of ``(label, value)`` of which any number may be chosen; all are at first."""
    import ipywidgets

    return ipywidgets.SelectMultiple(
        options=options,
        value=[value for _, value in options],
        rows=min(8, len(options)),
        description=label,
        layout={"width": "95%"},
    )


def text_box(label: str, value: str):
    """A line of text that reports on Enter."""
    import ipywidgets

    return ipywidgets.Text(
        value=value, description=label, continuous_update=False, layout={"width": "95%"}
    )


def quiz_widget(questions, note: Callable[[int, bool], None]) -> None:
    """Buttons for each question; feedback appears below the choice."""
    import ipywidgets
    from IPython.display import display

    rows = []
    for number, question in enumerate(questions, 1):
        buttons = ipywidgets.ToggleButtons(
            options=[(f"{number}{'abcdef'[i]}", i) for i in range(len(question.choices))],
            value=None,
            description="",
        )
        reply = ipywidgets.HTML()

        def react(change, question=question, reply=reply, number=number) -> None:
            right, why = question.feedback(change["new"])
            reply.value = html.escape(("✅ " if right else "❌ ") + why)
            note(number, right)

        buttons.observe(react, names="value")
        rows.append(ipywidgets.VBox([buttons, reply]))
    if in_notebook():
        display(WithTwin(ipywidgets.VBox(rows), twin=""))  # the quiz stands above as text


def chat_explorer(ask: Callable[[str], dict], message: str) -> None:
    """Labs 00 and 04: write as a customer; ``ask(message)`` gives a row of replies, one a model."""
    box = text_box(words("message", "メッセージ"), message)
    explorer(lambda message: [ask(message)] if message.strip() else "", message=box)


def freezing_explorer(rows: list[dict]) -> None:
    """Lab 01: which blocks train, what it costs and what it brings; ``rows`` as ``freezing`` takes them."""
    from lab_helpers.figures.transfer import freezing

    options = [(term(row["method"]), row["method"]) for row in rows]
    control = choice(words("train", "学習する部分"), options, rows[1]["method"])
    explorer(lambda method: freezing(rows, method), method=control)


def rank_explorer(view: Callable, highest: int) -> None:
    """Lab 02: a slider over the rank; ``view(r)`` returns the figure."""
    explorer(lambda r: view(r), r=slider("r", 8, 1, highest))


def parameter_explorer(count: Callable, models: list[str], targets: list[str]) -> None:
    """Lab 02: model, rank and targets; ``count(model, r, targets)`` returns a row of numbers."""
    explorer(
        lambda model, r, targets: [count(model, r, targets)],
        model=choice(words("model", "モデル"), models, models[1]),
        r=slider("r", 16, 1, 128),
        targets=choice(words("targets", "対象"), [(term(t), t) for t in targets], targets[0]),
    )


def memory_explorer(view: Callable, models: list[str], methods: list[str]) -> None:
    """Lab 03: what one training needs; ``view`` takes the controls' values and returns the figure."""
    import ipywidgets

    lengths = [128, 256, 512, 1024, 2048, 4096, 8192]
    explorer(
        view,
        model=choice(words("model", "モデル"), models),
        method=choice(words("method", "方式"), methods, methods[-1]),
        r=slider("r", 16, 1, 128),
        sequence=choice(words("sequence", "系列長"), lengths, 512),
        batch=slider(words("batch", "バッチ"), 1, 1, 16),
        checkpointing=ipywidgets.Checkbox(
            value=True, description=words("checkpointing", "チェックポイント")
        ),
    )


def mask_explorer(view: Callable, modes: list[str], question: str, answer: str) -> None:
    """Lab 04: which tokens carry loss; ``view(mode, question, answer)`` returns the figure."""
    explorer(
        view,
        mode=choice(words("loss on", "損失の対象"), modes),
        question=text_box(words("question", "質問"), question),
        answer=text_box(words("answer", "回答"), answer),
    )


def preference_explorer(view: Callable) -> None:
    """Lab 05: β and the two log-ratios of a pair; ``view(beta, chosen, rejected)`` returns the figure."""
    import ipywidgets

    def ratio(label: str, value: float):
        return ipywidgets.FloatSlider(
            value=value, min=-30, max=30, step=1, description=label, continuous_update=False
        )

    beta = ipywidgets.FloatSlider(
        value=0.1, min=0.01, max=1, step=0.01, description="beta", continuous_update=False
    )
    explorer(
        lambda beta, chosen, rejected: view(beta, chosen, rejected),
        beta=beta,
        chosen=ratio("chosen", -5),
        rejected=ratio("rejected", -20),
    )


def dashboard_explorer(view: Callable, metrics: list[tuple[str, str]], models: list[str]) -> None:
    """Lab 06: which models and metrics, as bars or radar; ``view(kind, metrics, models)`` returns the figure.

    ``metrics`` are ``(label, name)``. With nothing chosen there is nothing to draw, and it says so.
    """

    def drawn(kind, metrics, models):
        if metrics and models:
            return view(kind, metrics, models)
        return words("Choose a model and a metric.", "モデルと指標を選んでください。")

    kinds = [(words("bars", "棒グラフ"), "bars"), (words("radar", "レーダー"), "radar")]
    explorer(
        drawn,
        kind=choice(words("as", "表示"), kinds, "bars"),
        metrics=choices(words("metrics", "指標"), metrics),
        models=choices(words("models", "モデル"), [(name, name) for name in models]),
    )


def retrieval_explorer(view: Callable, sizes: list[int], most: int) -> None:
    """Lab 07: the size of the chunks and how many are read; ``view(size, k)`` returns the figure."""
    options = [(words(f"{size} tokens", f"{size} トークン"), size) for size in sizes]
    explorer(
        lambda size, k: view(size, k),
        size=choice(words("chunk", "チャンク"), options, sizes[len(sizes) // 2]),
        k=slider("k", min(5, most), 1, most),
    )
