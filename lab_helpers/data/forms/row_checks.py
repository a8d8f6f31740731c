"""What is wrong with one row: missing parts, turns in the wrong order, damaged texts, its own verdict."""

from collections.abc import Iterator

from lab_helpers.data.forms.columns import columns_of, missing_columns, shapes_of
from lab_helpers.data.forms.control_tokens import find_control_token, is_blank
from lab_helpers.data.forms.conversations import conversation, cut_to_learned, tools_of
from lab_helpers.data.forms.damage import damage
from lab_helpers.data.forms.judgements import judge_preference, read_label
from lab_helpers.data.forms.preference_rows import preference_parts
from lab_helpers.data.forms.problems import Problem, problem
from lab_helpers.data.forms.turns import Message, NotMessages
from lab_helpers.data.reading.files import Row

LONGEST = 20_000
_ANSWERS = {"output", "completion", "chosen", "rejected", "answer"}


def check_row(row: Row | dict, shape: str, longest: int = LONGEST) -> list[Problem]:
    """Everything wrong with one row of ``shape``; the codes are those of ``problems.KINDS``.

    A plain dict stands on line 0. Texts above ``longest`` characters are a warning. Mojibake and
    control characters are told by patterns: a row that talks about mojibake is refused as well.
    """
    line, values = row if isinstance(row, Row) else (0, row)
    if missing := missing_columns(values, shape):
        return list(_missing(line, values, shape, missing))
    try:
        tools_of(values, shape)
        if shape == "preference":
            parts = preference_parts(values)
            found = list(_check_preference(line, parts))
            if code := judge_preference(values):
                found.append(problem(line, code))
            placed = [(name, turn) for name, part in parts.items() for turn in part]
        else:
            messages = conversation(values, shape)
            places = _places(values, shape, messages)
            found = list(_check_turns(line, messages, places))
            found += _check_marks(line, values, messages)
            placed = list(zip(places, messages, strict=True))
    except NotMessages as error:
        return [problem(line, error.code, error.detail)]
    for place, message in placed:
        found += _check_text(line, place, message["content"], longest)
    return found


def _missing(line: int, values: dict, shape: str, missing: list[str]) -> Iterator[Problem]:
    others = [name for name in shapes_of(values) if name != shape]
    if others:
        yield problem(line, "other-shape", others[0])
        return
    columns = columns_of(values, shape)
    for name in missing:
        if name not in columns:
            yield problem(line, "missing-column", name)
        elif name in ("messages", "conversations"):
            yield problem(line, "not-messages", columns[name])
        else:
            code = "empty-answer" if name in _ANSWERS else "empty-question"
            yield problem(line, code, columns[name])


def _places(values: dict, shape: str, messages: list[Message]) -> list[str]:
    """What to call each turn: its column where one column is one turn, else its number."""
    names = [name for meaning, name in columns_of(values, shape).items() if meaning != "input"]
    if len(names) == len(messages) and all(isinstance(values[name], str) for name in names):
        return names
    return [f"turn {number}" for number in range(1, len(messages) + 1)]


def _check_text(line: int, place: str, text: str, longest: int) -> Iterator[Problem]:
    if code := damage(text):
        yield problem(line, code, place)
    if token := find_control_token(text):
        yield problem(line, "control-token", f"{place}: {token}")
    if len(text) > longest:
        yield problem(line, "too-long", place)


def _check_turns(line: int, messages: list[Message], places: list[str]) -> Iterator[Problem]:
    if not messages:
        yield problem(line, "empty-answer", "the conversation")
        return
    expected = {"user"}
    for number, (message, place) in enumerate(zip(messages, places, strict=True)):
        role = message["role"]
        if is_blank(message["content"]) and not message.get("tool_calls"):
            yield problem(line, _EMPTY.get(role, "empty-question"), place)
        if role == "system":
            if number:
                yield problem(line, "system-not-first", place)
            continue
        if role not in expected:
            yield problem(line, "roles-not-alternating", place)
        expected = _after(message)
    if messages[-1]["role"] != "assistant":
        yield problem(line, "last-not-assistant")


_EMPTY = {"assistant": "empty-answer", "system": "empty-system"}


def _after(message: Message) -> set[str]:
    """Who may speak next: a call of tools is answered by tools, and these by the assistant."""
    if message.get("tool_calls"):
        return {"tool"}
    return {
        "user": {"assistant"},
        "assistant": {"user"},
        "tool": {"tool", "assistant"},
    }[message["role"]]


def _check_marks(line: int, values: dict, messages: list[Message]) -> Iterator[Problem]:
    """What the file itself says must not be learned."""
    if read_label(values) is False:
        yield problem(line, "marked-bad")
        return
    kept = len(cut_to_learned(messages))
    if not kept and any(turn["role"] == "assistant" for turn in messages):
        yield problem(line, "nothing-to-learn")
    elif kept and kept < len(messages) and messages[-1]["role"] == "assistant":
        yield problem(line, "cut-after-learned", str(kept))


def _check_preference(line: int, parts: dict[str, list[Message]]) -> Iterator[Problem]:
    for name in ("chosen", "rejected"):
        turns = [*parts["prompt"], *parts[name]]
        before = len(parts["prompt"])
        places = [f"prompt, turn {n + 1}" for n in range(before)]
        places += [name] * len(parts[name])
        for one in _check_turns(line, turns, places):
            # What is wrong with the prompt is said once, with the chosen answer.
            if name == "chosen" or not one.detail.startswith("prompt"):
                yield one
    same = [[turn["content"].strip() for turn in parts[name]] for name in ("chosen", "rejected")]
    if same[0] == same[1]:
        yield problem(line, "same-answers")
