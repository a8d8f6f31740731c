"""Rows of a CSV or TSV file: the header, the cells under it, and the lines that are no rows."""

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, dropwhile, islice
from pathlib import Path
from typing import TextIO

from lab_helpers.data.reading.csv_records import CsvRecord, Damage, Records
from lab_helpers.data.reading.csv_spacing import spacing
from lab_helpers.data.reading.encoding import ESCAPED_BYTE
from lab_helpers.data.reading.rows import BadRow, Row, left_unread
from lab_helpers.data.reading.tsv_quoting import PlainRecords, quoting
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

# Excel's own first line: "sep=;" names the separator of the rest.
_SEPARATOR = re.compile(r'"?sep=(.)"?\r?\n?')
# How many records under a line of one cell tell whether it is a title, and how long names can be.
_BELOW = 20
_LONGEST_NAME = 40
_INVISIBLE = "\u200b\u2060\ufeff"


def read_csv(path: Path, delimiter: str) -> Iterator[Row | BadRow]:
    """The rows of a UTF-8 file whose first line is the header, never more than one record in memory.

    Cells are strings, and None where a row is short. In CSV a quotation mark at the beginning of a cell
    is syntax (RFC 4180), also behind a space where all quoted cells stand so
    (:func:`lab_helpers.data.reading.csv_spacing.spacing`). In TSV it is text unless the file as a whole is quoted as spreadsheets do
    (:func:`lab_helpers.data.reading.tsv_quoting.quoting`).

    Raises :class:`BadInput` when the header shows that the file is no such table.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        first = stream.readline()
        named = _SEPARATOR.fullmatch(first)
        lines: Iterable[str] = stream if named else chain([first], stream)
        begin = 1 if named else 0
        if named:
            delimiter = named[1]
        if delimiter == "\t":
            records = _tab_records(path, stream, lines, begin)
        else:
            with _again(path, begin) as again:
                spaces = spacing(again, delimiter)
            records = Records(lines, delimiter, begin, spaces)
        yield from _rows(path, records, delimiter)


@contextmanager
def _again(path: Path, begin: int) -> Iterator[TextIO]:
    """The file from its beginning, behind the first ``begin`` lines."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as again:
        for _ in range(begin):
            again.readline()
        yield again


def _tab_records(
    path: Path, stream: TextIO, lines: Iterable[str], begin: int
) -> Records | PlainRecords:
    with _again(path, begin) as again:
        found = quoting(again)
    return (
        PlainRecords(lines, found, begin) if found != "spreadsheet" else Records(lines, "\t", begin)
    )


def _rows(path: Path, records: Records | PlainRecords, delimiter: str) -> Iterator[Row | BadRow]:
    header: list[str] | None = None
    one_name = False
    for record in records:
        if isinstance(record, Damage):
            if header is None:
                raise BadInput(
                    say(
                        f"the header of {path.name} cannot be read (line {record.line} {record.problem})",
                        f"{path.name} の見出しを読み取れません（{record.line} 行目: {record.problem}）",
                    ),
                    say(
                        "Mend the quotation marks of this line.", "この行の引用符を直してください。"
                    ),
                )
            yield BadRow(*record)
        elif header is None:
            if any(cell.strip() for cell in record.cells):
                header = _checked_header(path, record.cells, delimiter)
                if len(header) == 1:
                    _check_for_lone_title(path, record.last, header[0], delimiter)
                records.width = len(header)
                one_name = len(header) > 1 and bool(header[0]) and not any(header[1:])
        elif record.cells:
            if one_name:
                _check_for_title(path, header, record.cells)
            yield _row(record, header)


def _check_for_title(path: Path, header: list[str], cells: list[str]) -> None:
    """Raise :class:`BadInput` when a header of one name stands over several cells: it is a title."""
    if any(map(str.strip, cells[1:])):
        raise _title(path, header[0], len(header))


