"""What is wrong with one row: missing parts, turns in the wrong order, damaged texts, its own verdict."""

import re
from collections.abc import Collection, Iterator

from lab_helpers.data.forms.cells import is_missing_text, is_printed_by_python, says_nothing
from lab_helpers.data.forms.columns import columns_of, missing_columns, shapes_of
from lab_helpers.data.forms.control_tokens import find_control_token, is_blank
from lab_helpers.data.forms.conversations import (
    all_answers,
    conversation,
    cut_to_learned,
    tools_of,
)
from lab_helpers.data.forms.damage import damage
from lab_helpers.data.forms.judgements import read_labels
from lab_helpers.data.forms.marks import row_marks_off
from lab_helpers.data.forms.pair_scores import judge_preference
from lab_helpers.data.forms.preference_rows import preference_parts
from lab_helpers.data.forms.problems import Problem, problem
from lab_helpers.data.forms.turns import MEDIA, Message, NotMessages
from lab_helpers.data.reading.files import Row
from lab_helpers.runtime.language import say

LONGEST = 20_000
_ANSWERS = {"output", "completion", "chosen", "rejected", "answer"}
_PLACEHOLDER = re.compile("<(?:image|video|audio)>")


def check_row(
    row: Row | dict, shape: str, longest: int = LONGEST, categories: Collection[str] = ()
) -> list[Problem]:
    """Everything wrong with one row of ``shape``; the codes are those of ``problems.KINDS``.

    A plain dict stands on line 0. Texts above ``longest`` characters are a warning. ``categories`` are the
    columns whose words are no judgement of the answer (``judgements.find_categories``). Mojibake and
    control characters are told by patterns: a row that talks about mojibake is refused as well.
    """
    line, values = row if isinstance(row, Row) else (0, row)
    if missing := missing_columns(values, shape):
        return list(_missing(line, values, shape, missing))
    found = list(_check_cells(line, values, shape))
    try:
        tools_of(values, shape)
        if shape == "preference":
            parts = preference_parts(values)
            found += _check_preference(line, parts)
            found += [problem(line, *one) for one in judge_preference(values)]
            placed = [(name, turn) for name, part in parts.items() for turn in part]
        else:
            messages = conversation(values, shape)
            places = _places(values, shape, messages)
            found += _check_turns(line, messages, places)
            found += _check_labels(line, values, categories) or _check_marks(line, messages)
            placed = list(zip(places, messages, strict=True))
    except NotMessages as error:
        return [*found, problem(line, error.code, error.detail)]
    found += _check_row_marks(line, values)
    found += _check_media(line, values, [turn for _, turn in placed])
    if not any(one.code == "no-value" for one in found):
        found += _check_values(line, placed)
    for place, turn in placed:
        found += _check_text(line, place, turn["content"], longest)
        if thought := turn.get("reasoning_content"):
            found += _check_text(
                line,
                say(f"reasoning_content, {place}", f"{place} の reasoning_content"),
                thought,
                longest,
            )
    return found


def _check_cells(line: int, values: dict, shape: str) -> Iterator[Problem]:
    """Cells that hold a text which is none, and answers beyond the first."""
    for meaning, name in columns_of(values, shape).items():
        value = values[name]
        if is_missing_text(value) and meaning != "input":
            yield problem(
                line, "no-value", say(f"{name} '{value.strip()}'", f"{name}「{value.strip()}」")
            )
        if is_printed_by_python(value):
            yield problem(line, "python-repr", name)
        if name.strip().lower() == "answers" and (more := len(all_answers(value)) - 1) > 0:
            yield problem(line, "answers-left-out", str(more))


def _check_values(line: int, placed: list[tuple[str, Message]]) -> Iterator[Problem]:
    """The same in turns; what a tool returned may be "null"."""
    for place, turn in placed:
        if turn["role"] != "tool" and is_missing_text(turn["content"]):
            yield problem(
                line,
                "no-value",
                say(
                    f"{place} '{turn['content'].strip()}'", f"{place}「{turn['content'].strip()}」"
                ),
            )


def _check_media(line: int, values: dict, turns: list[Message]) -> Iterator[Problem]:
    """A text that says where a picture stands, and the column with the picture."""
    media = [name for name in values if str(name).strip().lower() in MEDIA and not says_nothing(values[name])]  # fmt: skip
    if media and any(_PLACEHOLDER.search(turn["content"]) for turn in turns):
        yield problem(line, "not-text", str(media[0]))


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
    return [say(f"turn {number}", f"{number} 番目の発言") for number in range(1, len(messages) + 1)]


def _check_text(line: int, place: str, text: str, longest: int) -> Iterator[Problem]:
    if code := damage(text):
        yield problem(line, code, place)
    if token := find_control_token(text):
        yield problem(line, "control-token", f"{place}: {token}")
    if len(text) > longest:
        yield problem(line, "too-long", place)


def _check_turns(line: int, messages: list[Message], places: list[str]) -> Iterator[Problem]:
    if not messages:
        yield problem(line, "empty-answer", say("the conversation", "会話"))
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


def _check_labels(line: int, values: dict, categories: Collection[str]) -> list[Problem]:
    """Whether the file itself calls the answer bad."""
    bad = [name for name, good in read_labels(values, categories).items() if not good]
    return [problem(line, "marked-bad", ", ".join(bad))] if bad else []


def _check_row_marks(line: int, values: dict) -> Iterator[Problem]:
    if off := row_marks_off(values):
        yield problem(
            line,
            "nothing-to-learn",
            ", ".join(f"{name} {value}" for name, value in values.items() if str(name) in off),
        )


def _check_marks(line: int, messages: list[Message]) -> list[Problem]:
    """Which of its turns the file says must not be learned."""
    kept = len(cut_to_learned(messages))
    if not kept and any(turn["role"] == "assistant" for turn in messages):
        return [
            problem(line, "nothing-to-learn", say("weight 0, train false", "weight 0、train false"))
        ]
    if kept and kept < len(messages) and messages[-1]["role"] == "assistant":
        return [problem(line, "cut-after-learned", str(kept))]
    return []


def _check_preference(line: int, parts: dict[str, list[Message]]) -> Iterator[Problem]:
    for name in ("chosen", "rejected"):
        turns = [*parts["prompt"], *parts[name]]
        before = len(parts["prompt"])
        places = [
            say(f"prompt, turn {n + 1}", f"prompt の {n + 1} 番目の発言") for n in range(before)
        ]
        places += [name] * len(parts[name])
        for one in _check_turns(line, turns, places):
            # What is wrong with the prompt is said once, with the chosen answer.
            if name == "chosen" or not one.detail.startswith("prompt"):
                yield one
    chosen, rejected = (
        [(turn["content"].strip(), turn.get("tool_calls")) for turn in parts[name]]
        for name in ("chosen", "rejected")
    )
    if chosen == rejected:
        yield problem(line, "same-answers")
