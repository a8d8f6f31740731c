"""Where a line of a terminal may end: rich breaks at spaces, and Japanese has none.

Left to itself rich moves a whole Japanese sentence to the next line, and cuts off what is longer than a column.
"""

import re
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.containers import Lines
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, OverflowMethod

# What stays together: a word of Latin letters, or one Japanese letter with what may not begin or end a line.
_PIECES = re.compile(
    r"[（「『【]*(?:[!-~]+|[^\s!-~（「『【])[、。，．：？！）」』】々ーぁぃぅぇぉっゃゅょァィゥェォッャュョ…]*\s*|[（「『【]+|\s+"
)


def breakable(text: str | Text) -> Text:
    """``text``, with markup where it is a string, that may break between any two Japanese letters."""
    given = Text.from_markup(text) if isinstance(text, str) else text
    return _Breakable(given.plain, given.style, justify=given.justify, spans=given.spans)


def line_ends(line: str, width: int) -> list[int]:
    """Where ``line`` is divided so that no part is wider than ``width`` cells."""
    ends, start, used = [], 0, 0
    for piece in _PIECES.finditer(line):
        size = cell_len(piece[0].rstrip())
        if used and used + size > width:
            ends.append(piece.start())
            start, used = piece.start(), 0
        while used + size > width and size > 1:  # a word that is wider than the column
            fits = _letters_that_fit(line[start:], width)
            start += fits
            ends.append(start)
            used, size = 0, cell_len(line[start : piece.end()].rstrip())
        used += size + cell_len(piece[0]) - cell_len(piece[0].rstrip())
    return [end for end in ends if end < len(line)]


def _letters_that_fit(text: str, width: int) -> int:
    count = 0
    while count < len(text) and cell_len(text[: count + 1]) <= width:
        count += 1
    return max(1, count)


class _Breakable(Text):
    """A rich text with :func:`line_ends` in place of rich's own."""

    def wrap(
        self,
        console: "Console",
        width: int,
        *,
        justify: "JustifyMethod | None" = None,
        overflow: "OverflowMethod | None" = None,
        tab_size: int = 8,
        no_wrap: bool | None = None,
    ) -> Lines:
        lines = Lines()
        for line in self.split(allow_blank=True):
            line.expand_tabs(tab_size)
            parts = line.divide(line_ends(line.plain, width))
            for part in parts:
                part.rstrip()
            lines.extend(parts)
        return lines
