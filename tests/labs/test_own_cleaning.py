"""Lab 04 on the user's own rows: what cleaning did, as metrics and as tables in both languages."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.own_rows.row_cleaning import STEPS, clean_rows
from lab_helpers.data.own_rows.row_report import KEPT_EDITS
from lab_helpers.labs.shared import own_cleaning
from lab_helpers.runtime.language import speaking

_JAPANESE = re.compile("[ぁ-ん一-鿿]")


def row(question: str, answer: str) -> dict:
    return {
        "prompt": [{"role": "user", "content": question}],
        "completion": [{"role": "assistant", "content": answer}],
    }


ROWS = [
    *(row(f"What does part {n} do?", f"It turns wheel {n}.") for n in range(10)),
    row("<p>Is it warm today?</p>", "It is."),
    row("Hello, is it warm today?", "It is."),
    row("Ring me on 090-1111-2222.", "Our desk is 03-5550-1100.\u200b"),
    row("What does part 3 do?", "It turns wheel 3."),
    row("What does part 3 do?", "It turns nothing."),
    row("And this one?", "<p></p>"),
    row("Make a web page", "<p>One two three</p>"),
]


@pytest.fixture(scope="module")
def report():
    return clean_rows(ROWS)[1]


def test_every_row_is_in_a_number(report):
    metrics = own_cleaning.cleaning_metrics(report)
    assert metrics == {
        "user_rows_repaired": 3,
        "user_rows_html_stripped": 2,
        "user_rows_characters_repaired": 1,
        "user_rows_masked": 1,
        "user_near_duplicates": 2,
        "user_rows_emptied": 1,
        "user_rows_answered_otherwise": 2,
        "user_different_questions": 13,
        "user_rows_html_left": 1,
        "user_contacts_left": 1,
        "user_rows_clean": 14,
    }
    gone = metrics["user_near_duplicates"] + metrics["user_rows_emptied"]
    assert metrics["user_rows_clean"] + gone == len(ROWS)


def test_a_step_that_is_left_out_has_no_number_and_no_line():
    report = clean_rows(ROWS, STEPS)[1]
    assert set(own_cleaning.cleaning_metrics(report)) == {
        "user_rows_repaired",
        "user_rows_emptied",
        "user_rows_answered_otherwise",
        "user_different_questions",
        "user_rows_clean",
    }
    assert own_cleaning.step_rows(report) == []


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_tables_say_it_in_words(report, language):
    with speaking(language):
        steps = own_cleaning.step_rows(report)
        edits = own_cleaning.edit_rows(report)
        removed = own_cleaning.removed_rows(report)
        left = own_cleaning.left_rows(report)
    assert [(one["rows"], one["edits"], one["removed"]) for one in steps] == [
        (1, 1, 0), (2, 2, 0), (1, 1, 0), (0, 0, 1), (0, 0, 2),
    ]  # fmt: skip
    assert [one["row"] for one in edits] == [13, 11, 16, 13]
    assert [(one["row"], one["twin"]) for one in removed] == [(12, 11), (14, 4), (16, None)]
    assert [(one["text"], one["rows"]) for one in left] == [("03-5550-1100", 1), ("<…>", 1)]
    words = [one["step"] for one in [*steps, *edits]] + [one["why"] for one in [*removed, *left]]
    assert all(bool(_JAPANESE.search(word)) == (language == "ja") for word in words)
    assert json.loads(json.dumps([steps, edits, removed, left])) == [steps, edits, removed, left]


def test_every_reason_has_words():
    from lab_helpers.data.own_rows import contacts, row_cleaning, row_steps

    assert set(own_cleaning.STEP_NAMES) == set(STEPS)
    assert set(own_cleaning.WHY_REMOVED) == {
        row_cleaning.COPY,
        row_cleaning.NEAR_DUPLICATE,
        row_cleaning.NO_ANSWER,
        row_cleaning.NO_QUESTION,
    }
    reasons = {
        getattr(contacts, name)
        for name in (
            *("SYSTEM", "CONTEXT", "ANSWERS", "FAMILY", "ANNOUNCED", "OPEN", "PERSON"),
            *("STAFF", "BARE", "KEY"),
        )
    }
    assert set(own_cleaning.WHY_LEFT) == reasons | {
        row_steps.HTML_IS_CONTENT,
        row_steps.HTML_IN_MOST,
        row_steps.ENTITIES,
    }


def test_the_split_keeps_copies_together():
    rows = clean_rows(ROWS, {"near-duplicates"})[0]
    split = own_cleaning.split_own_rows(rows, seed=0)
    assert sum(map(len, split.values())) == len(rows)
    for question in ("warm today", "part 3"):
        sides = {
            name
            for name, part in split.items()
            for one in part
            if question in one["prompt"][0]["content"] and "nothing" not in str(one["completion"])
        }
        assert len(sides) == 1


def questions_of(rows: list[dict]) -> set[str]:
    return {one["prompt"][-1]["content"].removeprefix("Hello, ").rstrip("?.!") for one in rows}


@given(
    answers=st.lists(st.integers(1, 30), min_size=10, max_size=25),
    seed=st.integers(0, 3),
)
def test_what_asks_the_same_is_on_one_side_and_no_side_is_empty(answers, seed):
    rows = [
        row(f"{'Hello, ' if n % 2 else ''}is part {part} warm?", f"Case {n} of part {part}.")
        for part, count in enumerate(answers)
        for n in range(count)
    ]
    split = own_cleaning.split_own_rows(rows, seed)
    assert sum(map(len, split.values())) == len(rows)
    assert split["train"]
    assert split["test"]
    assert not questions_of(split["train"]) & questions_of(split["test"])


def test_a_conversation_stays_with_the_row_from_which_it_goes_on():
    rows = []
    for n in range(12):
        first = row(f"Is part {n} warm?", f"Part {n} is.")
        later = row("And its colour?", "White.")
        rows += [
            first,
            later | {"prompt": [*first["prompt"], *first["completion"], *later["prompt"]]},
        ]
    split = own_cleaning.split_own_rows(rows, 0)
    sides = [{one["prompt"][0]["content"] for one in part} for part in split.values()]
    assert not sides[0] & sides[1]


@pytest.mark.parametrize(("language", "said"), [("en", "only 1 different"), ("ja", "1 種類だけ")])
def test_rows_that_ask_one_thing_are_split_by_row_and_that_is_said(language, said, monkeypatch):
    heard = []
    monkeypatch.setattr(own_cleaning, "note", heard.append)
    rows = [row("Tell a joke.", f"Joke number {n}.") for n in range(20)]
    with speaking(language):
        split = own_cleaning.split_own_rows(rows, 0)
    assert [len(part) for part in split.values()] == [16, 4]
    assert said in heard[0]
    heard.clear()
    own_cleaning.split_own_rows([*rows, row("Tell a tale.", "Once.")], 0)
    assert heard == []


@pytest.mark.parametrize(("language", "said"), [("en", "20 more"), ("ja", "ほか 20 件")])
def test_the_edits_that_are_not_kept_are_counted_in_the_table(language, said):
    rows = [row(f"How is {n}?", f"Fine,\u200b {n}.") for n in range(KEPT_EDITS + 20)]
    report = clean_rows(rows)[1]
    with speaking(language):
        edits = own_cleaning.edit_rows(report)
    assert len(edits) == KEPT_EDITS + 1
    assert edits[-1]["before"] == said
    assert len(own_cleaning.edit_rows(clean_rows(rows[:KEPT_EDITS])[1])) == KEPT_EDITS == 1000


def test_entities_and_numbers_left_alone_are_in_the_table():
    rows = [
        *ROWS[:10],
        row("How much is the 450-1200?", "It&nbsp;is &#12371;&quot;5&quot;."),
        row("Which branch has 03-5550-1000?", "Osaka."),
        row("Which branch has 03-5550-1001?", "Osaka."),
    ]
    kept, report = clean_rows(rows)
    assert kept == rows
    left = own_cleaning.left_rows(report)
    assert {(one["kind"], one["text"], one["different"]) for one in left} == {
        ("POSTCODE", "450-1200", 1),
        ("PHONE", "03-5550-1000", 2),
        ("HTML", "&…;", 1),
    }
    assert all(one["why"] for one in left)
