"""Rows of a learner's file, one after another, with the line each one stands on.

The reader never holds a whole JSONL, CSV or Parquet file: 10^6 rows need no more memory than one.
A bad line does not end the reading: it comes as a :class:`BadRow` in its place.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from lab_helpers.data.encoding import ESCAPED_BYTE, check_encoding
from lab_helpers.data.json_files import BadJson, json_items, parse_object
from lab_helpers.runtime.errors import BadInput

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_LONGEST_FIELD = 10_000_000
_BATCH = 1024
_BLOCK = 1 << 20


class Row(NamedTuple):
    """One usable row. ``line`` is the (last) line of the file it stands on, counted from 1."""

    line: int
    values: dict[str, Any]


class BadRow(NamedTuple):
    """A line that is no row; ``problem`` reads on from "line 7 "."""

    line: int
    problem: str


def read_rows(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a .jsonl, .json, .csv, .tsv or .parquet file in order.

    A .json file is an array of objects, an object with a single list such as ``data``, or (as many
    published sets are) JSON lines. Text is UTF-8 with or without a byte order mark; CSV cells are
    strings, and None where a row is short. In Parquet, and in JSON without line ends, ``line`` is the
    number of the row.

    Raises :class:`BadInput` when the file as a whole cannot be read: missing, unknown type, another
    encoding, binary, without rows.
    """
    path = Path(path)
    empty = True
    for row in _reader(path):
        empty = False
        yield row
    if empty:
        raise BadInput(
            f"{path.name} has no rows",
            "Give a file with a header and rows (CSV, TSV) or one JSON object a line (JSONL).",
        )


def count_lines(path: Path) -> int:
    """About how many rows the file has, for a progress bar: lines, or rows of a Parquet file."""
    path = Path(path)
    try:
        if path.suffix.lower() == ".parquet":
            with _parquet(path) as table:
                return table.metadata.num_rows
        with path.open("rb") as stream:
            return sum(block.count(b"\n") for block in iter(lambda: stream.read(_BLOCK), b""))
    except OSError:
        return 0  # Reading the file will say what is wrong with it.


def _reader(path: Path) -> Iterator[Row | BadRow]:
    if not path.is_file():
        raise BadInput(f"no such file: {path}", f"Give the path of a {', '.join(SUFFIXES)} file.")
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(
            f"{path.name}: unknown file type '{path.suffix}'",
            f"Use one of: {', '.join(SUFFIXES)}. Unpack archives first.",
        )
    try:
        if suffix == ".parquet":
            yield from _read_parquet(path)
            return
        check_encoding(path)
        if suffix in _DELIMITERS:
            yield from _read_csv(path, _DELIMITERS[suffix])
        elif suffix == ".json" and not _is_json_lines(path):
            yield from _read_json(path)
        else:
            yield from _read_jsonl(path)
    except OSError as error:
        raise BadInput(
            f"cannot read {path.name} ({error.strerror or error})", "Check the file's permissions."
        ) from None


def _read_jsonl(path: Path) -> Iterator[Row | BadRow]:
    # newline="\n": U+2028 and a lone carriage return are ordinary characters inside JSON.
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield Row(number, parse_object(line))
            except BadJson as error:
                half = not line.endswith("\n") and line.lstrip().startswith("{") and error.at_end
                yield BadRow(
                    number,
                    "is not JSON: it is half-written, the file ends in the middle of it"
                    if half
                    else str(error),
                )


def _is_json_lines(path: Path) -> bool:
    """Whether a .json file holds one object a line: its first line is one, and more follow."""
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as lines:
        filled = (line for line in lines if line.strip())
        try:
            parse_object(next(filled, ""))
        except BadJson:
            return False
        return next(filled, None) is not None


def _read_json(path: Path) -> Iterator[Row | BadRow]:
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    for line, item in json_items(text, path.name):
        yield BadRow(line, str(item)) if isinstance(item, BadJson) else Row(line, item)


def _read_csv(path: Path, delimiter: str) -> Iterator[Row | BadRow]:
    # The csv module refuses fields above 131,072 characters unless told otherwise.
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_FIELD))
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as stream:
        cells = csv.reader(stream, delimiter=delimiter, strict=True)
        header: list[str] | None = None
        last = 0
        try:
            for values in cells:
                if not values or (header is None and not any(value.strip() for value in values)):
                    pass
                elif header is None:
                    header = _checked_header(path, values, delimiter)
                else:
                    yield _csv_row(cells.line_num, header, values)
                last = cells.line_num
        except csv.Error as error:
            problem = str(error)
            if "end of data" in problem or "field larger" in problem:
                problem = "has a quotation mark that is never closed; the rows after it are lost"
            yield BadRow(last + 1, problem)


def _checked_header(path: Path, header: list[str], delimiter: str) -> list[str]:
    header = [name.strip() for name in header]
    named = [name for name in header if name]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise BadInput(
            f"{path.name} has two columns called '{twice[0]}'", "Give each column its own name."
        )
    other = next((mark for mark in ";\t,|" if mark != delimiter and mark in header[0]), None)
    if len(header) == 1 and other:
        raise BadInput(
            f"{path.name} has one column ('{header[0]}'): its cells are separated by {other!r}",
            "Save it with commas (.csv) or tabs (.tsv) between the cells.",
        )
    return header


def _csv_row(line: int, header: list[str], values: list[str]) -> Row | BadRow:
    if any(values[len(header) :]):
        return BadRow(
            line,
            f"has {len(values)} cells where the header has {len(header)}: put a text that contains "
            "a comma into quotation marks",
        )
    if any(not value.isascii() and ESCAPED_BYTE.search(value) for value in values):
        return BadRow(line, "is not UTF-8")
    padded = [*values, *[None] * (len(header) - len(values))]
    return Row(line, {name: value for name, value in zip(header, padded, strict=False) if name})


def _read_parquet(path: Path) -> Iterator[Row | BadRow]:
    number = 0
    with _parquet(path) as table:
        for batch in table.iter_batches(batch_size=_BATCH):
            for values in batch.to_pylist():
                number += 1
                yield Row(number, values)


def _parquet(path: Path):
    """``path`` as an open ``pyarrow.parquet.ParquetFile``."""
    import pyarrow
    import pyarrow.parquet

    try:
        return pyarrow.parquet.ParquetFile(path)
    except pyarrow.ArrowInvalid:
        raise BadInput(
            f"{path.name} is not a Parquet file, or damaged", "Export or download it again."
        ) from None
