"""The columns by which each shape of fine-tuning data is known, and those that say something beside it."""

import json
from functools import lru_cache

from lab_helpers.runtime.errors import BadInput

SHAPES = {
    "alpaca": "instruction, input (may be absent), output",
    "sharegpt": "conversations: a list of {from, value}",
    "openai-chat": "messages: a list of {role, content}",
    "prompt-completion": "prompt, completion (or response): texts or message lists",
    "preference": "prompt (may be absent), chosen, rejected: texts or message lists",
    "question-answer": "question, answer (or 質問, 回答; 問い合わせ, 返信; Q, A; input, output)",
}
PAIRS = (
    ("question", "answer"),
    ("質問", "回答"),
    ("問い合わせ", "返信"),
    ("質問文", "回答文"),
    ("問い", "答え"),
    ("q", "a"),
    ("input", "output"),
    ("question", "answers"),
)
# meaning -> the names that published sets give it; the first that a row has is taken.
_NEEDED: dict[str, dict[str, tuple[str, ...]]] = {
    "alpaca": {"instruction": ("instruction",), "output": ("output", "response")},
    "sharegpt": {"conversations": ("conversations",)},
    "openai-chat": {"messages": ("messages",)},
    "prompt-completion": {"prompt": ("prompt",), "completion": ("completion", "response")},
    "preference": {
        "chosen": ("chosen", "preferred_output"),
        "rejected": ("rejected", "non_preferred_output"),
    },
}
_QUESTIONS = tuple(question for question, _ in PAIRS[:6])
_OPTIONAL: dict[str, dict[str, tuple[str, ...]]] = {
    "alpaca": {"input": ("input", "context")},
    "preference": {
        "prompt": ("prompt", "instruction", *_QUESTIONS, "messages", "conversations", "input")
    },
}
BESIDE = ("system", "history", "context", "tools")
"""Columns of any shape that are used beside its own: they become turns, or tools of the template."""

_LISTS = ("conversations", "messages")
_TURN_KEYS = {"sharegpt": ("from", "value"), "openai-chat": ("role", "content")}
_MAY_BE_MESSAGES = ("prompt-completion", "preference")
_MISSING_TEXTS = ("nan", "none", "null")


def check_shape_name(shape: str) -> None:
    """Raise :class:`BadInput` for a name that is no shape."""
    if shape not in SHAPES:
        raise BadInput(f"unknown shape '{shape}'", f"Use one of: {', '.join(SHAPES)}.")


def is_absent(value) -> bool:
    """Whether an optional cell says nothing: None, NaN, False, an empty text, list or object."""
    return not value or value != value or (isinstance(value, str) and not value.strip())


def decode_cell(value):
    """A table's cell that holds a JSON list or object as that; anything else as it is."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            decoded = json.loads(value)
        except (ValueError, RecursionError):
            return value
        holds_turns = isinstance(decoded, list) and decoded and isinstance(decoded[0], dict)
        return decoded if holds_turns or isinstance(decoded, dict) else value
    return value


def columns_of(row: dict, shape: str) -> dict[str, str]:
    """Which columns of ``row`` the shape uses: meaning -> name. Absent ones are left out.

    Names are compared without regard to case and surrounding spaces.
    """
    return _columns(tuple(row), shape)


def columns_beside(row: dict, shape: str) -> dict[str, str]:
    """Which other columns of ``row`` become part of the conversation: one of :data:`BESIDE` -> name."""
    return {name: column for name, column in _beside(tuple(row), shape).items() if not is_absent(row[column])}  # fmt: skip


def unused_columns(row: dict, shape: str) -> list[str]:
    """The columns of ``row`` that say something and that nothing of the conversation comes from."""
    used = {*columns_of(row, shape).values(), *_beside(tuple(row), shape).values()}
    return [str(name) for name, value in row.items() if name not in used and not is_absent(value)]


# Every row of a file asks, and nearly all have the same columns.
@lru_cache(maxsize=1024)
def _columns(row: tuple[str, ...], shape: str) -> dict[str, str]:
    names = _by_plain_name(row)
    if shape == "question-answer":
        # A complete pair wins over half a one.
        best = max(PAIRS, key=lambda pair: sum(name in names for name in pair))
        meanings = zip(("question", "answer"), best, strict=True)
        return {meaning: names[name] for meaning, name in meanings if name in names}
    wanted = _NEEDED[shape] | _OPTIONAL.get(shape, {})
    found = {}
    for meaning, candidates in wanted.items():
        if name := next((name for name in candidates if name in names), None):
            found[meaning] = names[name]
    if found.get("prompt") and found["prompt"] == names.get("instruction"):
        found |= {"input": names["input"]} if "input" in names else {}
    return found


@lru_cache(maxsize=1024)
def _beside(row: tuple[str, ...], shape: str) -> dict[str, str]:
    names, own = _by_plain_name(row), set(_columns(row, shape).values())
    return {name: names[name] for name in BESIDE if name in names and names[name] not in own}


def _by_plain_name(row: tuple[str, ...]) -> dict[str, str]:
    return {str(name).strip().lower(): name for name in row}


def missing_columns(row: dict, shape: str) -> list[str]:
    """The columns that ``shape`` needs and ``row`` lacks (or has as None)."""
    columns = columns_of(row, shape)
    needed = _NEEDED.get(shape, ("question", "answer"))
    return [name for name in needed if name not in columns or row[columns[name]] is None]


def shapes_of(row: dict) -> list[str]:
    """Every shape whose columns ``row`` has, with values of the right type.

    Two answers, a better and a worse one, are a preference whatever stands beside them: the ``output``
    or the ``messages`` of such a row repeat one of the two, and must not be learned as an answer.
    """
    found = [
        shape for shape in SHAPES if not missing_columns(row, shape) and _types_fit(row, shape)
    ]
    if "preference" in found:
        return ["preference"]
    names = set(_by_plain_name(tuple(row)))
    pairs = [pair for pair in PAIRS if set(pair) <= names]
    if "alpaca" in found and "question-answer" in found and pairs == [("input", "output")]:
        found.remove("question-answer")  # Alpaca's own two columns, not a pair beside it.
    return found


def _types_fit(row: dict, shape: str) -> bool:
    columns = columns_of(row, shape)
    for name in _NEEDED.get(shape, ("question", "answer")):
        value = row[columns[name]]
        if name in _LISTS or shape in _MAY_BE_MESSAGES:
            value = decode_cell(value)
        if shape in _TURN_KEYS:
            # An empty list is a bad row, not another shape.
            if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
                return False
            who, what = _TURN_KEYS[shape]
            if value and not any(who in turn or what in turn for turn in value):
                return False
        elif shape == "question-answer" and columns[name].strip().lower() == "answers":
            if not isinstance(value, dict | list):
                return False
        elif not isinstance(value, str) and not (
            shape in _MAY_BE_MESSAGES and isinstance(value, list | dict)
        ):
            return False
    return True
