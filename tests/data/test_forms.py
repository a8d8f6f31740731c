"""What strangers' rows say beside question and answer: used where it can be, else named; never lost."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.forms.columns import SHAPES, columns_beside, shapes_of, unused_columns
from lab_helpers.data.forms.conversations import conversation, cut_to_learned, tools_of
from lab_helpers.data.forms.row_checks import check_row
from lab_helpers.data.forms.shapes import to_messages, to_prompt_completion
from lab_helpers.data.forms.turns import NotMessages, parse_turns
from lab_helpers.runtime.errors import BadInput


def user(text):
    return {"role": "user", "content": text}


def said(text, **more):
    return {"role": "assistant", "content": text, **more}


def system(text):
    return {"role": "system", "content": text}


# --- optional cells -------------------------------------------------------------------------------


@pytest.mark.parametrize("empty", [None, float("nan"), False, "", "  ", [], {}])
def test_an_alpaca_input_that_says_nothing_is_none(empty):
    row = {"instruction": "Why?", "input": empty, "output": "So."}
    assert shapes_of(row) == ["alpaca"]
    assert check_row(row, "alpaca") == []
    assert conversation(row, "alpaca")[0] == user("Why?")


@pytest.mark.parametrize("wrong", [True, 5, {"k": 1}, ["x"]])
def test_an_alpaca_input_that_is_no_text_is_named(wrong):
    row = {"instruction": "Why?", "input": wrong, "output": "So."}
    assert shapes_of(row) == ["alpaca"]
    assert [one.code for one in check_row(row, "alpaca")] == ["not-a-string"]


# --- columns beside -------------------------------------------------------------------------------


def test_history_and_system_become_turns():
    row = {
        "instruction": "And the second step?",
        "output": "Press it.",
        "system": "You are the desk.",
        "history": [["How do I reset it?", "First unplug it."]],
    }
    assert conversation(row, "alpaca") == [
        system("You are the desk."),
        user("How do I reset it?"),
        said("First unplug it."),
        user("And the second step?"),
        said("Press it."),
    ]
    assert columns_beside(row, "alpaca") == {"system": "system", "history": "history"}
    assert unused_columns(row, "alpaca") == []
    assert check_row(row, "alpaca") == []


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ({"instruction": "Which?", "context": "It is red.", "response": "Red."}, "alpaca"),
        ({"question": "Which?", "context": "It is red.", "answer": "Red."}, "question-answer"),
        ({"prompt": "Which?", "context": "It is red.", "completion": "Red."}, "prompt-completion"),
        (
            {"question": "Which?", "context": "It is red.", "answers": {"text": ["Red."]}},
            "question-answer",
        ),
    ],
)
def test_a_context_column_is_asked_with_the_question(row, shape):
    assert shapes_of(row) == [shape]
    asked, answer = conversation(row, shape)
    assert "Which?" in asked["content"]
    assert "It is red." in asked["content"]
    assert answer == said("Red.")
    assert unused_columns(row, shape) == []


@pytest.mark.parametrize("shape", [s for s in SHAPES if s != "preference"])
def test_a_row_level_system_is_the_first_turn_in_every_shape(shape):
    row = {
        "alpaca": {"instruction": "Q", "output": "A"},
        "sharegpt": {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]},
        "openai-chat": {"messages": [user("Q"), said("A")]},
        "prompt-completion": {"prompt": "Q", "completion": "A"},
        "question-answer": {"question": "Q", "answer": "A"},
    }[shape]  # fmt: skip
    turns = conversation({**row, "system": "Be polite."}, shape)
    assert turns == [system("Be polite."), user("Q"), said("A")]


def test_two_different_systems_are_refused_and_the_same_one_stands_once():
    row = {"messages": [system("A"), user("Q"), said("B")], "system": "C"}
    assert [one.code for one in check_row(row, "openai-chat")] == ["two-systems"]
    same = conversation({**row, "system": "A"}, "openai-chat")
    assert same == row["messages"]


def test_columns_that_nothing_uses_are_named():
    row = {"prompt": "Q", "completion": "A", "images": ["x.png"], "id": 7, "note": None}
    assert unused_columns(row, "prompt-completion") == ["images", "id"]


def test_a_history_that_is_no_list_of_pairs_is_named():
    row = {"instruction": "Q", "output": "A", "history": ["Q1", "A1"]}
    assert [one.code for one in check_row(row, "alpaca")] == ["not-history"]


# --- tools ----------------------------------------------------------------------------------------

TOOLS = [{"type": "function", "function": {"name": "price", "parameters": {}}}]
CALL = {"id": "1", "type": "function", "function": {"name": "price", "arguments": '{"of": "kettle"}'}}  # fmt: skip


def test_tool_calls_without_words_are_valid_and_kept():
    messages = [
        user("How much?"),
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "content": "118", "tool_call_id": "1"},
        said("118 yen."),
    ]
    row = {"messages": messages, "tools": TOOLS}
    assert check_row(row, "openai-chat") == []
    found = to_prompt_completion(row, "openai-chat")
    assert found["completion"] == [said("118 yen.")]
    assert found["prompt"][1]["tool_calls"] == [CALL]
    assert found["prompt"][2] == {"role": "tool", "content": "118", "tool_call_id": "1"}
    assert json.loads(found["tools"]) == TOOLS


def test_words_beside_a_call_stay_beside_it():
    (turn,) = parse_turns([said("I look it up.", tool_calls=[CALL])], "messages")
    assert turn == said("I look it up.", tool_calls=[CALL])


def test_sharegpt_names_of_calls_and_results():
    turns = parse_turns(
        [
            {"from": "human", "value": "How much?"},
            {"from": "function_call", "value": '{"name": "price", "arguments": {}}'},
            {"from": "observation", "value": "118"},
            {"from": "gpt", "value": "118 yen."},
        ],
        "conversations",
    )
    assert [turn["role"] for turn in turns] == ["user", "assistant", "tool", "assistant"]
    assert turns[1]["tool_calls"][0]["function"]["name"] == "price"


def test_tools_may_be_json_text_and_nothing_else():
    row = {"prompt": "Q", "completion": "A", "tools": json.dumps(TOOLS)}
    assert tools_of(row, "prompt-completion") == TOOLS
    with pytest.raises(NotMessages, match="not-tools"):
        tools_of(row | {"tools": "price"}, "prompt-completion")


def test_a_call_must_be_answered_by_a_tool():
    row = {"messages": [user("Q"), said("", tool_calls=[CALL]), user("And?"), said("A")]}
    assert "roles-not-alternating" in [one.code for one in check_row(row, "openai-chat")]


def test_reasoning_stays_with_its_turn():
    row = {"messages": [user("Q"), said("A", reasoning_content="Because.")]}
    assert to_messages(row, "openai-chat")["messages"][1]["reasoning_content"] == "Because."


def test_parts_of_text_are_text_and_pictures_are_named():
    parts = [{"type": "text", "text": "Hello "}, {"type": "text", "text": "there"}]
    assert parse_turns([user(parts)], "messages") == [user("Hello there")]
    row = {"messages": [user([{"type": "image_url", "image_url": {}}]), said("A cat.")]}
    assert [one.code for one in check_row(row, "openai-chat")] == ["not-text"]


# --- marks ----------------------------------------------------------------------------------------

OFF = [{"weight": 0}, {"weight": 0.0}, {"train": False}, {"training": "false"}, {"weight": "0"}]


@pytest.mark.parametrize("mark", OFF)
def test_an_answer_marked_as_not_to_be_learned_is_never_the_completion(mark):
    bad, good = said("Throw it away.", **mark), said("Press it.", weight=1)
    row = {"messages": [user("Q"), bad, user("Try again."), good]}
    found = to_prompt_completion(row, "openai-chat")
    assert found["completion"] == [said("Press it.")]
    assert found["prompt"][1] == said("Throw it away.")

    last = {"messages": [user("Q"), good, user("And now?"), bad]}
    found = to_prompt_completion(last, "openai-chat")
    assert found == {"prompt": [user("Q")], "completion": [said("Press it.")]}
    assert [one.code for one in check_row(last, "openai-chat")] == ["cut-after-learned"]

    only = {"messages": [user("Q"), bad]}
    assert [one.code for one in check_row(only, "openai-chat")] == ["nothing-to-learn"]
    with pytest.raises(BadInput, match="not to be learned"):
        to_prompt_completion(only, "openai-chat")


@given(st.lists(st.booleans(), min_size=1, max_size=6))
def test_the_completion_is_the_last_answer_that_may_be_learned(learned):
    turns = []
    for number, may in enumerate(learned):
        turns += [user(f"Q{number}"), said(f"A{number}", weight=int(may))]
    kept = cut_to_learned(parse_turns(turns, "messages"))
    if not any(learned):
        assert kept == []
    else:
        last = max(number for number, may in enumerate(learned) if may)
        assert kept[-1] == said(f"A{last}")
        assert len(kept) == 2 * last + 2


@pytest.mark.parametrize("label", [False, 0, "false", "bad", "rejected"])
@pytest.mark.parametrize("name", ["label", "kto_tag", "Label"])
def test_an_answer_that_the_file_calls_bad_is_not_learned(name, label):
    row = {"prompt": "Q", "completion": "Throw it away.", name: label}
    assert [one.code for one in check_row(row, "prompt-completion")] == ["marked-bad"]
    assert check_row(row | {name: True}, "prompt-completion") == []
    assert check_row(row | {name: "positive"}, "prompt-completion") == []
