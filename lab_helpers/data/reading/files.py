"""Rows of a learner's file, one after another, with the line each one stands on.

The reader never holds a whole JSONL, CSV or Parquet file: 10^6 rows need no more memory than one.
A bad line does not end the reading: it comes as a :class:`BadRow` in its place.
"""

from collections.abc import Iterator
from pathlib import Path

from lab_helpers.data.reading.csv_files import read_csv
from lab_helpers.data.reading.encoding import check_encoding
from lab_helpers.data.reading.json_files import read_json
from lab_helpers.data.reading.not_data import check_start
from lab_helpers.data.reading.parquet_files import count_parquet_rows, read_parquet
from lab_helpers.data.reading.rows import BadRow, Row
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".parquet")
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_BLOCK = 1 << 20


def read_rows(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a .jsonl, .json, .csv, .tsv or .parquet file in order.

    What a file holds decides, not its name: JSON is an object a line, an array, objects over several
    lines, or an object with a single list such as ``data``; a list of turns is a conversation
    (:func:`lab_helpers.data.reading.json_files.read_json`). Text is UTF-8 with or without a byte order mark; CSV
    cells are strings, and None where a row is short (:func:`lab_helpers.data.reading.csv_files.read_csv`). In
    Parquet, and in JSON without line ends, ``line`` is the number of the row.

    Every line is accounted for: it is (part of) a row, or a :class:`BadRow`, or one says that it was left
    unread. Raises :class:`BadInput` when the file as a whole cannot be read: missing, unknown type,
    another encoding, binary, a web page or a pointer in place of the data, without rows.
    """
    path = Path(path)
    empty = True
    for row in _reader(path):
        empty = False
        yield row
    if empty:
        raise BadInput(
            say(f"{path.name} has no rows", f"{path.name} に行がありません"),
            say(
                "Give a file with a header and rows (CSV, TSV) or one JSON object a line (JSONL).",
                "見出しと行のある表（CSV、TSV）か、1 行に JSON オブジェクトが 1 つのファイル（JSONL）を指定してください。",
            ),
        )


def count_lines(path: Path) -> int:
    """About how many rows the file has, for a progress bar: lines, or rows of a Parquet file."""
    path = Path(path)
    try:
        if path.suffix.lower() == ".parquet":
            return count_parquet_rows(path)
        with path.open("rb") as stream:
            return sum(block.count(b"\n") for block in iter(lambda: stream.read(_BLOCK), b""))
    except OSError:
        return 0  # Reading the file will say what is wrong with it.


def _reader(path: Path) -> Iterator[Row | BadRow]:
    if not path.is_file():
        raise BadInput(
            say(f"no such file: {path}", f"ファイルが見つかりません: {path}"),
            say(
                f"Give the path of a {', '.join(SUFFIXES)} file.",
                f"{', '.join(SUFFIXES)} のいずれかのファイルのパスを指定してください。",
            ),
        )
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise BadInput(
            say(
                f"{path.name}: unknown file type '{path.suffix}'",
                f"{path.name}: 「{path.suffix}」という種類のファイルには対応していません",
            ),
            say(
                f"Use one of: {', '.join(SUFFIXES)}. Unpack archives first.",
                f"次のいずれかを指定してください: {', '.join(SUFFIXES)}。圧縮ファイルは先に展開してください。",
            ),
        )
    try:
        check_start(path)
        if suffix == ".parquet":
            yield from read_parquet(path)
            return
        check_encoding(path)
        if suffix in _DELIMITERS:
            yield from read_csv(path, _DELIMITERS[suffix])
        else:
            yield from read_json(path)
    except OSError as error:
        raise BadInput(
            say(
                f"cannot read {path.name} ({error.strerror or error})",
                f"{path.name} を読み取れません（{error.strerror or error}）",
            ),
            say("Check the file's permissions.", "ファイルの権限を確かめてください。"),
        ) from None
