"""The columns by which each shape of fine-tuning data is known, and those that say something beside it."""

from functools import lru_cache

from lab_helpers.data.forms.cells import decode_list, is_absent, says_nothing
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import Text, say

SHAPES = {
    "alpaca": Text(
        "instruction, input (may be absent), output", "instruction、input（なくてもよい）、output"
    ),
    "sharegpt": Text(
        "conversations: a list of {from, value}", "conversations: {from, value} のリスト"
    ),
    "openai-chat": Text(
        "messages: a list of {role, content}", "messages: {role, content} のリスト"
    ),
    "prompt-completion": Text(
        "prompt, completion (or response): texts or message lists",
        "prompt、completion（または response）: 文字列か発言のリスト",
    ),
    "preference": Text(
        "prompt (may be absent), chosen, rejected: texts or message lists",
        "prompt（なくてもよい）、chosen、rejected: 文字列か発言のリスト",
    ),
    "question-answer": Text(
        "question, answer (or 質問, 回答; 問い合わせ, 返信; Q, A; input, output)",
        "question、answer（または 質問、回答 / 問い合わせ、返信 / Q、A / input、output）",
    ),
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

_TURN_KEYS = {"sharegpt": ("from", "value"), "openai-chat": ("role", "content")}
_MAY_BE_MESSAGES = ("prompt-completion", "preference")


def check_shape_name(shape: str) -> None:
    """Raise :class:`BadInput` for a name that is no shape."""
    if shape not in SHAPES:
        raise BadInput(
            say(f"unknown shape '{shape}'", f"「{shape}」という形式はありません"),
            say(
                f"Use one of: {', '.join(SHAPES)}.",
                f"次のいずれかを指定してください: {', '.join(SHAPES)}。",
            ),
        )


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
    return [
        str(name) for name, value in row.items() if name not in used and not says_nothing(value)
    ]


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


def named_shapes(row: dict) -> list[str]:
    """Every shape whose columns ``row`` has by name, whatever is in them."""
    return [
        shape for shape in SHAPES
        if not set(_NEEDED.get(shape, ("question", "answer"))) - columns_of(row, shape).keys()
    ]  # fmt: skip


def unfit_columns(row: dict, shape: str) -> list[str]:
    """The columns of ``row`` that ``shape`` needs and whose values are of another type."""
    needed = _NEEDED.get(shape, ("question", "answer"))
    columns = columns_of(row, shape)
    return [
        columns[name] for name in needed if name in columns and not _type_fits(row, shape, name)
    ]


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
    return all(_type_fits(row, shape, name) for name in _NEEDED.get(shape, ("question", "answer")))


def _type_fits(row: dict, shape: str, name: str) -> bool:
    column = columns_of(row, shape)[name]
    value = row[column]
    if shape in _TURN_KEYS:
        value = decode_list(value)
        # An empty list is a bad row, not another shape.
        if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
            return False
        who, what = _TURN_KEYS[shape]
        return not value or any(who in turn or what in turn for turn in value)
    if shape == "question-answer" and column.strip().lower() == "answers":
        return isinstance(value, dict | list)
    return isinstance(value, str) or (shape in _MAY_BE_MESSAGES and isinstance(value, list | dict))
