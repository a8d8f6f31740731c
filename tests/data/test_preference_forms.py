"""Preference rows as published sets write them: one prompt, two answers, nothing guessed, nothing lost."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.forms.columns import shapes_of
from lab_helpers.data.forms.conversations import tools_of
from lab_helpers.data.forms.preference_rows import preference_parts
from lab_helpers.data.forms.row_checks import check_row
from lab_helpers.data.forms.shapes import to_messages

Q, GOOD, BAD = "How do I reset it?", "Press it.", "Throw it away."


def user(text):
    return {"role": "user", "content": text}


def said(text):
    return {"role": "assistant", "content": text}


SYSTEM = {"role": "system", "content": "Be polite."}
HUMAN = {"from": "human", "value": Q}
PLAIN = {"prompt": [user(Q)], "chosen": [said(GOOD)], "rejected": [said(BAD)]}
WITH_SYSTEM = {**PLAIN, "prompt": [SYSTEM, user(Q)]}
FORMS = {
    "texts": ({"prompt": Q, "chosen": GOOD, "rejected": BAD}, PLAIN),
    "alpaca": ({"instruction": Q, "input": "", "output": GOOD, "chosen": GOOD, "rejected": BAD}, PLAIN),
    "alpaca with input": (
        {"instruction": "Answer.", "input": Q, "chosen": GOOD, "rejected": BAD},
        {**PLAIN, "prompt": [user(f"Answer.\n\n{Q}")]},
    ),
    "messages beside": (
        {"prompt": Q, "chosen": [user(Q), said(GOOD)], "rejected": [user(Q), said(BAD)], "messages": [user(Q), said(GOOD)]},
        PLAIN,
    ),
    "sharegpt": (
        {"conversations": [HUMAN], "chosen": {"from": "gpt", "value": GOOD}, "rejected": {"from": "gpt", "value": BAD}},
        PLAIN,
    ),
    "openai": (
        {"input": {"messages": [SYSTEM, user(Q)]}, "preferred_output": [said(GOOD)], "non_preferred_output": [said(BAD)]},
        WITH_SYSTEM,
    ),
    "question with system": ({"system": "Be polite.", "question": Q, "chosen": GOOD, "rejected": BAD}, WITH_SYSTEM),
    "a system in the prompt only": (
        {"prompt": [SYSTEM, user(Q)], "chosen": [user(Q), said(GOOD)], "rejected": [user(Q), said(BAD)]},
        WITH_SYSTEM,
    ),
    "the prompt is the first of many turns": (
        {
            "prompt": "Hi",
            "chosen": [SYSTEM, user("Hi"), said("Hello."), user(Q), said(GOOD)],
            "rejected": [SYSTEM, user("Hi"), said("Hello."), user(Q), said(BAD)],
        },
        {**PLAIN, "prompt": [SYSTEM, user("Hi"), said("Hello."), user(Q)]},
    ),
    "one text a transcript": (
        {"chosen": f"\n\nHuman: {Q}\n\nAssistant: {GOOD}", "rejected": f"\n\nHuman: {Q}\n\nAssistant: {BAD}"},
        PLAIN,
    ),
    "a transcript as the prompt": (
        {"prompt": f"\n\nHuman: Hi\n\nAssistant: Hello.\n\nHuman: {Q}\n\nAssistant:", "chosen": GOOD, "rejected": BAD},
        {**PLAIN, "prompt": [user("Hi"), said("Hello."), user(Q)]},
    ),
    "a system that stands twice": ({**WITH_SYSTEM, "system": "Be polite."}, WITH_SYSTEM),
    "answers that are JSON": (
        {"prompt": Q, "chosen": '[{"item": "kettle"}]', "rejected": '{"from": "Tokyo", "to": "Osaka"}'},
        {"prompt": [user(Q)], "chosen": [said('[{"item": "kettle"}]')], "rejected": [said('{"from": "Tokyo", "to": "Osaka"}')]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_each_form_gives_its_prompt_and_its_two_answers(name):
    row, expected = FORMS[name]
    assert shapes_of(row) == ["preference"]
    assert preference_parts(row) == expected
    assert check_row(row, "preference") == []


def test_a_prompt_that_the_answers_contradict_is_refused():
    row = {"prompt": "Another", "chosen": [user(Q), said(GOOD)], "rejected": [user(Q), said(BAD)]}
    assert [one.code for one in check_row(row, "preference")] == ["other-prompt"]


def test_a_transcript_whose_answer_is_empty_has_an_empty_answer():
    row = {"chosen": f"\n\nHuman: {Q}\n\nAssistant: ", "rejected": f"\n\nHuman: {Q}\n\nAssistant: {BAD}"}  # fmt: skip
    assert [one.code for one in check_row(row, "preference")] == ["empty-answer"]


def test_two_calls_of_tools_without_words_are_two_answers():
    calls = [{"role": "assistant", "tool_calls": [{"name": name}]} for name in ("reset", "lose")]
    row = {"prompt": Q, "chosen": calls[0], "rejected": calls[1]}
    assert check_row(row, "preference") == []
    assert "same-answers" in [one.code for one in check_row(row | {"rejected": calls[0]}, "preference")]  # fmt: skip


def test_a_prompt_in_a_cell_may_be_openais_request_and_other_json_is_a_text():
    request = {"messages": [user(Q)], "tools": [{"name": "reset"}]}
    row = {"input": json.dumps(request), "chosen": GOOD, "rejected": BAD}
    assert preference_parts(row) == PLAIN
    assert [tool["function"]["name"] for tool in tools_of(row, "preference")] == ["reset"]
    text = json.dumps({"messages": ["a", "b"], "tools": "hammer"})
    assert preference_parts(row | {"input": text})["prompt"] == [user(text)]
    assert check_row(row | {"input": text}, "preference") == []


def test_two_answers_with_different_first_turns_are_called_that():
    row = {"chosen": [user(Q), said(GOOD)], "rejected": [user("Another"), said(BAD)]}
    assert [one.code for one in check_row(row, "preference")] == ["other-beginning"]


def test_a_system_in_the_middle_is_an_error_with_and_without_a_column():
    row = {"prompt": [user("Hi"), SYSTEM, said("Hello."), user(Q)], "chosen": GOOD, "rejected": BAD}
    for more in ({}, {"system": "Be polite."}, {"system": "Be kind."}):
        assert "system-not-first" in [one.code for one in check_row(row | more, "preference")]


def test_tools_beside_openais_input_are_the_rows_tools():
    tools = [{"type": "function", "function": {"name": "reset", "parameters": {}}}]
    row = {
        "input": {"messages": [user(Q)], "tools": tools, "parallel_tool_calls": True},
        "preferred_output": [said(GOOD)],
        "non_preferred_output": [said(BAD)],
    }
    assert check_row(row, "preference") == []
    assert tools_of(row, "preference") == tools
    assert json.loads(to_messages(row, "preference")["tools"]) == tools
    assert [one.code for one in check_row(row | {"tools": [{"name": "other"}]}, "preference")] == ["not-tools"]  # fmt: skip


@given(
    st.lists(st.sampled_from("abc"), max_size=4),
    st.booleans(),
    st.lists(st.sampled_from("xyz"), min_size=1, max_size=2),
)
def test_prompt_and_answer_together_are_the_transcript(before, with_system, tail):
    """However long the common beginning, no turn is lost and none comes twice."""
    turns = [SYSTEM] * with_system
    for number, words in enumerate(before):
        turns += [user(f"{words}{number}"), said(words)]
    turns.append(user(Q))
    more = [said(tail[0])] + [user("and"), said(tail[-1])] * (len(tail) - 1)
    row = {"chosen": [*turns, *more], "rejected": [*turns, said(BAD)]}
    parts = preference_parts(row)
    assert parts["prompt"] + parts["chosen"] == row["chosen"]
    assert parts["prompt"] + parts["rejected"] == row["rejected"]
    with_prompt = preference_parts({**row, "prompt": turns})
    assert with_prompt == parts
