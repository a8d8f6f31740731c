"""From each shape into TRL's conversational format: ``{"messages": [{"role", "content"}, …]}``."""

import json
from typing import Any

from lab_helpers.data.forms.cells import decode_list, decode_request, decode_turns, is_absent
from lab_helpers.data.forms.columns import columns_beside, columns_of
from lab_helpers.data.forms.tool_calls import read_tools
from lab_helpers.data.forms.transcripts import parse_transcript
from lab_helpers.data.forms.turns import (
    Message,
    NotMessages,
    is_learned,
    make_turn,
    parse_text,
    parse_turns,
    without_marks,
)
from lab_helpers.runtime.language import say


def conversation(row: dict, shape: str) -> list[Message]:
    """All turns of a row whose columns are there. Raises :class:`NotMessages`.

    Columns that stand beside the shape's own are turns too: ``system`` goes first, ``history`` (pairs
    of question and answer) before the question, ``context`` in front of the question's text.
    """
    columns = columns_of(row, shape)
    value = {meaning: row[name] for meaning, name in columns.items()}
    if shape in ("openai-chat", "sharegpt"):
        (name,) = columns.values()
        return with_beside(row, shape, parse_turns(decode_list(row[name]), name))
    if shape == "alpaca":
        asked = join_instruction(value["instruction"], value.get("input"))
        answer = parse_text(value["output"], columns["output"])
        return with_beside(row, shape, [make_turn("user", asked), make_turn("assistant", answer)])
    first, second = (
        ("prompt", "completion") if shape == "prompt-completion" else ("question", "answer")
    )
    answer = first_answer(value[second]) if columns[second].lower() == "answers" else value[second]
    turns = [
        *parse_side(value[first], columns[first], "user", shape),
        *parse_side(answer, columns[second], "assistant", shape),
    ]
    return with_beside(row, shape, turns)


def join_instruction(instruction: Any, extra: Any) -> str:
    """Alpaca's instruction, and its input after an empty line where it says something."""
    asked = parse_text(instruction, "instruction")
    return asked if is_absent(extra) else f"{asked}\n\n{parse_text(extra, 'input')}"


def all_answers(value: Any) -> list[Any]:
    """SQuAD's ``{"text": [answers], …}``, a list of answers or of ``{"text": …}``: the different ones."""
    answers = value.get("text") if isinstance(value, dict) else value
    found = []
    for answer in answers if isinstance(answers, list) else [answers]:
        words = answer.get("text") if isinstance(answer, dict) else answer
        if words not in found:
            found.append(words)
    return found


def first_answer(value: Any) -> Any:
    """The first of several answers; an empty text where a question has none (SQuAD 2.0)."""
    return next(iter(all_answers(value)), "")


def parse_side(value: Any, name: str, role: str, shape: str) -> list[Message]:
    """One side of a pair: a text is one turn of ``role`` (or hh-rlhf's many), a list is turns, an object one turn."""
    if shape != "question-answer":
        value = decode_turns(value)
        if isinstance(value, dict):
            value = [value]
        if isinstance(value, list):
            return parse_turns(value, name)
        if isinstance(value, str) and (turns := parse_transcript(value, role == "user")):
            return turns
    return [make_turn(role, parse_text(value, name))]


def with_beside(row: dict, shape: str, turns: list[Message]) -> list[Message]:
    """``turns`` with what the row's other columns add to them. Raises :class:`NotMessages`."""
    beside = columns_beside(row, shape)
    if "context" in beside and turns:
        first = next((i for i, turn in enumerate(turns) if turn["role"] == "user"), None)
        if first is not None:
            passage = parse_text(row[beside["context"]], beside["context"])
            asked = {**turns[first], "content": f"{passage}\n\n{turns[first]['content']}"}
            turns = [*turns[:first], asked, *turns[first + 1 :]]
    if "history" in beside:
        lead = 1 if turns and turns[0]["role"] == "system" else 0
        earlier = _history(row[beside["history"]], beside["history"])
        turns = [*turns[:lead], *earlier, *turns[lead:]]
    if "system" in beside:
        system = make_turn("system", parse_text(row[beside["system"]], beside["system"]))
        if turns and turns[0]["role"] == "system":
            if turns[0]["content"] != system["content"]:
                raise NotMessages("two-systems", beside["system"])
            turns = turns[1:]
        turns = [system, *turns]
    return turns


def tools_of(row: dict, shape: str) -> list[dict]:
    """The tools of the row's ``tools`` column (a list, or its JSON text), or of OpenAI's ``input.tools``."""
    found = []
    if name := columns_beside(row, shape).get("tools"):
        found.append(read_tools(row[name], name))
    name = columns_of(row, shape).get("prompt") if shape == "preference" else None
    value = decode_request(row[name]) if name else None
    if isinstance(value, dict) and not is_absent(value.get("tools")):
        found.append(read_tools(value["tools"], f"{name}.tools"))
    if len(found) > 1 and found[0] != found[1]:
        raise NotMessages("not-tools", say(f"tools beside {name}.tools", f"tools と {name}.tools"))
    return found[0] if found else []


def cut_to_learned(turns: list[Message]) -> list[Message]:
    """The conversation up to its last answer that may be learned; empty where none may be."""
    learned = [place for place, turn in enumerate(turns) if is_learned(turn)]
    return turns[: learned[-1] + 1] if learned else []


def split_answer(turns: list[Message]) -> tuple[list[Message], list[Message]]:
    """What stands before the last answer that may be learned, and that answer, without marks."""
    kept = without_marks(cut_to_learned(turns))
    return kept[:-1], kept[-1:]


def _history(value: Any, name: str) -> list[Message]:
    """LLaMA-Factory's ``[[question, answer], …]``."""
    try:
        pairs = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        pairs = None
    if not isinstance(pairs, list) or any(
        not isinstance(pair, list | tuple) or len(pair) != 2 for pair in pairs
    ):
        raise NotMessages("not-history", name)
    return [
        make_turn(role, parse_text(words, name))
        for pair in pairs
        for role, words in zip(("user", "assistant"), pair, strict=True)
    ]
