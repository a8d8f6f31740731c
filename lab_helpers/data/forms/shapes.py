"""The shapes in which fine-tuning data comes, which one a file has, and the way into TRL's format.

A shape is told by the columns and the types of their values. It is never guessed: where two shapes
fit, or none does, the answer is a :class:`BadInput` that says what was found on which lines.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from lab_helpers.data.forms.columns import (
    SHAPES,
    check_shape_name,
    columns_of,
    missing_columns,
    shapes_of,
)
from lab_helpers.data.forms.conversations import conversation, split_answer, tools_of
from lab_helpers.data.forms.preference_rows import preference_parts
from lab_helpers.data.forms.turns import NotMessages, without_marks
from lab_helpers.data.forms.unknown_shapes import explain_row, explain_values
from lab_helpers.data.reading.files import BadRow, Row
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

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
    found = list(islice(rows, sample))
    taken = [
        row if isinstance(row, Row) else Row(number, row)
        for number, row in enumerate(found, 1)
        if not isinstance(row, BadRow)
    ]
    if not taken:
        raise _no_rows([row for row in found if isinstance(row, BadRow)])
    lines: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in taken:
        lines[tuple(shapes_of(row.values))].append(row.line)
    unknown = lines.pop((), [])
    if len(unknown) * 2 > len(taken):
        first = next(row.values for row in taken if row.line in set(unknown))
        if known := explain_row(first) or explain_values(first):
            raise BadInput(
                say(
                    f"{_unknown(taken, unknown)}: {known[0]}",
                    f"{_unknown(taken, unknown)}。{known[0]}",
                ),
                known[1],
            )
        raise BadInput(
            _unknown(taken, unknown),
            say(
                f"Rename the columns to one of: {_known()}. Or pass shape=NAME (--shape NAME) to see by line "
                "what each row lacks.",
                f"列の名前を次のいずれかに合わせてください: {_known()}。shape=NAME（--shape NAME）を指定すると、各行に何が足りないかを行ごとに確認できます。",
            ),
        )
    candidates = set.intersection(*(set(found) for found in lines))
    if not candidates:
        told = say("; ", "、").join(
            say(f"{' or '.join(key)} {_on_lines(at)}", f"{_on_lines(at)}は {' または '.join(key)}")
            for key, at in lines.items()
        )
        raise BadInput(
            say(
                f"rows of several shapes are mixed: {told}",
                f"複数の形式の行が混ざっています（{told}）",
            ),
            say(
                f"Split the file by shape. {_pass_shape()} The other rows are then listed as bad.",
                f"形式ごとにファイルを分けてください。{_pass_shape()}その場合、ほかの行は使えない行として一覧に出ます。",
            ),
        )
    if len(candidates) > 1:
        both = say(" and ", " と ").join(sorted(candidates))
        columns = ", ".join(map(str, taken[0].values))
        raise BadInput(
            say(
                f"the shape is ambiguous: {both} both fit (columns: {columns})",
                f"形式を 1 つに決められません。{both} のどちらにも当てはまります（列: {columns}）",
            ),
            _pass_shape(),
        )
    shape = candidates.pop()
    fitting = len(taken) - len(unknown)
    example = next(row.values for row in taken if shape in shapes_of(row.values))
    columns_found = dict(columns_of(example, shape))
    names = ", ".join(columns_found.values())
    return Detection(
        shape,
        columns_found,
        say(
            f"{fitting} of {len(taken)} rows have {names}",
            f"{len(taken)} 行中 {fitting} 行に {names} があります",
        ),
    )


def to_messages(row: dict, shape: str) -> dict:
    """``row`` in the conversational format of TRL.

    ``{"messages": […]}``; for ``preference``: ``{"prompt": […], "chosen": […], "rejected": […]}``; with
    ``"tools"``, a JSON text as TRL takes it, where the row has them. A text becomes one turn. Alpaca's ``input`` follows the instruction
    after an empty line. A turn that the file says is not to be learned keeps its ``"weight": 0``. Raises
    :class:`BadInput` for a row that ``row_checks.check_row`` finds unusable in its form.
    """
    check_shape_name(shape)
    if missing := missing_columns(row, shape):
        raise BadInput(
            say(
                f"the row has no {' and no '.join(missing)}",
                f"この行に {' と '.join(missing)} がありません",
            ),
            say(f"It is not {shape}.", f"{shape} の形式ではありません。"),
        )
    try:
        tools = tools_of(row, shape)
        if shape == "preference":
            parts = {name: without_marks(turns) for name, turns in preference_parts(row).items()}
        else:
            parts = {"messages": conversation(row, shape)}
    except NotMessages as error:
        raise BadInput(
            say(f"the row cannot be converted ({error})", f"この行を変換できません（{error}）"),
            say(
                "Check the file: labs data check FILE",
                "ファイルを確認してください: labs data check FILE",
            ),
        ) from None
    # As text: a table of rows would give each tool the parameters of all the others.
    return parts | {"tools": json.dumps(tools, ensure_ascii=False)} if tools else parts


def to_prompt_completion(row: dict, shape: str) -> dict:
    """``row`` as ``{"prompt": […], "completion": [last answer that may be learned]}``, and its ``"tools"``.

    Of a preference the chosen answer is the completion. Turns after the last answer that may be learned
    (``"weight": 0``) are left out. Raises :class:`BadInput` when the last turn is not the assistant's, or
    no answer may be learned.
    """
    parts = to_messages(row, shape)
    tools = {name: parts[name] for name in ("tools",) if name in parts}
    messages = parts.get("messages") or [*parts["prompt"], *parts["chosen"]]
    if not messages or messages[-1]["role"] != "assistant":
        raise BadInput(
            say(
                "the last turn is not the assistant's",
                "最後の発言が assistant のものではありません",
            ),
            say("Take it out, or add the answer.", "その発言を取り除くか、回答を加えてください。"),
        )
    prompt, completion = split_answer(messages)
    if not completion:
        raise BadInput(
            say(
                "every answer is marked as not to be learned (weight 0)",
                "どの回答にも「学習しない」という印（weight 0）が付いています",
            ),
            say("Leave the row out.", "この行は使わないでください。"),
        )
    return {"prompt": prompt, "completion": completion, **tools}


def _no_rows(bad: list[BadRow]) -> BadInput:
    """What nearly all lines have in common that are no rows."""
    if not bad:
        return BadInput(
            say("there are no rows", "行がありません"),
            say(
                "Give one JSON object a line, or a header and rows.",
                "1 行に JSON オブジェクトを 1 つずつ書くか、見出しと行のある表にしてください。",
            ),
        )
    problem, count = Counter(row.problem for row in bad).most_common(1)[0]
    line = next(row.line for row in bad if row.problem == problem)
    more = (
        say(f", and {count - 1} more lines too", f"。ほかに {count - 1} 行も同じです")
        if count > 1
        else ""
    )
    return BadInput(
        say(
            f"none of the first {len(bad)} lines is a row: line {line} {problem}{more}",
            f"先頭の {len(bad)} 行に使える行がありません。{line} 行目: {problem}{more}",
        ),
        say(
            "Mend the lines, or write the file again as JSONL: one JSON object a line.",
            "これらの行を直すか、JSONL（1 行に JSON オブジェクト 1 つ）で書き出し直してください。",
        ),
    )


def _unknown(taken: list[Row], unknown: list[int]) -> str:
    seen = set(unknown)
    kinds = Counter(
        ", ".join(f"{name} ({type(value).__name__})" for name, value in row.values.items())
        for row in taken
        if row.line in seen
    )
    columns, _ = kinds.most_common(1)[0]
    return say(
        f"no known shape fits {_on_lines(unknown)}; columns found: {columns or 'none'}",
        f"{_on_lines(unknown)}に当てはまる形式がありません（列: {columns or 'なし'}）",
    )


def _on_lines(lines: list[int]) -> str:
    shown = ", ".join(map(str, lines[:_SHOWN]))
    more = (
        say(f" and {len(lines) - _SHOWN} more", f"、ほか {len(lines) - _SHOWN} 行")
        if len(lines) > _SHOWN
        else ""
    )
    return say(f"on line{'s' if len(lines) > 1 else ''} {shown}{more}", f"{shown} 行目{more}")


def _known() -> str:
    return "; ".join(
        say(f"{name} ({columns})", f"{name}（{columns}）") for name, columns in SHAPES.items()
    )


def _pass_shape() -> str:
    return say(
        "Say which it is: shape=NAME (--shape NAME), a name from " + ", ".join(SHAPES) + ".",
        f"どの形式かを shape=NAME（--shape NAME）で指定してください。指定できるのは {', '.join(SHAPES)} です。",
    )
