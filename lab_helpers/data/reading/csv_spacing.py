"""A space between a comma and a quotation mark: part of the separator, or of the text? The file tells.

``"How long?", "3 years."`` is what people write by hand. Read to the letter, the space and the marks are
text, and a comma inside the marks splits the cell.
"""

import re
from collections.abc import Iterable
from typing import Literal

Spacing = Literal["none", "separator", "undecided"]

_WHOLE = re.compile('"[^"]*(?:""[^"]*)*"(?!")')
_TAIL = re.compile('[^"]*(?:""[^"]*)*"(?!")')  # what closes a quoted cell, read from inside it
_SPACES = re.compile(" *")


def spacing(lines: Iterable[str], delimiter: str) -> Spacing:
    """What spaces before quoted cells are in the CSV file of ``lines``, in one pass over it.

    They are part of the ``separator`` where all quoted cells have them, if no cell has none or if marks
    are known to quote: a first cell is quoted too, or one holds the delimiter. Else they are ``undecided``.
    """
    found = _Evidence(delimiter)
    for line in lines:
        found.take(line.rstrip("\r\n"))
    return found.verdict()


def has_spaced_mark(record: str, delimiter: str) -> bool:
    """Whether a cell of ``record`` (its text in the file) is in marks, or opens one, after a space."""
    found = _Evidence(delimiter, in_header=False)
    for line in re.split("\r\n|\r|\n", record):
        found.take(line)
    return bool(found.spaced or found.opened)


class _Evidence:
    """What was seen so far, cell by cell."""

    def __init__(self, delimiter: str, in_header: bool = True):
        self.spaced = self.opened = self.tight = self.proved = 0
        self._plain = re.compile(f'{re.escape(delimiter)}(?![ "]|{re.escape(delimiter)}|$)')
        self._plain_tight = False
        self._delimiter = delimiter
        self._in_header = in_header
        self._inside = False

    def take(self, line: str) -> None:
        """The next line of the file, without its end."""
        if self._inside or '"' in line:
            self._take_cells(line)
        elif not self._plain_tight and not self._in_header:
            self._plain_tight = self._plain.search(line) is not None
        self._in_header = self._in_header and (self._inside or not line.strip())

    def verdict(self) -> Spacing:
        if not (self.spaced or self.opened):
            return "none"
        known = self.proved or not self._plain_tight
        return "separator" if self.spaced and known and not self.tight else "undecided"

    def _take_cells(self, line: str) -> None:
        place, quotes = 0, False
        if self._inside:
            tail = _TAIL.match(line)
            if tail is None:
                return
            self._inside = False
            place = self._next_cell(line, tail.end())
        while place <= len(line):
            spaces = _SPACES.match(line, place)
            mark = spaces.end() if spaces else place
            if not line.startswith('"', mark):
                self._take_plain(line, place)
                place = self._next_cell(line, place)
                continue
            whole = _WHOLE.match(line, mark)
            if mark > place:
                place = self._take_spaced(line, place, mark, whole, quotes)
                continue
            quotes = quotes or (place == 0 and whole is not None)
            self.tight += place > 0 and not self._in_header
            self._inside = whole is None
            place = self._next_cell(line, whole.end()) if whole else len(line) + 1

    def _take_plain(self, line: str, place: int) -> None:
        end = self._next_cell(line, place) - 1
        text = line[place:end]
        self._plain_tight |= bool(
            place and text and not text.startswith(" ") and not self._in_header
        )

    def _take_spaced(
        self, line: str, place: int, mark: int, whole: re.Match | None, quotes: bool
    ) -> int:
        """A cell that begins with spaces and a mark; returns where the next one begins."""
        after = line[whole.end() :].lstrip(" ") if whole else ""
        if whole and (not after or after.startswith(self._delimiter)):
            self.spaced += 1
            self.proved += quotes or self._delimiter in whole[0] or '""' in whole[0][1:-1]
            return self._next_cell(line, whole.end())
        end = self._next_cell(line, place)
        self.opened += line.count('"', mark, end - 1) % 2
        return end

    def _next_cell(self, line: str, place: int) -> int:
        """Where the cell behind the next delimiter begins; behind the end of ``line`` if there is none."""
        end = line.find(self._delimiter, place)
        return len(line) + 1 if end < 0 else end + len(self._delimiter)
