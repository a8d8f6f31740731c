"""Tool calls, tools, pictures and thoughts in a turn: used where there is one meaning, else refused."""

import json

import pytest

from lab_helpers.data.forms.conversations import tools_of
from lab_helpers.data.forms.row_checks import check_row
from lab_helpers.data.forms.shapes import to_messages
from lab_helpers.data.forms.turns import NotMessages, parse_turns

CALL = {"type": "function", "function": {"name": "look", "arguments": {"of": "kettle"}}}
BARE = CALL["function"]


def turn(**more):
    return {"role": "assistant", "content": "I look.", **more}


def row(**more):
    return {"messages": [{"role": "user", "content": "Q"}, turn(**more)]}


def codes(found, shape="openai-chat"):
    return [one.code for one in check_row(found, shape)]


@pytest.mark.parametrize(
    "more",
    [
        {"tool_calls": [CALL]},
        {"tool_calls": json.dumps([CALL])},
        {"tool_calls": [BARE]},
        {"tool_calls": BARE},
        {"tool_calls": json.dumps(BARE)},
        {"function_call": BARE},
    ],
)
def test_each_form_of_a_call_is_the_same_call(more):
    assert parse_turns([turn(**more)], "messages") == [turn(tool_calls=[CALL])]
    assert codes(row(**more)) == []


def test_an_id_stays_with_its_call_and_a_call_without_arguments_has_none():
    (found,) = parse_turns([turn(tool_calls=[{"id": "7", "name": "look"}])], "messages")
    assert found["tool_calls"] == [
        {"id": "7", "type": "function", "function": {"name": "look", "arguments": {}}}
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"tool_calls": ["look"]},
        {"tool_calls": "look(kettle)"},
        {"tool_calls": [{"type": "function", "function": "look"}]},
        {"tool_calls": [{"name": "look", "parameters": {"of": "kettle"}}]},
        {"tool_calls": [{"name": "look", "arguments": ["kettle"]}]},
        {"tool_calls": [{"arguments": {}}]},
        {"tool_calls": 7},
        {"function_call": "auto"},
        {"function_call": BARE, "tool_calls": [CALL]},
    ],
)
def test_a_call_with_no_or_several_meanings_is_refused(more):
    assert codes(row(**more)) == ["bad-call"]


def test_a_tool_without_its_outer_object_gets_it():
    bare = {"name": "look", "parameters": {}}
    found = {"prompt": "Q", "completion": "A", "tools": [bare]}
    assert tools_of(found, "prompt-completion") == [{"type": "function", "function": bare}]


def test_anthropics_schema_is_the_parameters():
    tool = {"name": "look", "input_schema": {"type": "object"}}
    found = {"prompt": "Q", "completion": "A", "tools": [tool]}
    (read,) = tools_of(found, "prompt-completion")
    assert read["function"] == {"name": "look", "parameters": {"type": "object"}}


@pytest.mark.parametrize(
    "tools",
    [
        [{"type": "function", "function": "look"}],
        ["look"],
        {"name": "look"},
        [{}],
        "hammer",
        7,
        [{"type": "search", "name": "x"}],
    ],
)
def test_what_is_no_list_of_tools_is_refused_with_a_way_out(tools):
    found = {"prompt": "Q", "completion": "A", "tools": tools}
    with pytest.raises(NotMessages, match="not-tools"):
        tools_of(found, "prompt-completion")
    (problem,) = check_row(found, "prompt-completion")
    assert "--ignore tools" in problem.fix()
    assert "--ignore tools" in problem.in_japanese()[1]


@pytest.mark.parametrize("column", ["image", "images", "videos", "Audios"])
@pytest.mark.parametrize("mark", ["<image>", "<video>", "<audio>"])
def test_a_picture_beside_its_placeholder_is_no_text(column, mark):
    found = {"prompt": f"{mark}Q", "completion": "A", column: ["a.png"]}
    assert codes(found, "prompt-completion") == ["not-text"]
    assert codes(found | {column: []}, "prompt-completion") == []


def test_a_picture_in_a_turn_is_no_text():
    assert codes(row(images=["a.png"])) == ["not-text"]
    assert codes(row(images=[], audio=None)) == []


def test_a_part_that_was_thought_is_reasoning_and_not_said():
    parts = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "A"}]
    found = to_messages(row(content=parts), "openai-chat")["messages"][1]
    assert found == {"role": "assistant", "content": "A", "reasoning_content": "Hm."}
    assert codes(row(content=parts[:1])) == ["empty-answer"]


def test_a_thought_in_two_places_is_lost_in_neither():
    parts = [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "A"}]
    (found,) = parse_turns([turn(content=parts, reasoning_content="So.")], "messages")
    assert found["reasoning_content"] == "So.\n\nHm."
    (found,) = parse_turns([turn(content=parts, reasoning_content="Hm.")], "messages")
    assert found["reasoning_content"] == "Hm."


@pytest.mark.parametrize(
    ("thought", "code"),
    [("a<|im_end|>", "control-token"), ("a\0", "null-byte"), ("cafÃ© au lait", "mojibake")],
)
def test_a_thought_is_checked_as_a_text(thought, code):
    (problem,) = check_row(row(reasoning_content=thought), "openai-chat")
    assert problem.code == code
    assert "reasoning_content" in problem.message
