"""Showing things in a notebook: Markdown, tables, figures. Outside a notebook texts print and pictures are kept only."""

import io

from lab_helpers.runtime.lexicon import term


def in_notebook() -> bool:
    """Whether a kernel runs this, with a front end that can show more than text."""
    from IPython import get_ipython

    return get_ipython() is not None


def show_markdown(text: str) -> None:
    from IPython.display import Markdown, display

    if in_notebook():
        display(Markdown(text))
    else:
        print(text)


def png(figure) -> bytes:
    """A matplotlib figure as PNG, whatever backend is active."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=96, bbox_inches="tight")
    return buffer.getvalue()


def show_figure(figure) -> None:
    from IPython.display import Image, display

    if in_notebook():
        display(Image(png(figure)))


def markdown_table(rows: list[dict], columns: list[str] | None = None) -> str:
    """Flat dicts as a Markdown table in the learner's language; numbers with three significant digits.

    Column names, and cells that are a name of the lexicon, are shown by it.
    """
    if not rows:
        return ""
    columns = columns or list(rows[0])
    lines = ["| " + " | ".join(map(term, columns)) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell(row.get(name, "")) for name in columns) + " |" for row in rows]
    return "\n".join(lines)


def show_folded(title: str, rows: list[dict], columns: list[str] | None = None) -> None:
    """A table behind a fold, for readers who want the details."""
    table = markdown_table(rows, columns)
    show_markdown(f"<details><summary>{title}</summary>\n\n{table}\n\n</details>")


def cell(value) -> str:
    """One table cell: integers with separators, other numbers to three digits; lists of them alike."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(cell, value))}]"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return term(str(value)).replace("|", "\\|")
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    if value == 0:
        return "0"  # exactly zero is another thing than 0.000
    return f"{value:.3f}" if abs(value) >= 1e-3 else f"{value:.3g}"
