"""The columns by which each shape of fine-tuning data is known."""

from functools import lru_cache

from lab_helpers.runtime.errors import BadInput

SHAPES = {
    "alpaca": "instruction, input (may be absent), output",
    "sharegpt": "conversations: a list of {from, value}",
    "openai-chat": "messages: a list of {role, content}",
    "prompt-completion": "prompt, completion: texts or message lists",
    "preference": "prompt (may be absent), chosen, rejected: texts or message lists",
    "question-answer": "question, answer (or 質問, 回答; 問い合わせ, 返信; input, output)",
}
PAIRS = (("question", "answer"), ("質問", "回答"), ("問い合わせ", "返信"), ("input", "output"))
_NEEDED = {
    "alpaca": ("instruction", "output"),
    "sharegpt": ("conversations",),
    "openai-chat": ("messages",),
    "prompt-completion": ("prompt", "completion"),
    "preference": ("chosen", "rejected"),
}
_TURN_KEYS = {"sharegpt": ("from", "value"), "openai-chat": ("role", "content")}
_MAY_BE_MESSAGES = ("prompt-completion", "preference")


def check_shape_name(shape: str) -> None:
    """Raise :class:`BadInput` for a name that is no shape."""
    if shape not in SHAPES:
        raise BadInput(f"unknown shape '{shape}'", f"Use one of: {', '.join(SHAPES)}.")


def columns_of(row: dict, shape: str) -> dict[str, str]:
    """Which columns of ``row`` the shape uses: meaning -> name. Absent ones are left out.

    Names are compared without regard to case and surrounding spaces.
    """
    return _columns(tuple(row), shape)


# Every row of a file asks, and nearly all have the same columns.
@lru_cache(maxsize=1024)
def _columns(row: tuple[str, ...], shape: str) -> dict[str, str]:
    names = {str(name).strip().lower(): name for name in row}
    if shape == "question-answer":
        # A complete pair wins over half a one.
        best = max(PAIRS, key=lambda pair: sum(name in names for name in pair))
        meanings = zip(("question", "answer"), best, strict=True)
        return {meaning: names[name] for meaning, name in meanings if name in names}
    optional = {"alpaca": ("input",), "preference": ("prompt",)}.get(shape, ())
    return {name: names[name] for name in (*_NEEDED[shape], *optional) if name in names}


def missing_columns(row: dict, shape: str) -> list[str]:
    """The columns that ``shape`` needs and ``row`` lacks (or has as None)."""
    columns = columns_of(row, shape)
    needed = _NEEDED.get(shape, ("question", "answer"))
    return [name for name in needed if name not in columns or row[columns[name]] is None]


def shapes_of(row: dict) -> list[str]:
    """Every shape whose columns ``row`` has, with values of the right type."""
    found = [
        shape for shape in SHAPES if not missing_columns(row, shape) and _types_fit(row, shape)
    ]
    names = {str(name).strip().lower() for name in row}
    pairs = [pair for pair in PAIRS if set(pair) <= names]
    if "alpaca" in found and pairs == [("input", "output")]:
        found.remove("question-answer")  # Alpaca's own two columns, not a pair beside it.
    return found


def _types_fit(row: dict, shape: str) -> bool:
    columns = columns_of(row, shape)
    for name in _NEEDED.get(shape, ("question", "answer")):
        value = row[columns[name]]
        if shape in _TURN_KEYS:
            # An empty list is a bad row, not another shape.
            if not isinstance(value, list) or not all(isinstance(turn, dict) for turn in value):
                return False
            who, what = _TURN_KEYS[shape]
            if value and not any(who in turn or what in turn for turn in value):
                return False
        elif not isinstance(value, str) and not (
            shape in _MAY_BE_MESSAGES and isinstance(value, list)
        ):
            return False
    return True
