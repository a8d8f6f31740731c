"""One JSON value: decoded, and as a row, or what it is instead of one."""

import json
import re
from typing import Any

from lab_helpers.data.reading.encoding import ESCAPED_BYTE
from lab_helpers.runtime.language import Text, say

# What the hub's viewer puts around a row.
_WRAPPED = {"row", "row_idx", "truncated_cells"}
_TURNS = (("role", "content", "messages"), ("from", "value", "conversations"))
_ASKS, _ANSWERS = {"user", "human"}, {"assistant", "gpt", "bot", "model", "chatgpt", "bard"}
_PYTHON = re.compile(r"'|None\b|True\b|False\b|u'")
_LAST_COMMA = re.compile(r",?\s*[}\]]")
_DUMPS = Text(
    "Write each row with json.dumps(row, ensure_ascii=False).",
    "各行を json.dumps(row, ensure_ascii=False) で書いてください。",
)


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
            raise BadJson(
                say(
                    "is not JSON that can be read (too deep, or a number too long)",
                    "JSON として読み取れません（入れ子が深すぎるか、数値が長すぎます）",
                )
            ) from None

    def row(self, value: Any, source: str) -> dict:
        """``value``, just decoded from ``source``, as a row. Raises :class:`BadJson`."""
        check_utf8(source)
        if self._twice:
            raise BadJson(
                say(
                    f"has '{self._twice}' twice in one object",
                    f"1 つのオブジェクトに「{self._twice}」が 2 回あります",
                )
            )
        row = as_row(value)
        # "\\ud83d" alone is valid JSON, but no tokenizer and no file can take half a character.
        if "\\ud" in source or "\\uD" in source:
            try:
                json.dumps(row, ensure_ascii=False).encode()
            except UnicodeEncodeError:
                raise BadJson(
                    say(
                        "is not valid Unicode: half of a character (a lone surrogate)",
                        "Unicode として正しくありません（1 文字の半分だけがあります。孤立したサロゲート）",
                    )
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
        raise BadJson(say("is not UTF-8", "UTF-8 ではありません"))


def as_row(value: Any) -> dict:
    """``value`` if it is an object; a list of turns becomes a conversation, a wrapped row is unwrapped.

    Raises :class:`BadJson` that says what it is instead.
    """
    if isinstance(value, dict):
        if "row" in value and isinstance(value["row"], dict) and set(value) <= _WRAPPED:
            if cut := value.get("truncated_cells"):
                raise BadJson(
                    say(
                        f"was cut by the viewer it comes from (cells: {cut})",
                        f"書き出し元のビューアーで途中まで切られています（セル: {cut}）",
                    )
                )
            return value["row"]
        return value
    if name := turns_column(value):
        return {name: value}
    raise BadJson(
        say(
            f"is not a JSON object but {_kind(value)}",
            f"JSON オブジェクトではなく、{_kind(value)}です",
        ),
        fix=_way_out(value),
    )


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
            return say("an empty list", "空のリスト")
        return say(
            f"a list of {len(value)} {_plural(value[0])}",
            f"{len(value)} 個の{_plural(value[0])}のリスト",
        )
    if isinstance(value, str):
        held = value.lstrip().startswith("{") and value.rstrip().endswith("}")
        return (
            say(
                "a text that holds one (it went through json.dumps twice)",
                "オブジェクトを含む文字列（json.dumps を 2 回通したもの）",
            )
            if held
            else say("a text", "文字列")
        )
    return (
        "null"
        if value is None
        else say("a number", "数値")
        if not isinstance(value, bool)
        else say("true or false", "真偽値")
    )


def _plural(value: Any) -> str:
    if isinstance(value, dict | list):
        return say("objects", "オブジェクト") if isinstance(value, dict) else say("lists", "リスト")
    return say("texts", "文字列") if isinstance(value, str) else say("values", "値")


def _way_out(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return say(
            "Put each object on a line of its own (.jsonl), or all into one array (.json).",
            "オブジェクトを 1 行に 1 つずつ書くか（.jsonl）、全体を 1 つの配列にしてください（.json）。",
        )
    if isinstance(value, str):
        return str(_DUMPS)
    return say(
        'Name the columns: {"question": …, "answer": …} for each row.',
        '各行に列の名前を付けてください: {"question": …, "answer": …}。',
    )


def _not_json(text: str, position: int, error: json.JSONDecodeError) -> BadJson:
    """What is wrong with the value that begins at ``position``, by name where it is a usual mistake."""
    at_end = error.pos >= len(text.rstrip()) - 1 or error.msg.startswith("Unterminated string")
    where = say(f"column {error.colno}", f"{error.colno} 文字目")
    if text.count("\n", position, error.pos):
        where = say(f"line {error.lineno}, {where}", f"{error.lineno} 行目の {where}")
    if _PYTHON.match(text, error.pos):
        return BadJson(
            say(
                "is not JSON but Python (single quotes, None or True)",
                "JSON ではなく Python の書き方です（単一引用符、None、True など）",
            ),
            fix=str(_DUMPS),
        )
    if _LAST_COMMA.match(text, error.pos) and "," in (
        text[error.pos],
        text[max(0, error.pos - 200) : error.pos].rstrip()[-1:],
    ):
        return BadJson(
            say(
                f"is not JSON (a comma before a closing bracket, {where})",
                f"JSON ではありません（閉じ括弧の前にコンマがあります、{where}）",
            ),
            fix=say(
                "Take that comma away: JSON allows none there.",
                "そのコンマを取り除いてください。JSON ではその位置にコンマを置けません。",
            ),
        )
    if text[error.pos : error.pos + 1] in ("“", "”"):
        return BadJson(
            say(
                f"is not JSON (curly quotation marks, {where})",
                f"JSON ではありません（曲がった引用符があります、{where}）",
            ),
            fix=say(
                'Replace “ and ” by " around names and values; a word processor changed them.',
                '名前と値を囲む “ と ” を " に置き換えてください。ワープロソフトが書き換えたものです。',
            ),
        )
    return BadJson(
        say(f"is not JSON ({error.msg}, {where})", f"JSON ではありません（{error.msg}、{where}）"),
        at_end,
    )
