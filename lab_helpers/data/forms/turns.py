"""One turn of a conversation, from the ways in which published sets write it: OpenAI's and ShareGPT's."""

import json
from typing import Any

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
_NOT_LEARNED = ("weight", "train", "training")


class NotMessages(ValueError):
    """A value that cannot become messages; ``code`` is a problem's code, ``detail`` the place."""

    def __init__(self, code: str, detail: str):
        self.code, self.detail = code, detail
        super().__init__(f"{code}: {detail}")


def make_turn(role: str, content: str) -> Message:
    """A turn that says ``content`` and nothing else."""
    return {"role": role, "content": content}


def parse_turns(value: Any, name: str) -> list[Message]:
    """A list of ``{role, content}`` or ``{from, value}`` as messages. Raises :class:`NotMessages`.

    A text may be a list of parts of type text. An assistant that calls tools may say nothing.
    """
    if not isinstance(value, list):
        raise NotMessages("not-messages", name)
    return [_parse_turn(turn, f"{name}, turn {number}") for number, turn in enumerate(value, 1)]


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
    calls = turn.get("tool_calls") or None
    if said_by is None or (words is None and not calls):
        raise NotMessages("bad-turn", place)
    role = _ROLE_NAMES.get(str(said_by))
    if role is None:
        raise NotMessages("unknown-role", f"{place}: {said_by}")
    if said_by == "function_call":
        words, calls = "", [_tool_call(words, place)]
    found = make_turn(role, parse_text(words or "", place))
    if any(_is_off(turn.get(key)) for key in _NOT_LEARNED):
        found["weight"] = 0
    if reasoning := next((turn[key] for key in _REASONING if turn.get(key)), None):
        found["reasoning_content"] = parse_text(reasoning, place)
    if calls:
        found["tool_calls"] = calls
    return found | {key: turn[key] for key in ("tool_call_id", "name") if turn.get(key)}


def _tool_call(words: Any, place: str) -> dict:
    """ShareGPT's call, a JSON text ``{"name", "arguments"}``, in OpenAI's form."""
    try:
        call = json.loads(words) if isinstance(words, str) else words
    except ValueError:
        call = None
    if not isinstance(call, dict) or "name" not in call:
        raise NotMessages("bad-turn", place)
    return {"type": "function", "function": call}


def _is_off(mark: Any) -> bool:
    """``0``, ``False`` and their spellings in a table; an absent mark is none."""
    if isinstance(mark, str):
        return mark.strip().lower() in ("0", "0.0", "false")
    return mark is not None and mark == 0
