"""Numbers in replies, and whether a reply could be sent as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.evaluation.replies import facts_right, numbers, right_numbers, says, usable
from lab_helpers.evaluation.tone import HOUSE

HOUSES = {language: (house.opening, house.closing) for language, house in HOUSE.items()}


def in_tone(body: str, language: str = "en") -> str:
    opening, closing = HOUSES[language]
    return f"{opening} {body} {closing}"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It costs 118,000 yen and weighs 5.6 kg.", {"118,000", "5.6"}),
        ("The NW-800 came out in 2019.", {"800", "2019"}),
        ("from 9:30 to 18:00", {"9:30", "18:00"}),
        ("価格は36,800円です。保証は2年です。", {"36,800", "2"}),
        ("no number", set()),
    ],
)
def test_numbers_as_they_are_written(text, found):
    assert numbers(text) == found


def test_every_number_of_the_answer_must_be_there():
    assert right_numbers("2 years, 118,000 yen", "It is 118,000 yen for 2 years.") is True
    assert right_numbers("2 years, 118,000 yen", "It is 118,000 yen.") is False
    assert right_numbers("It is white.", "It is black.") is None


@given(st.text(max_size=60))
def test_an_answer_agrees_with_itself(text):
    assert right_numbers(text, text) is not False


ROWS = [
    {"answer": "It costs 500 yen.", "fact": "price"},
    {"answer": "It costs 500 yen.", "fact": ""},
    {"answer": "It is white.", "fact": "colour"},
]


def test_only_rows_that_state_a_number_as_a_fact_are_scored():
    assert facts_right(ROWS, ["500", "7", "7"]).tolist() == [1.0]
    assert facts_right(ROWS, ["50", "500", "500"]).tolist() == [0.0]
    assert len(facts_right(ROWS[1:], ["500", "500"])) == 0


def test_usable_is_tone_and_where_asked_for_the_number():
    right, wrong = in_tone("It costs 500 yen."), in_tone("It costs 7 yen.")
    assert usable(ROWS, [right] * 3, "en").tolist() == [1, 1, 1]
    assert usable(ROWS, [wrong] * 3, "en").tolist() == [0, 1, 1]
    assert usable(ROWS, ["It costs 500 yen."] * 3, "en").tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("answer", "reply", "right"),
    [
        ("Paris", "Paris", True),
        ("Paris", "The capital of France is paris.", True),
        ("5", "It is 15.", False),
        ("5", "It is 5.", True),
        ("cat", "A caterpillar", False),
        ("118,000 yen", "It costs 118,000 yen.", True),
        ("パリ", "首都はパリです。", True),
        ("a.b", "a-b", False),
    ],
)
def test_an_answer_may_stand_in_a_sentence(answer, reply, right):
    assert says(answer, reply) is right
