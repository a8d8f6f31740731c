"""JSON objects with the line they start on: single lines, arrays, and an object that holds a list."""

import json
import re
from collections.abc import Iterator

from lab_helpers.data.encoding import ESCAPED_BYTE
from lab_helpers.runtime.errors import BadInput

# An object whose only list is one of these is itself a row: one conversation.
_PARTS_OF_A_ROW = {"messages", "conversations", "chosen", "rejected", "prompt", "completion"}
_SPACE = re.compile(r"\s*")
_DECODER = json.JSONDecoder()


class BadJson(Exception):
    """Text that is no JSON object; ``at_end`` says that it only lacks its end."""

    def __init__(self, problem: str, at_end: bool = False):
        self.at_end = at_end
        super().__init__(problem)


def parse_object(text: str) -> dict:
    """``text`` as a JSON object; raises :class:`BadJson`."""
    if not text.isascii() and ESCAPED_BYTE.search(text):
        raise BadJson("is not UTF-8")
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        at_end = error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated string")
        raise BadJson(f"is not JSON ({error.msg}, column {error.colno})", at_end) from None
    except (ValueError, RecursionError):
        raise BadJson("is not JSON that can be read (too deep, or a number too long)") from None
    return _checked(value, text)


def _checked(value, text: str) -> dict:
    if not isinstance(value, dict):
        raise BadJson("is not a JSON object")
    # "\ud83d" alone is valid JSON, but no tokenizer and no file can take half a character.
    if "\\ud" in text or "\\uD" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise BadJson("is not valid Unicode: half of a character (a lone surrogate)") from None
    return value


def json_items(text: str, name: str) -> Iterator[tuple[int, dict | BadJson]]:
    """The objects of a whole JSON file ``text`` with the line each starts on.

    Where the whole file is a single line, the number of the object stands in for the line.

    The file is an array of objects, an object with a single list, or one object, which is a row.
    Raises :class:`BadInput` (with the file's ``name``) when it is none of these.
    """
    start = _after_space(text, 0)
    if start == len(text):
        return
    if text[start] == "{":
        try:
            whole, end = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            raise _unreadable(text, name, error) from None
        if text[end:].strip():
            raise BadInput(
                f"{name} goes on after its JSON object ends (line {_line(text, end)})",
                "For one object a line call the file .jsonl; otherwise put the objects into [ ].",
            )
        lists = [key for key, value in whole.items() if isinstance(value, list)]
        if not lists or set(lists) <= _PARTS_OF_A_ROW:
            yield 1, whole
            return
        if len(lists) > 1:
            raise BadInput(
                f"{name} is an object with {len(lists)} lists ({', '.join(lists)})",
                "Keep only the list of rows, as a JSON array.",
            )
        start = _value_start(text, start, lists[0])
    elif text[start] != "[":
        raise BadInput(
            f"{name} is not JSON (line {_line(text, start)})", "It must be an array of objects."
        )
    one_line = "\n" not in text.strip()
    for number, (line, item) in enumerate(_array_items(text, start), 1):
        yield number if one_line else line, item


def _array_items(text: str, start: int) -> Iterator[tuple[int, dict | BadJson]]:
    position, line, counted = _after_space(text, start + 1), _line(text, start), start
    while position < len(text) and text[position] != "]":
        line, counted = line + text.count("\n", counted, position), position
        try:
            value, end = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            yield line, BadJson("is not JSON; what follows could not be read")
            return
        source = text[position:end]
        try:
            if not source.isascii() and ESCAPED_BYTE.search(source):
                raise BadJson("is not UTF-8")
            yield line, _checked(value, source)
        except BadJson as error:
            yield line, error
        position = _after_space(text, end)
        if position < len(text) and text[position] == ",":
            position = _after_space(text, position + 1)
        elif text[position : position + 1] != "]":
            break
    if text[position : position + 1] != "]":
        cut = "is half-written: the file ends in the middle of it"
        line += text.count("\n", counted, position)
        yield line, BadJson(cut if position >= len(text) else "is not JSON (no comma or bracket)")


def _value_start(text: str, start: int, wanted: str) -> int:
    """Where the value of the member ``wanted`` begins in the (valid) object that starts here."""
    position = start + 1
    while True:
        key, position = _DECODER.raw_decode(text, _after_space(text, position))
        position = _after_space(text, _after_space(text, position) + 1)  # past the colon
        if key == wanted:
            return position
        _, position = _DECODER.raw_decode(text, position)
        position = _after_space(text, position) + 1  # past the comma


def _unreadable(text: str, name: str, error: Exception) -> BadInput:
    if isinstance(error, json.JSONDecodeError):
        where = f"line {error.lineno}, column {error.colno}: {error.msg}"
        if not text[error.pos :].strip():
            where = f"the file ends in the middle, on line {error.lineno}"
    else:
        where = "too deep, or a number too long"
    return BadInput(f"{name} is not JSON ({where})", "Export it again, or mend this line.")


def _after_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1
