"""Lines of CSV into records, going on after a quotation mark that is never closed.

Python's ``csv`` stops at the first record it cannot read, and everything behind it is lost. Here the
lines that a broken record swallowed are read again, as records of their own, where they are such.
"""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lab_helpers.data.reading.csv_spacing import Spacing, has_spaced_mark
from lab_helpers.data.reading.rows import left_unread
from lab_helpers.runtime.language import Text

LONGEST_RECORD = 10_000_000
# How many lines may be read a second time in one file, so that no file takes quadratic time.
_READ_AGAIN = 500_000
# The first mark in a line that closes a quoted cell: doubled ones stand for one in the text.
_CLOSING = re.compile('(?<!")(?:"")*"(?!")')
_AT_A_MARK = "expected after"  # what the csv module says of text behind a closing mark
_NAMES = {
    ",": Text("comma", "コンマ"),
    ";": Text("semicolon", "セミコロン"),
    "\t": Text("tab", "タブ"),
}
_NEVER_CLOSED = Text("opens a quotation mark that is never closed", "引用符が閉じられていません")
_MERGES = Text(
    "opens a quotation mark that would merge whole rows into one",
    "引用符が閉じられておらず、複数の行が 1 行にまとまってしまいます",
)
_TEXT_AFTER = Text(
    'has text after a closing quotation mark; inside a cell it is written twice ("")',
    '閉じる引用符の後に文字があります。セルの中の引用符は 2 つ続けて（""）書きます',
)
_SPACED = Text(
    "has a space before a quotation mark, and the file does not tell whether the mark is text or quotes "
    "the cell; take the space away",
    "引用符の前に空白があり、引用符が文字なのかセルを囲むものなのか判断できません。空白を取り除いてください",
)
_BACKSLASH = Text(
    'escapes a quotation mark with a backslash (\\"); in CSV it is written twice ("")',
    '引用符をバックスラッシュ（\\"）でエスケープしています。CSV では引用符を 2 つ続けて（""）書きます',
)


class CsvRecord(NamedTuple):
    """The cells of the lines ``first`` to ``last``."""

    first: int
    last: int
    cells: list[str]


class Damage(NamedTuple):
    """A line that begins no record, and how many lines after it were left unread."""

    line: int
    problem: str
    unread: int = 0


