"""One JSON value: decoded, and as a row, or what it is instead of one."""

import json
import re
from typing import Any

from lab_helpers.data.reading.encoding import ESCAPED_BYTE

# What the hub's viewer puts around a row.
_WRAPPED = {"row", "row_idx", "truncated_cells"}
_TURNS = (("role", "content", "messages"), ("from", "value", "conversations"))
_ASKS, _ANSWERS = {"user", "human"}, {"assistant", "gpt", "bot", "model", "chatgpt", "bard"}
_PYTHON = re.compile(r"'|None\b|True\b|False\b|u'")
_LAST_COMMA = re.compile(r",?\s*[}\]]")
_DUMPS = "Write each row with json.dumps(row, ensure_ascii=False)."


class BadJson(Exception):
    """Text that is no row; ``at_end`` says that it only lacks its end.

    With a ``fix`` the kind of mistake is certain: where the first lines of a file all make it, it is
    the file's.
    """

    def __init__(self, problem: str, at_end: bool = False, fix: str = ""):
        self.at_end, self.fix = at_end, fix
        super().__init__(problem)


class Decoder:
    """Decodes JSON values and notices names that stand twice in one object, of which JSON keeps the last."""

    def __init__(self):
        self._twice = ""
        self._json = json.JSONDecoder(object_pairs_hook=self._object)

    def decode(self, text: str, position: int = 0) -> tuple[Any, int]:
        """The value that begins at ``position``, and where it ends. Raises :class:`BadJson`."""
        self._twice = ""
        try:
            return self._json.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise _not_json(text, position, error) from None
        except (ValueError, RecursionError):
            raise BadJson("is not JSON that can be read (too deep, or a number too long)") from None

    def row(self, value: Any, source: str) -> dict:
        """``value``, just decoded from ``source``, as a row. Raises :class:`BadJson`."""
        check_utf8(source)
        if self._twice:
            raise BadJson(f"has '{self._twice}' twice in one object")
        row = as_row(value)
        # "\\ud83d" alone is valid JSON, but no tokenizer and no file can take half a character.
        if "\\ud" in source or "\\uD" in source:
            try:
                json.dumps(row, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                raise BadJson(
                    "is not valid Unicode: half of a character (a lone surrogate)"
                ) from None
        return row

    def _object(self, pairs: list[tuple[str, Any]]) -> dict:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            self._twice = next(name for name in names if names.count(name) > 1)
        return found


def check_utf8(text: str) -> None:
    """Raise :class:`BadJson` when a byte of ``text`` was not UTF-8 (read with surrogateescape)."""
    if not text.isascii() and ESCAPED_BYTE.search(text):
        raise BadJson("is not UTF-8")


def as_row(value: Any) -> dict:
    """``value`` if it is an object; a list of turns becomes a conversation, a wrapped row is unwrapped.

    Raises :class:`BadJson` that says what it is instead.
    """
    if isinstance(value, dict):
        if "row" in value and isinstance(value["row"], dict) and set(value) <= _WRAPPED:
            if cut := value.get("truncated_cells"):
                raise BadJson(f"was cut by the viewer it comes from (cells: {cut})")
            return value["row"]
        return value
    if name := turns_column(value):
        return {name: value}
    raise BadJson(f"is not a JSON object but {_kind(value)}", fix=_way_out(value))


def turns_column(value: Any) -> str | None:
    """``"messages"`` or ``"conversations"`` when ``value`` is a list of such turns, else None."""
    if isinstance(value, list) and value:
        for who, what, name in _TURNS:
            if all(isinstance(turn, dict) and who in turn and what in turn for turn in value):
                return name
    return None


def is_turn(value: Any) -> bool:
    """Whether ``value`` is one turn: {role, content} or {from, value}."""
    return turns_column([value]) is not None


def is_one_conversation(turns: list[dict]) -> bool:
    """Whether user and assistant take turns, after a system turn or none."""
    roles = [str(turn.get("role", turn.get("from"))).lower() for turn in turns]
    if roles and roles[0] == "system":
        roles = roles[1:]
    return bool(roles) and all(
        role in (_ANSWERS if number % 2 else _ASKS) for number, role in enumerate(roles)
    )


def _kind(value: Any) -> str:
    if isinstance(value, list):
        if not value:
            return "an empty list"
        return f"a list of {len(value)} {_plural(value[0])}"
    if isinstance(value, str):
        held = value.lstrip().startswith("{") and value.rstrip().endswith("}")
        return "a text that holds one (it went through json.dumps twice)" if held else "a text"
    return (
        "null" if value is None else "a number" if not isinstance(value, bool) else "true or false"
    )


def _plural(value: Any) -> str:
    if isinstance(value, dict | list):
        return "objects" if isinstance(value, dict) else "lists"
    return "texts" if isinstance(value, str) else "values"


def _way_out(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "Put each object on a line of its own (.jsonl), or all into one array (.json)."
    if isinstance(value, str):
        return _DUMPS
    return 'Name the columns: {"question": …, "answer": …} for each row.'


def _not_json(text: str, position: int, error: json.JSONDecodeError) -> BadJson:
    """What is wrong with the value that begins at ``position``, by name where it is a usual mistake."""
    at_end = error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated string")
    where = f"column {error.colno}"
    if text.count("\n", position, error.pos):
        where = f"line {error.lineno}, {where}"
    if _PYTHON.match(text, error.pos):
        return BadJson("is not JSON but Python (single quotes, None or True)", fix=_DUMPS)
    if _LAST_COMMA.match(text, error.pos) and "," in (
        text[error.pos],
        text[max(0, error.pos - 200) : error.pos].rstrip()[-1:],
    ):
        return BadJson(
            f"is not JSON (a comma before a closing bracket, {where})",
            fix="Take that comma away: JSON allows none there.",
        )
    if text[error.pos : error.pos + 1] in ("“", "”"):
        return BadJson(
            f"is not JSON (curly quotation marks, {where})",
            fix='Replace “ and ” by " around names and values; a word processor changed them.',
        )
    return BadJson(f"is not JSON ({error.msg}, {where})", at_end)
