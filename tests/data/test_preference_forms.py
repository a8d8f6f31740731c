"""Preference rows as published sets write them: one prompt, two answers, nothing guessed, nothing lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.forms.columns import shapes_of
from lab_helpers.data.forms.preference_rows import preference_parts
from lab_helpers.data.forms.row_checks import check_row

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


@pytest.mark.parametrize(
    ("scores", "codes"),
    [
        ({"score_chosen": 2.0, "score_rejected": 8.0}, ["scores-contradict"]),
        ({"chosen-rating": 1, "rejected-rating": 5}, ["scores-contradict"]),
        ({"score_chosen": 5.0, "score_rejected": 5.0}, ["scores-equal"]),
        ({"score_chosen": 8.5, "score_rejected": 3.0}, []),
        ({"chosen_tokens": 3, "rejected_tokens": 9}, []),
    ],
)
def test_scores_that_contradict_the_pair_are_named(scores, codes):
    row = {"prompt": Q, "chosen": GOOD, "rejected": BAD, **scores}
    assert [one.code for one in check_row(row, "preference")] == codes


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
