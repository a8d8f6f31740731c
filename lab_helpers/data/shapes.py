"""The shapes in which fine-tuning data comes, which one a file has, and the way into TRL's format.

A shape is told by the columns and the types of their values. It is never guessed: where two shapes
fit, or none does, the answer is a :class:`BadInput` that says what was found on which lines.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from lab_helpers.data.columns import (
    SHAPES,
    check_shape_name,
    columns_of,
    missing_columns,
    shapes_of,
)
from lab_helpers.data.conversations import Message, NotMessages, conversation, preference_parts
from lab_helpers.data.files import BadRow, Row
from lab_helpers.runtime.errors import BadInput

_SHOWN = 3


@dataclass(frozen=True)
class Detection:
    """A file's ``shape``, its ``columns`` (what they mean -> what they are called), and why."""

    shape: str
    columns: dict[str, str]
    evidence: str


def detect_shape(rows: Iterable[Row | BadRow | dict], sample: int = 200) -> Detection:
    """The one shape of the first ``sample`` rows.

    Rows that fit no shape are left to the validation as long as they are fewer than half. Raises
    :class:`BadInput` when two shapes fit the same rows (ambiguous), when rows of several shapes are
    mixed, or when most rows fit none.
    """
    taken = [
        row if isinstance(row, Row) else Row(number, row)
        for number, row in enumerate(islice(rows, sample), 1)
        if not isinstance(row, BadRow)
    ]
    if not taken:
        raise BadInput(f"none of the first {sample} lines is a row", "Mend them, see the file.")
    lines: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in taken:
        lines[tuple(shapes_of(row.values))].append(row.line)
    unknown = lines.pop((), [])
    if len(unknown) * 2 > len(taken):
        raise BadInput(
            _unknown(taken, unknown),
            f"Rename the columns to one of: {_known()}. Or pass shape=NAME (--shape NAME) to see by line "
            "what each row lacks.",
        )
    candidates = set.intersection(*(set(found) for found in lines))
    if not candidates:
        found = "; ".join(f"{' or '.join(key)} {_on_lines(at)}" for key, at in lines.items())
        raise BadInput(
            f"rows of several shapes are mixed: {found}",
            f"Split the file by shape. {_pass_shape()} The other rows are then listed as bad.",
        )
    if len(candidates) > 1:
        both = " and ".join(sorted(candidates))
        columns = ", ".join(map(str, taken[0].values))
        raise BadInput(
            f"the shape is ambiguous: {both} both fit (columns: {columns})", _pass_shape()
        )
    shape = candidates.pop()
    fitting = len(taken) - len(unknown)
    example = next(row.values for row in taken if shape in shapes_of(row.values))
    columns_found = dict(columns_of(example, shape))
    names = ", ".join(columns_found.values())
    return Detection(shape, columns_found, f"{fitting} of {len(taken)} rows have {names}")


def to_messages(row: dict, shape: str) -> dict[str, list[Message]]:
    """``row`` in the conversational format of TRL.

    ``{"messages": […]}``; for ``preference``: ``{"prompt": […], "chosen": […], "rejected": […]}``.
    A text becomes one turn. Alpaca's ``input`` follows the instruction after an empty line. Raises
    :class:`BadInput` for a row that ``validation.check_row`` finds unusable in its form.
    """
    check_shape_name(shape)
    if missing := missing_columns(row, shape):
        raise BadInput(f"the row has no {' and no '.join(missing)}", f"It is not {shape}.")
    try:
        if shape == "preference":
            return preference_parts(row)
        return {"messages": conversation(row, shape)}
    except NotMessages as error:
        raise BadInput(
            f"the row cannot be converted ({error})", "Check the file: labs data check FILE"
        ) from None


def to_prompt_completion(row: dict, shape: str) -> dict[str, list[Message]]:
    """``row`` as ``{"prompt": […], "completion": [last assistant turn]}``.

    Of a preference the chosen answer is the completion. Raises :class:`BadInput` when the last turn
    is not the assistant's.
    """
    parts = to_messages(row, shape)
    messages = parts.get("messages") or [*parts["prompt"], *parts["chosen"]]
    if not messages or messages[-1]["role"] != "assistant":
        raise BadInput("the last turn is not the assistant's", "Take it out, or add the answer.")
    return {"prompt": messages[:-1], "completion": messages[-1:]}


def _unknown(taken: list[Row], unknown: list[int]) -> str:
    seen = set(unknown)
    kinds = Counter(
        ", ".join(f"{name} ({type(value).__name__})" for name, value in row.values.items())
        for row in taken
        if row.line in seen
    )
    columns, _ = kinds.most_common(1)[0]
    return f"no known shape fits {_on_lines(unknown)}; columns found: {columns or 'none'}"


def _on_lines(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:_SHOWN]))
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return f"on line{'s' if len(lines) > 1 else ''} {shown}{more}"


def _known() -> str:
    return "; ".join(f"{name} ({columns})" for name, columns in SHAPES.items())


def _pass_shape() -> str:
    return "Say which it is: shape=NAME (--shape NAME), a name from " + ", ".join(SHAPES) + "."
