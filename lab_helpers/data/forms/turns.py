"""One turn of a conversation, from the ways in which published sets write it: OpenAI's and ShareGPT's."""

from typing import Any

from lab_helpers.data.forms.marks import MARKS, is_off
from lab_helpers.data.forms.tool_calls import read_tool_calls
from lab_helpers.data.forms.turn_errors import NotMessages
from lab_helpers.runtime.language import say

__all__ = [
    "Message",
    "NotMessages",
    "is_learned",
    "make_turn",
    "parse_text",
    "parse_turns",
    "without_marks",
]

Message = dict[str, Any]
"""``{"role", "content"}``, and where the file says so ``weight`` 0 (not to be learned),
``reasoning_content``, ``tool_calls``, ``tool_call_id`` and ``name``."""

ROLES = ("system", "user", "assistant", "tool")
_ROLE_NAMES = {
    **{role: role for role in ROLES},
    "human": "user",
    "gpt": "assistant",
    "model": "assistant",  # Gemma's and Gemini's name
    "developer": "system",  # OpenAI's newer name
    "function": "tool",
    "observation": "tool",
    "function_response": "tool",
    "function_call": "assistant",
}
_REASONING = ("reasoning_content", "reasoning", "thinking")
_THOUGHTS = ("thinking", "reasoning")
MEDIA = ("image", "images", "video", "videos", "audio", "audios")
"""Names under which a row, or a turn, holds what is no text."""


def make_turn(role: str, content: str) -> Message:
    """A turn that says ``content`` and nothing else."""
    return {"role": role, "content": content}


def parse_turns(value: Any, name: str) -> list[Message]:
    """A list of ``{role, content}`` or ``{from, value}`` as messages. Raises :class:`NotMessages`.

    A text may be a list of parts of type text. An assistant that calls tools may say nothing.
    """
    if not isinstance(value, list):
        raise NotMessages("not-messages", name)
    return [
        _parse_turn(turn, say(f"{name}, turn {number}", f"{name} の {number} 番目の発言"))
        for number, turn in enumerate(value, 1)
    ]


def parse_text(value: Any, name: str) -> str:
    """``value`` if it is a string, or a list of parts that are texts. Raises :class:`NotMessages`."""
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        if any(part.get("type") != "text" for part in value):
            raise NotMessages("not-text", name)
        value = "".join(str(part.get("text") or "") for part in value)
    if not isinstance(value, str):
        raise NotMessages("not-a-string", name)
    return value


def is_learned(turn: Message) -> bool:
    """Whether the file lets the model learn this turn (OpenAI's ``weight``, axolotl's ``train``)."""
    return turn["role"] == "assistant" and turn.get("weight") != 0


def without_marks(turns: list[Message]) -> list[Message]:
    """The turns as a template and a trainer take them: without ``weight``."""
    return [{key: value for key, value in turn.items() if key != "weight"} for turn in turns]


def _parse_turn(turn: Any, place: str) -> Message:
    if not isinstance(turn, dict):
        raise NotMessages("bad-turn", place)
    said_by = turn.get("role") or turn.get("from")
    words = turn.get("content") if turn.get("content") is not None else turn.get("value")
    if any(turn.get(name) for name in MEDIA):
        raise NotMessages("not-text", place)
    calls = _calls_of(turn, place)
    if said_by is None or (words is None and not calls):
        raise NotMessages("bad-turn", place)
    role = _ROLE_NAMES.get(str(said_by))
    if role is None:
        raise NotMessages("unknown-role", f"{place}: {said_by}")
    if said_by == "function_call":
        words, calls = "", [*calls, *read_tool_calls(words, place)]
    words, thoughts = _without_thoughts(words, place)
    found = make_turn(role, parse_text(words or "", place))
    if any(is_off(turn.get(key)) for key in MARKS):
        found["weight"] = 0
    if reasoning := next((turn[key] for key in _REASONING if turn.get(key)), None):
        thoughts = [parse_text(reasoning, place), *thoughts]
    if thoughts:
        found["reasoning_content"] = "\n\n".join(dict.fromkeys(thoughts))
    if calls:
        found["tool_calls"] = calls
    return found | {key: turn[key] for key in ("tool_call_id", "name") if turn.get(key)}


def _calls_of(turn: dict, place: str) -> list[dict]:
    """The calls of a turn: ``tool_calls``, or the one of OpenAI's older ``function_call``."""
    new, old = turn.get("tool_calls") or None, turn.get("function_call") or None
    if new and old:
        raise NotMessages("bad-call", place)
    return read_tool_calls(new or old or [], place)


def _without_thoughts(words: Any, place: str) -> tuple[Any, list[str]]:
    """The parts of a text that were said, and the texts of those that were only thought."""
    if not isinstance(words, list):
        return words, []
    thought = [isinstance(part, dict) and part.get("type") in _THOUGHTS for part in words]
    thoughts = [
        parse_text(part.get(part["type"], part.get("text")), place)
        for part, is_thought in zip(words, thought, strict=True)
        if is_thought
    ]
    said = [part for part, is_thought in zip(words, thought, strict=True) if not is_thought]
    return said, thoughts
