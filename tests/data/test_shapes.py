"""Shapes are told by columns and types, never guessed; every shape converts to messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.forms.columns import SHAPES
from lab_helpers.data.forms.shapes import detect_shape, to_messages, to_prompt_completion
from lab_helpers.data.reading.files import Row
from lab_helpers.runtime.errors import BadInput

USER, ANSWER = {"role": "user", "content": "Q"}, {"role": "assistant", "content": "A"}
OTHER = {"role": "assistant", "content": "B"}
SYSTEM = {"role": "system", "content": "S"}
EXAMPLES = {
    "alpaca": {"instruction": "Q", "input": "", "output": "A"},
    "sharegpt": {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]},
    "openai-chat": {"messages": [USER, ANSWER]},
    "prompt-completion": {"prompt": "Q", "completion": "A"},
    "preference": {"prompt": "Q", "chosen": "A", "rejected": "B"},
    "question-answer": {"question": "Q", "answer": "A"},
}
every_shape = pytest.mark.parametrize("shape", SHAPES)


def refusal(rows) -> BadInput:
    with pytest.raises(BadInput) as caught:
        detect_shape(rows)
    return caught.value


@every_shape
def test_each_shape_is_detected_and_converted(shape):
    row = EXAMPLES[shape]
    assert detect_shape([row] * 3).shape == shape
    expected = (
        {"prompt": [USER], "chosen": [ANSWER], "rejected": [OTHER]}
        if shape == "preference"
        else {"messages": [USER, ANSWER]}
    )
    assert to_messages(row, shape) == expected
    assert to_prompt_completion(row, shape) == {"prompt": [USER], "completion": [ANSWER]}


@pytest.mark.parametrize(
    "pair",
    [
        ("質問", "回答"),
        ("問い合わせ", "返信"),
        ("問い", "答え"),
        ("Q", "A"),
        ("input", "output"),
        ("Question", " ANSWER"),
    ],
)
def test_other_names_of_question_and_answer(pair):
    row = {"id": 7, pair[0]: "Q", pair[1]: "A"}
    found = detect_shape([row])
    assert found.shape == "question-answer"
    assert found.columns == {"question": pair[0], "answer": pair[1]}
    assert to_messages(row, found.shape) == {"messages": [USER, ANSWER]}


def test_the_evidence_says_how_many_rows_and_which_columns():
    rows = [EXAMPLES["alpaca"]] * 9 + [{"note": "x"}]
    assert detect_shape(rows).evidence == "9 of 10 rows have instruction, output, input"


def test_only_the_sample_is_read():
    rows = iter([EXAMPLES["alpaca"]] * 5 + [EXAMPLES["preference"]])
    assert detect_shape(rows, sample=5).shape == "alpaca"
    assert next(rows) == EXAMPLES["preference"]


@given(
    st.lists(st.sampled_from(list(SHAPES)), min_size=2, max_size=8).filter(
        lambda s: len(set(s)) > 1
    )
)
def test_mixed_shapes_are_refused_with_their_lines(shapes):
    error = refusal([Row(10 + n, EXAMPLES[shape]) for n, shape in enumerate(shapes)])
    assert "mixed" in error.what
    for shape in set(shapes):
        assert f"{shape} on line" in error.what
        assert str(10 + shapes.index(shape)) in error.what
    assert "--shape" in error.fix


@pytest.mark.parametrize("other", ["question-answer", "prompt-completion", "openai-chat"])
def test_two_shapes_in_the_same_rows_are_ambiguous(other):
    error = refusal([{**EXAMPLES["alpaca"], **EXAMPLES[other]}])
    assert "ambiguous" in error.what
    assert "alpaca" in error.what
    assert other in error.what


@pytest.mark.parametrize(
    "row",
    [
        {"title": "x", "summary": "y"},
        {"question": "x"},
        {},
    ],
)
def test_an_unknown_shape_is_refused_with_what_was_found_and_what_is_known(row):
    error = refusal([Row(4, row)])
    assert "line 4" in error.what
    assert all(name in error.what for name in row)
    assert all(shape in error.fix for shape in SHAPES)


@pytest.mark.parametrize(
    ("row", "said", "way"),
    [
        ({"role": "user", "content": "x"}, "single turn", "messages"),
        ({"from": "human", "value": "x"}, "single turn", "messages"),
        ({"prompt": "x", "completions": [{"response": "y"}]}, "several answers", "chosen"),
        ({"instruction": "x", "output": ["good", "bad"]}, "the better one", "chosen and rejected"),
        ({"text": "x", "label": "y"}, "labelled texts", "labs list"),
        ({"tokens": ["x"], "ner_tags": [0]}, "entities", "labs list"),
        ({"text": "x"}, "plain text", "labs rag"),
    ],
)
def test_a_known_form_that_cannot_be_learned_as_it_is_says_what_it_is(row, said, way):
    error = refusal([Row(1, row)])
    assert said in error.what
    assert way in error.fix


@pytest.mark.parametrize(
    ("row", "shape", "said"),
    [
        ({"question": "x", "answer": 3}, "question-answer", "'answer' is a number"),
        ({"question": "x", "answer": None}, "question-answer", "'answer' is empty"),
        ({"prompt": "p", "chosen": "x", "rejected": None}, "preference", "'rejected' is empty"),
        ({"messages": "Q: x A: y"}, "openai-chat", "'messages' is a text"),
        ({"messages": [{"from": "human", "value": "x"}]}, "openai-chat", "list of another form"),
    ],
)
def test_right_columns_with_wrong_values_are_not_to_be_renamed(row, shape, said):
    error = refusal([Row(4, row), Row(5, row), Row(6, EXAMPLES[shape])])
    assert "no known shape fits on lines 4, 5" in error.what
    assert f"the columns are those of {shape}" in error.what
    assert said in error.what
    assert f"--shape {shape}" in error.fix
    assert "Rename" not in error.fix


def test_turns_that_python_printed_are_called_that():
    error = refusal([{"messages": str([USER, ANSWER])}])
    assert "as Python prints them" in error.what
    assert "json.dumps" in error.fix


def test_an_alpaca_input_follows_the_instruction():
    row = {"instruction": "Translate.", "input": "犬", "output": "dog"}
    assert to_messages(row, "alpaca")["messages"][0]["content"] == "Translate.\n\n犬"


def test_message_lists_may_stand_for_texts():
    row = {"prompt": [SYSTEM, USER], "completion": [ANSWER]}
    assert to_messages(row, "prompt-completion") == {"messages": [SYSTEM, USER, ANSWER]}
    row = {"chosen": [SYSTEM, USER, ANSWER], "rejected": [SYSTEM, USER, OTHER]}
    expected = {"prompt": [SYSTEM, USER], "chosen": [ANSWER], "rejected": [OTHER]}
    assert to_messages(row, "preference") == expected
    assert to_messages({"prompt": "Q", **row}, "preference") == expected


def test_a_preference_agrees_with_trl():
    from trl.data_utils import extract_prompt

    row = {"chosen": [USER, ANSWER, USER, ANSWER], "rejected": [USER, ANSWER, USER, OTHER]}
    assert to_messages(row, "preference") == extract_prompt(row)


@pytest.mark.parametrize(
    ("row", "shape"),
    [
        ({"question": "x"}, "question-answer"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "openai-chat"),
        ({"messages": "x"}, "openai-chat"),
        ({"chosen": "a", "rejected": "b"}, "preference"),
        ({"prompt": 1, "completion": "x"}, "prompt-completion"),
    ],
)
def test_a_row_that_cannot_be_converted_is_refused(row, shape):
    with pytest.raises(BadInput):
        to_messages(row, shape)


def test_an_unknown_shape_name_is_refused():
    with pytest.raises(BadInput, match="unknown shape 'dolly'") as caught:
        to_messages({}, "dolly")
    assert "alpaca" in caught.value.fix


def test_a_conversation_that_ends_with_the_user_has_no_completion():
    with pytest.raises(BadInput, match="last turn"):
        to_prompt_completion({"messages": [USER, ANSWER, USER]}, "openai-chat")