class Records:
    """Iterates over the :class:`CsvRecord` and :class:`Damage` of CSV ``lines`` (with their line ends).

    ``width`` is the number of cells of a whole record; set it as soon as the header is known. It tells
    whether what an unclosed quotation mark swallowed are records. ``spaces`` says what a space before a
    quotation mark is.
    """

    def __init__(
        self, lines: Iterable[str], delimiter: str, number: int = 0, spaces: Spacing = "none"
    ):
        # The csv module refuses fields above 131,072 characters unless told otherwise.
        csv.field_size_limit(max(csv.field_size_limit(), LONGEST_RECORD))
        self.width = 0
        self._delimiter = delimiter
        self._spaces = spaces
        self._lines = _Lines(lines, number)
        self._budget = _READ_AGAIN

    def __iter__(self) -> Iterator[CsvRecord | Damage]:
        reader = self._reader(self._lines)
        while True:
            self._lines.begin()
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._damage(str(error))
                reader = self._reader(self._lines)
                continue
            if problem := self._problem(cells):
                yield self._damage(_AT_A_MARK, problem)
                reader = self._reader(self._lines)
                continue
            taken = len(self._lines.taken)
            last = self._lines.number
            yield CsvRecord(last - taken + 1, last, cells)

    def _problem(self, cells: list[str]) -> Text | None:
        """Why the lines just taken, read as ``cells``, are no record; None where they are one."""
        if self._spaces == "undecided" and has_spaced_mark(
            "".join(self._lines.taken), self._delimiter
        ):
            return _SPACED
        if len(cells) > self.width > 0 and any(cells[self.width :]):
            return self._too_many(cells)
        return _MERGES if len(self._lines.taken) > 1 and self._merges_rows() else None

    def _reader(self, lines: Iterable[str]):
        skip = self._spaces == "separator"
        return csv.reader(lines, delimiter=self._delimiter, strict=True, skipinitialspace=skip)

    def _damage(self, error: str, problem: Text = _NEVER_CLOSED) -> Damage:
        """What is wrong with the lines just taken; those that can be read are given back."""
        first, *rest = self._lines.taken
        line = self._lines.number - len(rest)
        at_a_mark = _AT_A_MARK in error
        if not rest:
            mistake = problem if problem != _NEVER_CLOSED else _one_line(first, error)
            return Damage(line, str(mistake))
        inner = rest[:-1] if at_a_mark else rest
        last_is_own = at_a_mark and self._begins_a_cell(rest[-1])
        if self._is_row(first) and (last_is_own or not at_a_mark) and self._are_rows(inner):
            problem, unread = _NEVER_CLOSED, 0
        else:
            unread = len(inner) if last_is_own and problem == _NEVER_CLOSED else len(rest)
        if len(rest) - unread > self._budget:
            unread = len(rest)
        self._budget -= len(rest) - unread
        self._lines.give_back(len(rest) - unread)
        return Damage(line, f"{problem}{left_unread(unread)}", unread)

    def _merges_rows(self) -> bool:
        """Whether the lines just taken are TSV, and each of them is a whole row by itself."""
        return self._delimiter == "\t" and all(map(self._is_row, self._lines.taken))

    def _too_many(self, cells: list[str]) -> Text:
        return Text(
            f"has {len(cells)} cells where the header has {self.width}: put a text that contains "
            f"a {_NAMES.get(self._delimiter, self._delimiter)} into quotation marks",
            f"見出しは {self.width} 列なのに、セルが {len(cells)} 個あります。{_NAMES.get(self._delimiter, self._delimiter)}を含む文章は引用符で囲んでください",
        )

    def _begins_a_cell(self, line: str) -> bool:
        """Whether the mark of ``line`` that ended the open cell really opens a cell of its own."""
        mark = _CLOSING.search(line)
        if mark is None:
            return False
        before = line[: mark.start()]
        before = before.rstrip(" ") if self._spaces == "separator" else before
        return not before or before.endswith(self._delimiter)

    def _is_row(self, line: str) -> bool:
        """Whether ``line`` has the cells of a whole record when its marks are taken for text."""
        return self.width > 1 and line.count(self._delimiter) + 1 == self.width

    def _are_rows(self, lines: list[str]) -> bool:
        """Whether (nearly) all ``lines`` are whole records; a text of several lines is not."""
        filled = [line for line in lines if line.strip()]
        return sum(map(self._reads_as_row, filled)) * 10 >= len(filled) * 9

    def _reads_as_row(self, line: str) -> bool:
        try:
            return self.width == len(next(self._reader([line]), []))
        except csv.Error:
            return False


def _one_line(line: str, error: str) -> Text:
    if _AT_A_MARK in error:
        return _BACKSLASH if '\\"' in line else _TEXT_AFTER
    if "end of data" in error:
        return _NEVER_CLOSED
    return Text(
        f"is longer than {LONGEST_RECORD:,} characters", f"{LONGEST_RECORD:,} 文字を超えています"
    )


class _Lines:
    """Numbers the lines it hands out, keeps those ``taken`` since ``begin`` and can take them back."""

    def __init__(self, lines: Iterable[str], number: int):
        self._source = iter(lines)
        self._again: deque[str] = deque()
        self._size = 0
        self.number = number
        self.taken: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else next(self._source)
        self.number += 1
        self._size += len(line)
        self.taken.append(line)
        if self._size > LONGEST_RECORD:
            raise csv.Error("record too long")
        return line

    def begin(self) -> None:
        self.taken.clear()
        self._size = 0

    def give_back(self, count: int) -> None:
        """The last ``count`` lines will be handed out again."""
        if count:
            self._again.extendleft(reversed(self.taken[-count:]))
            self.number -= count