def _check_for_lone_title(path: Path, line: int, name: str, delimiter: str) -> None:
    """:func:`_check_for_title` for a first line (``line``) of one cell: those under it are a whole table.

    A table has names without spaces around them, and as many cells in every row; sentences that hold
    commas do not.
    """
    with _again(path, line) as below:
        try:
            reader = csv.reader(
                below,
                delimiter=delimiter,
                quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL,
            )
            records = list(islice(reader, _BELOW))
        except csv.Error:
            return
    filled = (cells for cells in records if any(map(str.strip, cells)))
    names, *rows = [*dropwhile(lambda cells: len(cells) == 1, filled)] or [[]]
    table = rows and all(len(cells) == len(names) for cells in rows)
    if table and all(0 < len(one) <= _LONGEST_NAME and one == one.strip() for one in names):
        raise _title(path, name, len(names))


def _title(path: Path, name: str, columns: int) -> BadInput:
    return BadInput(
        say(
            f"the first line of {path.name} names only one of its {columns} columns "
            f"('{name[:40]}'): it looks like a title above the header",
            f"{path.name} の最初の行には、{columns} 列のうち 1 列の名前（「{name[:40]}」）しかありません。見出しの上に付けた表題のようです",
        ),
        say(
            "Delete the lines above the line with the names of the columns.",
            "列の名前が並ぶ行より上の行を削除してください。",
        ),
    )


def _row(record: CsvRecord, header: list[str]) -> Row | BadRow:
    first, last, cells = record
    problem = ""
    whole = "".join(cells)
    if not whole.isascii() and ESCAPED_BYTE.search(whole):
        problem = say("is not UTF-8", "UTF-8 ではありません")
    elif _names(cells) == header:
        problem = say(
            "repeats the header: two files were joined",
            "見出し行の繰り返しです（2 つのファイルをつないだもののようです）",
        )
    elif "" in header:
        problem = _nameless(header, cells)
    if problem:
        return BadRow(first, problem + left_unread(last - first), last - first)
    padded = [*cells, *[None] * (len(header) - len(cells))]
    values = dict(zip(header, padded, strict=False))
    values.pop("", None)
    return Row(last, values)


def _nameless(header: list[str], cells: list[str]) -> str:
    """What is wrong with a cell that would be lost: it stands where the header has no name.

    The numbers of rows that pandas puts into a first column without a name are no loss.
    """
    for number, (name, cell) in enumerate(zip(header, cells, strict=False), 1):
        if not name and cell.strip() and not (number == 1 and cell.strip().isdigit()):
            shown = cell.strip()[:20]
            return say(
                f"has a cell ({shown!r}) in column {number}, which has no name in the header",
                f"見出しに名前のない {number} 列目に値（{shown!r}）があります",
            )
    return ""


def _names(cells: list[str]) -> list[str]:
    return [cell.strip().strip(_INVISIBLE).strip() for cell in cells]


def _checked_header(path: Path, cells: list[str], delimiter: str) -> list[str]:
    header = _names(cells)
    named = [name for name in header if name]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise BadInput(
            say(
                f"{path.name} has two columns called '{twice[0]}'",
                f"{path.name} に「{twice[0]}」という名前の列が 2 つあります",
            ),
            say("Give each column its own name.", "列にはそれぞれ別の名前を付けてください。"),
        )
    if not named:
        raise BadInput(
            say(
                f"{path.name} has no names in its first line",
                f"{path.name} の最初の行に列の名前がありません",
            ),
            say(
                "Write a header: a name for each column.",
                "見出しとして、すべての列の名前を書いてください。",
            ),
        )
    if named[0].startswith(("{", "[{", "[[")):
        raise BadInput(
            say(f"{path.name} holds JSON, not cells", f"{path.name} の中身は表ではなく JSON です"),
            say(
                "Call it .jsonl (an object a line) or .json.",
                "拡張子を .jsonl（1 行に 1 オブジェクト）か .json にしてください。",
            ),
        )
    other = next((mark for mark in ";\t,|" if mark != delimiter and mark in header[0]), None)
    if len(header) == 1 and other:
        raise BadInput(
            say(
                f"{path.name} has one column ('{header[0]}'): its cells are separated by {other!r}",
                f"{path.name} は 1 列（「{header[0]}」）しかなく、セルが {other!r} で区切られています",
            ),
            say(
                "Save it with commas (.csv) or tabs (.tsv) between the cells.",
                "セルをコンマ（.csv）かタブ（.tsv）で区切って保存し直してください。",
            ),
        )
    return header
