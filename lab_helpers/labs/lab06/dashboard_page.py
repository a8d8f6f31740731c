"""The dashboard as one self-contained HTML file in both languages, figures inside, no script."""

import base64
from collections.abc import Sequence
from pathlib import Path

from lab_helpers.evaluation.dashboard import Dashboard
from lab_helpers.evaluation.flips import Flips
from lab_helpers.figures.dashboard import FEWEST_AXES, bars, radar
from lab_helpers.figures.display import png
from lab_helpers.runtime.files import write_text
from lab_helpers.runtime.language import LANGUAGES, language, speaking
from lab_helpers.runtime.lexicon import term

MOST_FLIPS = 20
"""Of each kind so many changed items stand on the page."""
_FLIPS = {"en": "Which answers changed", "ja": "変わった答え"}
_TITLES = {"en": "Models side by side", "ja": "モデルの比較"}


def write_dashboard(
    path: Path,
    board: Dashboard,
    notes: dict[str, str] | None = None,
    flips: Sequence[Flips] = (),
) -> Path:
    """Write the page; ``notes`` is a paragraph under the title by language, as plain text,
    ``flips`` which answers changed sides, with the replies.

    The reader changes the language on the page; it opens in the one in force.
    """
    from jinja2 import Environment, PackageLoader, select_autoescape

    environment = Environment(
        loader=PackageLoader("lab_helpers.labs.lab06"), autoescape=select_autoescape()
    )
    page = environment.get_template("dashboard.html").render(
        opened=language(),
        titles=_TITLES,
        editions=[
            _edition(board, spoken, (notes or {}).get(spoken, ""), flips) for spoken in LANGUAGES
        ],
    )
    return write_text(path, page)


def _edition(board: Dashboard, spoken: str, note: str, flips: Sequence[Flips]) -> dict:
    rows = board.rows(spoken)
    return {
        "language": spoken,
        "title": _TITLES[spoken],
        "note": note,
        "columns": list(rows[0]),
        "rows": rows,
        "pictures": _pictures(board, spoken),
        "flips_title": _FLIPS[spoken],
        "flips": _tables_of_flips(flips, spoken),
    }


def _tables_of_flips(flips: Sequence[Flips], spoken: str) -> list[dict]:
    """Of each comparison its counts as a line and its changed items as a table, in ``spoken``."""
    with speaking(spoken):
        return [
            {
                "line": ", ".join(f"{term(key)} {value:.2g}" if key == "p" else f"{term(key)} {value}"
                                  for key, value in flip.counts().items() if key not in ("measurement", "from", "to")),
                "title": f"{term(flip.name)}: {term(flip.models[0])} → {term(flip.models[1])}",
                "columns": [term(column) for column in ("change", "question", "right answer")] + list(flip.models),
                "rows": [[term(row["change"]), *list(row.values())[1:]] for row in flip.rows(MOST_FLIPS)],
            }
            for flip in flips
        ]  # fmt: skip


def _pictures(board: Dashboard, spoken: str) -> list[str]:
    """Bars, and a radar where it has three axes, labelled in ``spoken``, as data URLs."""
    with speaking(spoken):
        drawn = [bars(board)]
        if len(board.complete()) >= FEWEST_AXES:
            drawn.append(radar(board))
        return ["data:image/png;base64," + base64.b64encode(png(f)).decode() for f in drawn]
