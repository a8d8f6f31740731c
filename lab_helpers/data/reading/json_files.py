"""JSON files: an object a line, an array, pretty-printed objects. The content decides, not the suffix."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from lab_helpers.data.reading.json_documents import read_document
from lab_helpers.data.reading.json_values import BadJson, Decoder, check_utf8, turns_column
from lab_helpers.data.reading.not_data import check_object, check_only_object
from lab_helpers.data.reading.rows import BadRow, Row
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

_FIRST = 5


class _Start(NamedTuple):
    """The first two lines that are not empty."""

    first: str
    second: str


def read_json(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a UTF-8 .json or .jsonl file.

    Read are an object a line, an array, objects printed over several lines, and an object with a single
    list such as ``data`` or the ``rows`` of the hub's viewer. A list of turns is a conversation: on a line
    of its own, in an array, or as the whole file. Only files that are one document are held in memory.

    Raises :class:`BadInput` when the first lines show that it is something else.
    """
    start = _start(path)
    if not start.first:
        return
    if not start.second and isinstance(only := _value(start.first)[0], dict):
        check_only_object(only, path.name)
    text = _document(path, start)
    found = _read_lines(path) if text is None else read_document(text, path.name)
    yield from _checked(found, path.name)


def _document(path: Path, start: _Start) -> str | None:
    """The whole text where the file is one document, None where each line is a value."""
    suffix = path.suffix.lower()
    if not _is_document(start, suffix):
        return None
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    if suffix == ".jsonl" and text.lstrip().startswith("{"):
        try:
            Decoder().decode(text.lstrip())
        except BadJson:
            return None  # Lines after all, of which the first is broken.
    return text


def _start(path: Path) -> _Start:
    with _opened(path) as lines:
        filled = list(islice((line for line in lines if line.strip()), 2))
    return _Start(*filled, *[""] * (2 - len(filled)))


def _opened(path: Path):
    # newline="": a carriage return ends a line too. Inside a JSON text it is always escaped, as
    # U+2028 need not be.
    return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def _is_document(start: _Start, suffix: str) -> bool:
    """Whether the lines are parts of one whole, and not each a value by itself."""
    first = start.first.strip()
    if not first.startswith(("[", "{")):
        return suffix == ".json" and not _is_value(start.second)
    value, error = _value(first)
    if error is None:
        rows = isinstance(value, list) and not turns_column(value)
        if start.second:
            return rows and suffix == ".json"
        return rows or suffix == ".json" or _is_viewed(value)
    if _is_value(start.second):
        # A line that is cut off ends anywhere, one of an array where an entry or a bracket does.
        return first.startswith("[") and first.endswith(("[", "{", "}", ","))
    broken_off = error.at_end and bool(start.second)
    return suffix == ".json" or broken_off or first.startswith("[") or _holds_several(first)


def _holds_several(line: str) -> bool:
    """Whether objects stand one directly after another on ``line``."""
    try:
        _, end = Decoder().decode(line)
    except BadJson:
        return False
    return line[end:].lstrip().startswith("{")


def _is_viewed(value) -> bool:
    """Whether ``value`` is an answer of the hub's viewer: ``{"rows": [{"row": …}, …], …}``."""
    rows = value.get("rows") if isinstance(value, dict) else None
    return isinstance(rows, list) and all(isinstance(one, dict) and "row" in one for one in rows)


def _is_value(line: str) -> bool:
    return bool(line.strip()) and _value(line)[1] is None


def _value(line: str):
    """What stands on ``line``, and None or what is wrong with it."""
    line = line.strip()
    try:
        value, end = Decoder().decode(line)
    except BadJson as error:
        return None, error
    return value, BadJson("goes on") if line[end:] else None


def _read_lines(path: Path) -> Iterator[tuple[Row | BadRow, str]]:
    decoder = Decoder()
    with _opened(path) as lines:
        for number, line in enumerate(lines, 1):
            text = line.strip().lstrip("\ufeff")
            if not text:
                continue
            try:
                check_utf8(text)
                value, end = decoder.decode(text)
                if text[end:]:
                    raise _goes_on(text, end)
                row = decoder.row(value, text)
                if number == 1:
                    check_object(row, path.name)
                yield Row(number, row), ""
            except BadJson as error:
                cut = error.at_end and text.startswith("{") and not line.endswith(("\n", "\r"))
                problem = (
                    say(
                        "is not JSON: it is half-written, the file ends in the middle of it",
                        "JSON ではありません（途中で切れており、ファイルがこの行の途中で終わっています）",
                    )
                    if cut
                    else str(error)
                )
                yield BadRow(number, problem), error.fix


def _goes_on(text: str, end: int) -> BadJson:
    if text[end:].strip() == ",":
        return BadJson(
            say(
                "is not JSON (a comma after the object)",
                "JSON ではありません（オブジェクトの後にコンマがあります）",
            ),
            fix=say(
                "Take the commas at the line ends away, or put [ and ] around it all (.json).",
                "行末のコンマを取り除くか、全体を [ と ] で囲んでください（.json）。",
            ),
        )
    return BadJson(
        say(
            f"is not JSON (Extra data, column {end + 1})",
            f"JSON ではありません（余分なデータ、{end + 1} 文字目）",
        )
    )


def _checked(found: Iterator[tuple[Row | BadRow, str]], name: str) -> Iterator[Row | BadRow]:
    """The rows of ``found``; where the first ones all have the same certain mistake, it is the file's."""
    first = list(islice(found, _FIRST))
    fixes = {fix for _, fix in first}
    if len(fixes) == 1 and (fix := fixes.pop()):
        row = first[0][0]
        if isinstance(row, BadRow):
            raise BadInput(
                say(
                    f"{name} has no row that can be read: line {row.line} {row.problem}",
                    f"{name} に読み取れる行がありません（{row.line} 行目: {row.problem}）",
                ),
                fix,
            )
    yield from (row for row, _ in first)
    yield from (row for row, _ in found)
