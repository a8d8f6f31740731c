"""Is a quotation mark in a TSV file text, or does it quote the cell? The file as a whole tells.

Two conventions share the suffix. In plain TSV (IANA's text/tab-separated-values) there is no quoting:
``24" wide`` and ``"Open" it`` are texts. Spreadsheets quote cells that contain a mark, a tab or a line
end, as in CSV, and write a mark inside twice. Read by the wrong one, marks vanish or rows merge.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from lab_helpers.data.reading.csv_records import CsvRecord, Damage
from lab_helpers.runtime.language import say

Quoting = Literal["text", "spreadsheet", "undecided"]

_WHOLE = re.compile('"[^"]*(?:""[^"]*)*"(?!")')
_TAIL = re.compile('[^"]*(?:""[^"]*)*"(?!")')  # what closes a quoted cell, read from inside it
_NUMBER = re.compile(r"[-+]?[\d.,]+%?")


def quoting(lines: Iterable[str]) -> Quoting:
    """What marks are in the TSV file of ``lines``, in one pass over it.

    Against quoting speak text behind a closing mark, a mark that is never closed, and marks that would
    merge lines each of which is a whole row. For it: doubled marks, a quoted header, cells that need it
    (they hold line ends or more tabs than a row has; or just those with commas, as Excel does), or that
    all texts are quoted. Where neither is found, or both equally, it is ``undecided``.
    """
    found = _Evidence()
    for line in lines:
        found.take(line.rstrip("\r\n"))
    return found.verdict()


class PlainRecords:
    """Iterates over the lines of a TSV file as :class:`CsvRecord`: cells are what stands between tabs.

    Where the quoting is undecided, a line with a cell that begins with a mark is a :class:`Damage`.
    """

    def __init__(self, lines: Iterable[str], found: Quoting, number: int = 0):
        self.width = 0
        self._lines, self._found, self._number = lines, found, number

    def __iter__(self) -> Iterator[CsvRecord | Damage]:
        for number, line in enumerate(self._lines, self._number + 1):
            line = line.rstrip("\r\n")
            cells = line.split("\t") if line else []
            quoted = self._undecided(cells)
            if quoted:
                yield Damage(
                    number,
                    say(
                        f"has a cell in quotation marks ({quoted[:30]}), and the file does not tell whether "
                        "they are text or quote it; write it without them, or save the file as .csv",
                        f"引用符で囲まれたセル（{quoted[:30]}）があり、引用符が文字なのかセルを囲むものなのか判断できません。引用符なしで書くか、.csv で保存してください",
                    ),
                )
            elif len(cells) > self.width > 0 and any(cells[self.width :]):
                yield Damage(
                    number,
                    say(
                        f"has {len(cells)} cells where the header has {self.width}: "
                        "a text must not contain a tab",
                        f"見出しは {self.width} 列なのに、セルが {len(cells)} 個あります。文章にタブは使えません",
                    ),
                )
            else:
                yield CsvRecord(number, number, cells)

    def _undecided(self, cells: list[str]) -> str:
        """The first cell that begins with a mark of which nobody knows what it means."""
        if self._found != "undecided" or not self.width:
            return ""
        return next((cell for cell in cells if cell.startswith('"')), "")


@dataclass
class _Evidence:
    """What was seen so far; ``text`` and ``spreadsheet`` count what speaks for each reading."""

    width: int = 0
    text: int = 0
    spreadsheet: int = 0
    # Cells in marks that need none: how many, and how many of them hold a comma.
    quoted: int = 0
    quoted_commas: int = 0
    plain_commas: bool = False
    all_quoted: bool = True
    # Inside a quoted cell of several lines: is each of these lines a whole row by itself?
    inside: bool = False
    only_rows: bool = True

    def take(self, line: str) -> None:
        """The next line of the file, without its end."""
        if not self.width:
            self._take_header(line)
            return
        is_row = line.count("\t") + 1 == self.width
        if self.inside:
            self._go_on(line, is_row)
        elif '"' in line:
            self._take_cells(line, 0, is_row)
        else:
            self.plain_commas = self.plain_commas or "," in line
            self.all_quoted = self.all_quoted and not any(map(_is_plain_text, line.split("\t")))

    def verdict(self) -> Quoting:
        text = self.text + self.inside
        if text and self.spreadsheet:
            return "spreadsheet" if self.spreadsheet > text else "undecided"
        if text or self.spreadsheet:
            return "text" if text else "spreadsheet"
        if not self.quoted:
            return "text"
        by_commas = self.quoted_commas == self.quoted and not self.plain_commas
        return "spreadsheet" if by_commas or self.all_quoted else "undecided"

    def _take_header(self, line: str) -> None:
        if line.strip():
            cells = line.split("\t")
            self.width = len(cells)
            self.spreadsheet += any(_WHOLE.fullmatch(cell) for cell in cells)

    def _go_on(self, line: str, is_row: bool) -> None:
        """A line that begins inside a quoted cell."""
        self.only_rows = self.only_rows and is_row
        tail = _TAIL.match(line)
        if tail is None:
            return
        self.inside = False
        if line[tail.end() : tail.end() + 1] in ("", "\t"):
            self._count(self.only_rows)
            self._take_cells(line, tail.end() + 1, is_row)
        else:
            self.text += 1
            self._take_cells(line, 0, is_row)

    def _take_cells(self, line: str, place: int, is_row: bool) -> None:
        """The cells of ``line`` from ``place`` on, where one begins."""
        while place <= len(line):
            end = line.find("\t", place)
            end = len(line) if end < 0 else end
            if not line.startswith('"', place):
                self.plain_commas = self.plain_commas or "," in line[place:end]
                self.all_quoted = self.all_quoted and not _is_plain_text(line[place:end])
            elif (whole := _WHOLE.match(line, place)) is None:
                self.inside, self.only_rows = True, is_row
                return
            elif line[whole.end() : whole.end() + 1] not in ("", "\t"):
                self.text += 1
            else:
                self._take_whole(whole[0][1:-1], is_row)
                end = whole.end()
            place = end + 1

    def _take_whole(self, cell: str, is_row: bool) -> None:
        if "\t" in cell:
            self._count(is_row)
        elif not cell or '""' in cell:
            self.spreadsheet += 1
        else:
            self.quoted += 1
            self.quoted_commas += "," in cell

    def _count(self, only_rows: bool) -> None:
        """A quoted cell that spans tabs or lines: nobody quotes what happens to be whole rows."""
        if only_rows:
            self.text += 1
        else:
            self.spreadsheet += 1


def _is_plain_text(cell: str) -> bool:
    return bool(cell.strip()) and not _NUMBER.fullmatch(cell.strip())
