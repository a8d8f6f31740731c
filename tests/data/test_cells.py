"""What one cell says: where a table writes that there is no value, and where JSON is a text of its own."""

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.forms.cells import MISSING_TEXTS, decode_turns, is_absent, read_number
from lab_helpers.data.forms.columns import columns_beside, shapes_of, unused_columns
from lab_helpers.data.forms.conversations import conversation
from lab_helpers.data.forms.row_checks import check_row

MISSING = pytest.mark.parametrize("missing", sorted(MISSING_TEXTS))


def codes(row, shape):
    return [one.code for one in check_row(row, shape)]


# --- no value -------------------------------------------------------------------------------------


@MISSING
def test_a_missing_value_in_an_optional_cell_is_none(missing):
    row = {"instruction": "Q", "input": missing, "output": "A"}
    beside = dict.fromkeys(("system", "history", "tools"), f" {missing}\n")
    assert codes(row | beside, "alpaca") == []
    assert len(conversation(row | beside, "alpaca")) == 2
    assert columns_beside(row | beside, "alpaca") == {}


@MISSING
def test_a_missing_value_is_neither_a_question_nor_an_answer(missing):
    for row in ({"question": missing, "answer": "A"}, {"question": "Q", "answer": missing}):
        (problem,) = check_row(row, "question-answer")
        assert problem.code == "no-value"
        assert f"'{missing}'" in problem.message
    for name in ("prompt", "chosen", "rejected"):
        row = {"prompt": "p", "chosen": "a", "rejected": "b", name: missing}
        assert codes(row, "preference") == ["no-value"]


@MISSING
def test_a_missing_value_is_no_turn_but_a_tool_may_return_it(missing):
    user, said = {"role": "user", "content": "Q"}, {"role": "assistant", "content": missing}
    assert codes({"messages": [user, said]}, "openai-chat") == ["no-value"]
    assert codes({"question": "Q", "answers": [missing]}, "question-answer") == ["no-value"]
    call = {"role": "assistant", "tool_calls": [{"name": "look"}]}
    turns = [user, call, {"role": "tool", "content": missing}, said | {"content": "A"}]
    assert codes({"messages": turns}, "openai-chat") == []


@pytest.mark.parametrize(
    "word", ["none", "None.", "null and void", "NaN is a number", "N/A", "nil"]
)
def test_a_word_that_only_looks_like_one_is_a_text(word):
    assert codes({"question": "Q", "answer": word}, "question-answer") == []
    assert not is_absent(word)


def test_false_and_zero_say_something_and_zero_is_no_text():
    row = {"question": "Q", "answer": "A", "seen": False, "id": 0, "a": None, "b": float("nan"), "c": " ", "d": {}}  # fmt: skip
    assert unused_columns(row, "question-answer") == ["seen", "id"]
    assert codes({"instruction": "Even?", "input": 0, "output": "Yes."}, "alpaca") == ["not-a-string"]  # fmt: skip


# --- JSON that is a text --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        [{"item": "kettle", "years": 1}],
        {"years": 1},
        [{"from": "Tokyo", "to": "Osaka"}],
        [{"role": "admin", "name": "Sato"}],
        [{"role": "user", "content": "Q"}, {"item": "kettle"}],
        [1, 2],
        [],
    ],
)
def test_an_answer_that_is_json_stays_a_text(value):
    text = json.dumps(value)
    row = {"prompt": text, "completion": text}
    assert shapes_of(row) == ["prompt-completion"]
    assert codes(row, "prompt-completion") == []
    assert [turn["content"] for turn in conversation(row, "prompt-completion")] == [text, text]


@pytest.mark.parametrize(
    "turn", [{"role": "user", "content": "Q"}, {"from": "human", "value": "Q"}]
)
def test_turns_written_as_json_are_turns(turn):
    assert decode_turns(json.dumps([turn])) == [turn]
    row = {"prompt": json.dumps([turn]), "completion": "A"}
    assert conversation(row, "prompt-completion")[0] == {"role": "user", "content": "Q"}


def test_turns_that_python_printed_are_named():
    turns = str([{"role": "user", "content": "Q"}])
    assert codes({"prompt": turns, "completion": "A"}, "prompt-completion") == ["python-repr"]


# --- answers in a list ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["a", "b", "c"], ["answers-left-out"]),
        ({"text": ["a", "b"], "answer_start": [0, 4]}, ["answers-left-out"]),
        ({"text": ["a", "a"], "answer_start": [0, 9]}, []),
        ([{"text": "a", "answer_start": 0}], []),
        ({"text": [], "answer_start": []}, ["empty-answer"]),
        ([], ["empty-answer"]),
    ],
)
def test_answers_beyond_the_first_are_counted_and_none_is_empty(answers, expected):
    row = {"question": "Q", "answers": answers}
    assert codes(row, "question-answer") == expected
    assert conversation(row, "question-answer")[1]["content"] == ("a" if answers and "empty-answer" not in expected else "")  # fmt: skip


def test_a_warning_hides_no_error():
    row = {"question": "Q", "answers": ["a", "b"], "tools": "hammer"}
    assert codes(row, "question-answer") == ["answers-left-out", "not-tools"]


def test_how_many_answers_are_left_out_is_said():
    (problem,) = check_row({"question": "Q", "answers": ["a", "b", "c"]}, "question-answer")
    assert "2 other ones" in problem.message


# --- numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "number"),
    [("2", 2), (" -1.5 ", -1.5), ("５", 5), ("1e3", 1000), (True, None), ("nan", None), ("a", None), (None, None), ([1], None)],
)  # fmt: skip
def test_numbers_are_read_from_texts_as_well(value, number):
    assert read_number(value) == number


@given(st.integers(min_value=10**309, max_value=10**400), st.sampled_from([1, -1]))
def test_no_number_is_too_large(value, sign):
    largest = sign * sys.float_info.max
    assert read_number(sign * value) == read_number(str(sign * value)) == largest
