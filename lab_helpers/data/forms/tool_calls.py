"""Calls of tools and the tools themselves, from the ways in which sets write them into OpenAI's form."""

import json
from typing import Any

from lab_helpers.data.forms.turn_errors import NotMessages

_BESIDE_THE_CALL = {"name", "arguments", "id", "type", "index"}


def read_tool_calls(value: Any, place: str) -> list[dict]:
    """Calls as ``{"type": "function", "function": {"name", "arguments"}}``. Raises :class:`NotMessages`.

    ``value`` is a list of calls or one of them, or its JSON text; a call may lack the outer object.
    """
    value = _from_json(value)
    calls = [value] if isinstance(value, dict) else value
    if not isinstance(calls, list):
        raise NotMessages("bad-call", place)
    return [_read_call(call, place) for call in calls]


def read_tools(value: Any, place: str) -> list[dict]:
    """Tools as ``{"type": "function", "function": {"name", …}}``. Raises :class:`NotMessages`."""
    tools = _from_json(value)
    if not isinstance(tools, list):
        raise NotMessages("not-tools", place)
    return [_read_tool(tool, place) for tool in tools]


def _read_call(call: Any, place: str) -> dict:
    if not isinstance(call, dict):
        raise NotMessages("bad-call", place)
    if "function" in call:
        return {"type": "function"} | call | {"function": _named(call["function"], place)}
    given = {name: call[name] for name in ("id", "index") if name in call}
    function = {name: part for name, part in call.items() if name not in ("id", "index", "type")}
    return {**given, "type": "function", "function": _named(function, place)}


def _named(function: Any, place: str) -> dict:
    """A call's name and arguments; a call that names no arguments has none."""
    if not isinstance(function, dict) or not _is_name(function.get("name")):
        raise NotMessages("bad-call", place)
    if function.get("arguments") is None:
        if function.keys() - _BESIDE_THE_CALL:  # arguments by another name
            raise NotMessages("bad-call", place)
        function = function | {"arguments": {}}
    if not isinstance(function["arguments"], str | dict):
        raise NotMessages("bad-call", place)
    return function


def _read_tool(tool: Any, place: str) -> dict:
    function = tool.get("function", tool) if isinstance(tool, dict) else None
    if not isinstance(function, dict) or not _is_name(function.get("name")):
        raise NotMessages("not-tools", place)
    if function is not tool:
        return {"type": "function"} | tool
    if tool.get("type", "function") != "function":  # a tool of a provider's own, as web_search
        raise NotMessages("not-tools", place)
    names = {"input_schema": "parameters"}  # Anthropic's
    bare = {names.get(name, name): part for name, part in tool.items() if name != "type"}
    return {"type": "function", "function": bare}


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _from_json(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None
