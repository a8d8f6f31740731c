"""Tokens that end a turn are found inside texts; what only looks like one is left alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.forms.control_tokens import find_control_token, is_blank
from lab_helpers.data.forms.row_checks import check_row

TOKENS = [
    *("<|im_end|>", "<|im_start|>", "<|eot_id|>", "<|endoftext|>", "</s>", "<s>", "[INST]"),
    *("[/INST]", "<<SYS>>", "<start_of_turn>", "<end_of_turn>", "<eos>", "<｜end▁of▁sentence｜>"),
]


@pytest.mark.parametrize("token", TOKENS)
def test_a_control_token_is_found_and_the_row_refused(token):
    text = f"Press it.{token}\n"
    assert find_control_token(text) == token
    row = {"question": "Q", "answer": text}
    assert [one.code for one in check_row(row, "question-answer")] == ["control-token"]


@pytest.mark.parametrize(
    "text",
    ["a | b |> c", "<p>x</p>", "array[INST_1]", "x < s > y", "It was <s>900</s> 700 yen.", "a<b|c>d"],
)  # fmt: skip
def test_what_only_looks_like_one_is_left_alone(text):
    assert find_control_token(text) is None


@given(st.text(alphabet=" \t\n\u200b\u200d\ufeff\u3000\u2060\u200e\u00ad"))
def test_nothing_to_see_is_blank(text):
    assert is_blank(text)
    codes = {one.code for one in check_row({"question": "Q", "answer": text}, "question-answer")}
    assert "empty-answer" in codes


@given(st.text(min_size=1, alphabet=st.characters(categories=["L", "N", "P"], exclude_characters="\u115f\u1160\u3164\uffa0")))  # fmt: skip
def test_a_letter_is_not_blank(text):
    assert not is_blank(f"\u200b{text} ")
