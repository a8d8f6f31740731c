"""What a single cell says: nothing, a number, turns written as JSON, or how Python would print them."""

import json
import re
import sys
import unicodedata
from typing import Any

# What pandas, databases and spreadsheets write where there is no value. "none" in small letters is a
# word of the language, and "N/A" is what a person writes: both stay texts.
MISSING_TEXTS = {"nan", "NaN", "NAN", "None", "null", "NULL", "Null", "<NA>", "NaT"} | {
    "#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NUM!", "#NULL!"
}  # fmt: skip
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d{1,9})?")
_WHO, _WHAT = {"role", "from"}, {"content", "value", "tool_calls", "function_call"}
_PYTHON_TURNS = re.compile(r"\s*\[?\s*\{\s*'(?:role|from|content|value)'\s*:")


def is_missing_text(value: Any) -> bool:
    """Whether the whole cell is one of :data:`MISSING_TEXTS`; in a longer text they are words."""
    return isinstance(value, str) and value.strip() in MISSING_TEXTS


def says_nothing(value: Any) -> bool:
    """Whether a cell is None, NaN, an empty text, list or object, or stands for a missing value.

    False and 0 say something.
    """
    if value is None or value != value or is_missing_text(value):
        return True
    return not value.strip() if isinstance(value, str) else isinstance(value, list | dict) and not value  # fmt: skip


def is_absent(value: Any) -> bool:
    """Whether an optional cell is to be taken as not there: it says nothing, or False."""
    return value is False or says_nothing(value)


def read_number(value: Any) -> float | None:
    """A number, or a text that is one (in any width); None for anything else, NaN among it.

    One that no float can hold becomes the largest that there is.
    """
    if isinstance(value, str):
        text = unicodedata.normalize("NFKC", value).strip()
        if not _NUMBER.fullmatch(text):
            return None
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    largest = sys.float_info.max
    return float(max(-largest, min(largest, value)))


def decode_list(value: Any) -> Any:
    """The cell of a column that can only hold turns: its JSON list or object; else as it is."""
    return _decode(value, lambda found: isinstance(found, dict) or _is_list_of_objects(found))


def decode_turns(value: Any) -> Any:
    """A table's cell that holds turns as JSON, as those; any other text, JSON among it, as it is.

    An answer may be JSON itself: only objects that name a speaker and what was said are turns.
    """
    return _decode(value, _are_turns)


def decode_request(value: Any) -> Any:
    """The same of a prompt's cell, which may also be OpenAI's ``{"messages": [turns], "tools": …}``."""
    return _decode(value, lambda found: _are_turns(found) or (isinstance(found, dict) and _are_turns(found.get("messages"))))  # fmt: skip


def is_printed_by_python(value: Any) -> bool:
    """Whether a text is a list of turns as Python prints it, in single quotes: no JSON."""
    return isinstance(value, str) and _PYTHON_TURNS.match(value) is not None


def _decode(value: Any, wanted: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError):
            return value
        return decoded if wanted(decoded) else value
    return value


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _are_turns(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(_is_turn(turn) for turn in value)
    return _is_turn(value)


def _is_turn(value: Any) -> bool:
    return isinstance(value, dict) and bool(_WHO & value.keys()) and bool(_WHAT & value.keys())
