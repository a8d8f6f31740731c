"""A JSON file that is one whole: an array, an object that holds one, or objects one after another."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from lab_helpers.data.reading.json_values import (
    BadJson,
    Decoder,
    is_one_conversation,
    is_turn,
    turns_column,
)
from lab_helpers.data.reading.not_data import check_object, check_only_object
from lab_helpers.data.reading.rows import BadRow, Row, left_unread
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

# An object whose only lists are these is itself a row: one conversation.
_PARTS_OF_A_ROW = {
    *("messages", "conversations", "chosen", "rejected", "prompt", "completion"),
    "tools",
}
_SPACE = re.compile(r"\s*")


class _Item(NamedTuple):
    """An entry of an array or sequence: a row, or what is wrong with it."""

    line: int
    value: dict | BadJson
    unread: int = 0


def read_document(text: str, name: str) -> Iterator[tuple[Row | BadRow, str]]:
    """The rows of a whole JSON file ``text``, each with a way out where its mistake is certain.

    ``line`` is where a row begins; where the whole file is a single line, the number of the object stands
    in for it. After an entry that cannot be read the next one is found by its indentation; what is left
    unread is said. Raises :class:`BadInput` (with the file's ``name``) when ``text`` holds no rows.
    """
    document = _Document(text, name)
    items = document.items()
    first = next(items, None)
    if first is None:
        return
    check_object(first.value, name)
    if document.is_array and is_turn(first.value):
        whole = [first, *items]
        turns = [item.value for item in whole if isinstance(item.value, dict)]
        column = turns_column(turns)
        if column and len(turns) == len(whole) and is_one_conversation(turns):
            yield Row(first.line, {column: turns}), ""
            return
        items = iter(whole[1:])
    one_line = "\n" not in text.strip()
    for number, item in enumerate(_chained(first, items), 1):
        line = number if one_line else item.line
        if isinstance(item.value, BadJson):
            yield BadRow(line, str(item.value), item.unread), item.value.fix
        else:
            yield Row(line, item.value), ""


def _chained(first: _Item, rest: Iterator[_Item]) -> Iterator[_Item]:
    yield first
    yield from rest


class _Document:
    """A text with its place in it, and the line of that place."""

    def __init__(self, text: str, name: str):
        self.is_array = False
        self._text, self._name = text, name
        self._decoder = Decoder()
        self._line, self._counted = 1, 0
        self._indent: str | None = None
        self._end = len(text.rstrip())

    def items(self) -> Iterator[_Item]:
        """The entries of the array, of the object's list, or the objects one after another."""
        text = self._text
        start = self._after_space(0)
        if start == len(text):
            return
        if text[start] == "[":
            self.is_array = True
            yield from self._array(start)
        elif text[start] == "{":
            yield from self._objects(start)
        else:
            raise BadInput(
                say(
                    f"{self._name} is not JSON (line {self._line_at(start)} begins with "
                    f"{text[start : start + 20]!r})",
                    f"{self._name} は JSON ではありません（{self._line_at(start)} 行目が {text[start : start + 20]!r} で始まっています）",
                ),
                say(
                    "Name the file by what it holds: .csv, .tsv, .jsonl, or .json for an array of objects.",
                    "拡張子を中身に合わせてください: .csv、.tsv、.jsonl。オブジェクトの配列なら .json。",
                ),
            )

    def _objects(self, start: int) -> Iterator[_Item]:
        text = self._text
        try:
            whole, end = self._decoder.decode(text, start)
        except BadJson as error:
            raise self._unreadable(error) from None
        after = self._after_space(end)
        if text[after : after + 1] == "{":
            yield from self._entries(start, "")
            return
        if after < len(text):
            comma = text[after] == ","
            raise BadInput(
                say(
                    f"{self._name} goes on after its JSON object ends (line {self._line_at(after)})",
                    f"{self._name} には JSON オブジェクトが終わった後にも続きがあります（{self._line_at(after)} 行目）",
                )
                + (
                    say(
                        ": its objects stand between commas, without brackets",
                        "。オブジェクトがコンマで区切られていますが、角括弧で囲まれていません",
                    )
                    if comma
                    else ""
                ),
                say(
                    "Put [ and ] around the objects, or write one object a line (.jsonl).",
                    "全体を [ と ] で囲むか、1 行にオブジェクトを 1 つずつ書いてください（.jsonl）。",
                ),
            )
        check_only_object(whole, self._name)
        rows = self._list_of_rows(whole)
        if rows is None:
            try:
                yield _Item(self._line_at(start), self._decoder.row(whole, text[start:end]))
            except BadJson as error:
                yield self._skipped(start, end, error)
            return
        yield from self._array(self._value_start(start, rows))

    def _list_of_rows(self, whole: dict) -> str | None:
        """Which member of an object that is the whole file holds the rows, if it is not itself one."""
        lists = [
            key
            for key, value in whole.items()
            if isinstance(value, list) and (not value or isinstance(value[0], dict | list))
        ]
        if not lists or set(lists) <= _PARTS_OF_A_ROW:
            return None
        if "rows" in lists and set(lists) <= {"rows", "features"}:
            return "rows"
        if len(lists) > 1:
            raise BadInput(
                say(
                    f"{self._name} is an object with {len(lists)} lists ({', '.join(lists)})",
                    f"{self._name} はリストを {len(lists)} 個（{', '.join(lists)}）持つオブジェクトです",
                ),
                say(
                    "Keep only the list of rows, as a JSON array.",
                    "行のリストだけを JSON 配列として残してください。",
                ),
            )
        return lists[0]

    def _array(self, start: int) -> Iterator[_Item]:
        """The entries of the array that begins at ``start``, and of arrays directly after it."""
        text = self._text
        while True:
            end = yield from self._entries(self._after_space(start + 1), "]")
            start = self._after_space(end)
            if not self.is_array or start >= len(text):
                return
            if text[start] != "[":
                yield self._rest(
                    start, say("goes on after the array ends", "配列が終わった後にも続きがあります")
                )
                return

    def _entries(self, position: int, closing: str):
        """The entries from ``position`` to ``closing`` (or the end); returns where that is behind."""
        text = self._text
        while position < len(text) and text[position] != closing:
            item, position = self._entry(position)
            yield item
            if closing and text[position : position + 1] == ",":
                position = self._after_space(position + 1)
        if closing and position == len(text):
            yield _Item(
                self._line_at(self._end),
                BadJson(
                    say(
                        "is half-written: the file ends before its closing bracket",
                        "途中で切れています（閉じ括弧の前でファイルが終わっています）",
                    )
                ),
            )
        return position + 1

    def _entry(self, position: int) -> tuple[_Item, int]:
        """The entry at ``position``, and where to read on: behind the text where nothing can be read."""
        try:
            value, end = self._decoder.decode(self._text, position)
        except BadJson as error:
            following = self._next_entry(position)
            if following is None:
                return self._rest(position, str(error), error), len(self._text) + 1
            return self._skipped(position, following, error), following
        self._learn_indent(position, end)
        try:
            row = self._decoder.row(value, self._text[position:end])
            return _Item(self._line_at(position), row), self._after_space(end)
        except BadJson as error:
            # A list that lacks its bracket goes on over the entries after it.
            inside = self._next_entry(position)
            if inside is not None and inside < end:
                return self._skipped(position, inside, error), inside
            return self._skipped(position, end, error), self._after_space(end)

    def _rest(self, position: int, problem: str, error: BadJson | None = None) -> _Item:
        """From ``position`` on nothing can be read."""
        line = self._line_at(position)
        unread = self._text.count("\n", position, self._end)
        if error and error.at_end and not unread:
            return _Item(
                line,
                BadJson(
                    say(
                        "is half-written: the file ends in the middle of it",
                        "途中で切れています（この行の途中でファイルが終わっています）",
                    )
                ),
            )
        behind = left_unread(unread)
        if not unread and self._end - position > 1:
            behind = say(
                f"; from there on {self._end - position} characters were left unread",
                f"。この後の {self._end - position} 文字は読んでいません",
            )
        return _Item(line, BadJson(problem + behind, fix=error.fix if error else ""), unread)

    def _skipped(self, position: int, following: int, error: BadJson) -> _Item:
        """The entry at ``position`` is no row; reading goes on at ``following``."""
        line = self._line_at(position)
        before = len(self._text[position:following].rstrip())
        unread = self._text.count("\n", position, position + before)
        return _Item(line, BadJson(f"{error}{left_unread(unread)}", fix=error.fix), unread)

    def _next_entry(self, position: int) -> int | None:
        """Where a later line begins that is indented as entries are, or None where they cannot be told."""
        text = self._text
        indent = self._indent
        if indent is None:
            # No entry was read yet. If this one ends on its line, so do the others.
            line = text[text.rfind("\n", 0, position) + 1 :].split("\n", 1)[0]
            if not line.rstrip().endswith(("}", "},")) or not line.lstrip().startswith("{"):
                return None
            indent = line[: len(line) - len(line.lstrip())]
        found = re.compile(f"\n{indent}(?=[{{\\[])").search(text, position)
        return found.end() if found else None

    def _learn_indent(self, position: int, end: int) -> None:
        """How far entries are indented, unless lines inside of one begin in the same way."""
        before = self._text[self._text.rfind("\n", 0, position) + 1 : position]
        if self._indent is None and not before.strip(" \t["):
            indent = "" if "[" in before else before
            if not re.compile(f"\n{indent}[{{\\[]").search(self._text, position, end):
                self._indent = indent

    def _value_start(self, start: int, wanted: str) -> int:
        """Where the value of the member ``wanted`` begins in the (valid) object that starts here."""
        position = start + 1
        while True:
            key, position = self._decoder.decode(self._text, self._after_space(position))
            position = self._after_space(self._after_space(position) + 1)  # past the colon
            if key == wanted:
                return position
            _, position = self._decoder.decode(self._text, position)
            position = self._after_space(position) + 1  # past the comma

    def _unreadable(self, error: BadJson) -> BadInput:
        if error.at_end:
            line = self._line_at(self._end)
            return BadInput(
                say(
                    f"{self._name} is not JSON (the file ends in the middle, on line {line})",
                    f"{self._name} は JSON として不完全です（{line} 行目の途中でファイルが終わっています）",
                ),
                say("Export it again.", "もう一度書き出してください。"),
            )
        return BadInput(
            say(f"{self._name} {error}", f"{self._name}: {error}"),
            error.fix
            or say(
                "Export it again, or mend this line.",
                "もう一度書き出すか、この行を直してください。",
            ),
        )

    def _after_space(self, position: int) -> int:
        found = _SPACE.match(self._text, position)
        return found.end() if found else position

    def _line_at(self, position: int) -> int:
        """The line of ``position``, counted on from the last one asked for where it lies behind it."""
        if position < self._counted:
            self._line, self._counted = 1, 0
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        return self._line
