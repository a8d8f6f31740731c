"""Copies but for little words: what must be merged, what must never be, and a split that knows."""

import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.own_rows.copies import (
    all_groups,
    answered_otherwise,
    copy_groups,
    question_groups,
    remove_copies,
    talk_groups,
)
from lab_helpers.data.splitting import split_groups
from lab_helpers.runtime.errors import BadInput


def row(question: str, answer: str, system: str | None = None, before: tuple = ()) -> dict:
    prompt = [{"role": "system", "content": system}] if system else []
    prompt += [
        {"role": role, "content": text}
        for role, text in zip(("user", "assistant") * 3, before, strict=False)
    ]
    return {
        "prompt": [*prompt, {"role": "user", "content": question}],
        "completion": [{"role": "assistant", "content": answer}],
    }


SAME = [
    (("How do I reset the lamp?", "Hold it for 3 s."), ("Hello, how can I reset the lamp", "Hold it for 3 s")),
    (("Is it warm?", "It is."), ("IS IT WARM?!", "it is.")),
    (("What is the price of NW-800?", "1,000 yen."), ("Please tell me: what's the price of NW-800?", "1000 yen.")),
    (("Can I return it?", "No, you can't."), ("Good morning, can I return it? Thank you!", "No, you can not.")),
    (("ナガレの保証は何年ですか。", "2年です。"), ("すみません、ナガレの保証は何年でしょうか？", "2年です")),
    (("型番ＮＷ－８００の価格は？", "1,000円です。"), ("こんにちは。型番 NW-800 の価格は?", "1000円でございます。")),
    (("ｴﾗｰE4とは何ですか", "過熱です"), ("エラーE4とは何ですか。教えてください。", "過熱です。")),
]  # fmt: skip

DIFFERENT = [
    (("What is the price of NW-800?", "1000 yen."), ("What is the price of NW-801?", "1000 yen.")),
    (("What is 11 plus 31?", "42"), ("What is 12 plus 30?", "42")),
    (("Is the kettle loud?", "No."), ("Is the lamp loud?", "No.")),
    (("Does it float?", "It does."), ("Does it float?", "It does not.")),
    (("Does it float?", "Yes."), ("Doesn't it float?", "Yes.")),
    (("How do I turn it on?", "Press A."), ("How do I turn it off?", "Press A.")),
    (("The train to Ueno from Oku?", "At 5."), ("The train from Ueno to Oku?", "At 5.")),
    (("Dose?", "Take 5 mg."), ("Dose?", "Take .5 mg.")),
    (("Is it 3 < 5?", "Look."), ("Is it 3 > 5?", "Look.")),
    (("Volume?", "10² l"), ("Volume?", "102 l")),
    (("How was it? 😀", "Noted."), ("How was it? 😢", "Noted.")),
    (("What does `a  b` print?", "It."), ("What does `a b` print?", "It.")),
    (("Write a slogan.", "Warm for life."), ("Write a slogan.", "Cool for life.")),
    (("Hi", "Welcome."), ("Thank you", "Welcome.")),
    (("それは使えますか。", "使えます。"), ("それは使えますか。", "使えません。")),
    (("NW-800は何円ですか。", "千円です。"), ("NW-801は何円ですか。", "千円です。")),
    (("赤はありますか。", "はい。"), ("青はありますか。", "はい。")),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_little_words_make_no_difference(one, other):
    rows = [row(*one), row("Something else?", "Yes, 7."), row(*other)]
    assert copy_groups(rows) == [[0, 2]]
    kept, twins = remove_copies(rows)
    assert (kept, twins) == (rows[:2], {2: 0})


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_says_something_else_is_no_copy(one, other):
    shared = "You are the assistant of a shop. " * 60
    assert copy_groups([row(*one), row(*other)]) == []
    assert copy_groups([row(*one, shared), row(*other, shared)]) == []


def test_the_turns_before_count_too():
    rows = [
        row("And in red?", "Yes.", before=("Is there a ladle?", "There is.")),
        row("And in red?", "Yes.", before=("Is there an anvil?", "There is.")),
        row("And in red?", "Yes.", before=("Is there an anvil?", "There is.")),
    ]
    assert copy_groups(rows) == [[1, 2]]


def test_tools_calls_and_reasoning_count_too_and_the_line_does_not():
    one, other = row("Ring.", "Done."), row("Ring.", "Done.")
    assert copy_groups([one | {"line": 3}, other | {"line": 9}]) == [[0, 1]]
    assert copy_groups([one | {"tools": '[{"name": "ring"}]'}, other]) == []
    other["completion"][0]["reasoning_content"] = "They want a bell."
    assert copy_groups([one, other]) == []


def test_other_answers_to_the_same_question_are_named():
    rows = [
        row("Go on.", "He fell."),
        row("Go on.", "He rose."),
        row("Stop.", "Yes."),
        row("Stop", "Yes"),
    ]
    assert answered_otherwise(rows) == [[0, 1]]


CONTEXT = "".join(random.Random(0).choices(string.ascii_lowercase + "    ,.", k=2000))
words = st.text(string.ascii_lowercase, min_size=4, max_size=9).map(lambda word: f"q{word}")
sentences = st.lists(words, min_size=1, max_size=5).map(" ".join)
GREETINGS = ["", "Hello, ", "Hi there! ", "Good morning. ", "Please tell me: "]
ENDS = ["", "?", ".", "!", "  ", "? Thank you!", "?\n"]


@given(asked=st.lists(sentences, min_size=2, max_size=6, unique=True), answer=sentences)
def test_rows_that_share_a_long_context_and_ask_something_else_are_not_merged(asked, answer):
    for rows in (
        [row(f"{CONTEXT}\n\nQuestion: {one}?", answer) for one in asked],
        [row(f"{one}?", answer, CONTEXT) for one in asked],
        [row(f"{one}?\n{CONTEXT}", answer) for one in asked],
    ):
        assert copy_groups(rows) == []


@given(
    question=st.text(max_size=60),
    answer=st.text(max_size=60),
    others=st.lists(sentences, max_size=4),
)
def test_exact_copies_are_always_found(question, answer, others):
    rows = [row(question, answer), *(row(f"{one} 1", one) for one in others), row(question, answer)]
    assert any({0, len(rows) - 1} <= set(group) for group in copy_groups(rows))


@given(
    question=sentences,
    answer=sentences,
    number=st.integers(0, 999),
    hello=st.sampled_from(GREETINGS),
    ends=st.tuples(*[st.sampled_from(ENDS)] * 2),
    upper=st.booleans(),
)
def test_light_edits_of_both_are_copies_while_the_numbers_are_the_same(
    question, answer, number, hello, ends, upper
):
    edited = f"{hello}{question} NW-{number}{ends[0]}", f"{answer} {number} l{ends[1]}"
    edited = tuple(one[0].upper() + one[1:] for one in edited) if upper else edited
    one, light = row(f"{question} NW-{number}", f"{answer} {number} l"), row(*edited)
    assert copy_groups([one, light]) == [[0, 1]]
    for other in (f"NW-{number + 1}", f"NX-{number}"):
        assert copy_groups([row(f"{question} {other}", f"{answer} {number} l"), light]) == []
    assert copy_groups([row(f"{question} NW-{number}", f"{answer} {number + 1} l"), light]) == []


@given(
    asked=st.lists(sentences, min_size=6, max_size=12, unique=True),
    copied=st.lists(st.integers(0, 5), max_size=6),
    seed=st.integers(0, 3),
)
def test_a_shared_prompt_can_be_split_and_a_copy_stays_with_its_row(asked, copied, seed):
    rows = [row(f"{CONTEXT}\n{one}?", f"{one}.", CONTEXT) for one in asked]
    rows += [row(f"{CONTEXT}\nHello, {asked[n]}!", asked[n], CONTEXT) for n in copied]
    shares = {"train": 0.5, "test": 0.5}
    split = split_groups(rows, all_groups(rows), shares, seed)
    assert sum(map(len, split.values())) == len(rows)
    said = [{one["completion"][0]["content"].strip(".") for one in part} for part in split.values()]
    assert not said[0] & said[1]


def test_one_group_still_cannot_be_split():
    rows = [row("Is it warm?", "Yes.")] * 12
    with pytest.raises(BadInput, match="12 rows in 1 groups of near-duplicates leave"):
        split_groups(rows, all_groups(rows), {"train": 0.8, "test": 0.2})


@given(rows=st.lists(st.builds(row, sentences, sentences), max_size=8))
def test_removing_leaves_no_copy_and_loses_no_row(rows):
    kept, twins = remove_copies(rows)
    assert len(kept) + len(twins) == len(rows)
    assert copy_groups(kept) == []
    assert all(rows[twin] in kept for twin in twins.values())


def test_ten_thousand_rows_take_seconds():
    """A shared context of 2,000 characters, and 200 of each row's own: 2 s on two cores."""
    rng = random.Random(0)
    words = CONTEXT.split()
    rows = [
        row(f"What is part {n} {' '.join(rng.choices(words, k=20))}?", f"It is {n}.", CONTEXT)
        for n in range(10_000)
    ]
    started = time.perf_counter()
    assert copy_groups([*rows, rows[17]]) == [[17, 10_000]]
    assert time.perf_counter() - started < 60  # Minutes would mean that pairs are compared.


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("How much is 8 Mb?", "How much is 8 MB?"),
        ("How much is 8Mb?", "How much is 8MB?"),
        ("A plant of 3 mW?", "A plant of 3 MW?"),
        ("What is 1 Pa?", "What is 1 PA?"),
        ("Weight of 5 kg?", "Weight of 5 KG?"),
        ("What is pH?", "What is PH?"),
        ("Do I owe you money?", "Do you owe me money?"),
        ("Can I call you?", "Can you call me?"),
        ("Is this for you?", "Is this for me?"),
        ("Will I pay your fee?", "Will you pay my fee?"),
        ("Do we own this data?", "Do you own this data?"),
        ("Is it this?", "Is it that?"),
        ("How do you charge?", "How do I charge?"),
        ("Does plan A include support?", "Does plan I include support?"),
        ("Is it plan A?", "Is it plan?"),
        ("Vitamin A?", "Vitamin?"),
        ("Open at 5 am?", "Open at 5?"),
    ],
)
def test_units_persons_and_letters_that_name_are_no_little_words(one, other):
    assert copy_groups([row(one, "Yes."), row(other, "Yes.")]) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Kettle is loud", "the kettle is loud."),
        ("Can I return it?", "Hello! can I return it"),
        ("It is 5. How is it?", "It is 5. how is it?"),
        ("WHERE IS THE KETTLE?", "Where is the kettle?"),
        ("Won't it work?", "will not it work?"),
        ("Is a kettle loud?", "Is the kettle loud?"),
    ],
)
def test_a_capital_that_begins_a_sentence_makes_no_difference(one, other):
    assert copy_groups([row(one, "Yes."), row(other, "Yes.")]) == [[0, 1]]


def test_questions_are_grouped_whatever_is_answered():
    rows = [row("Is it warm?", "Yes."), row("Hello, is it warm", "No."), row("Is it red?", "Yes.")]
    assert question_groups(rows) == [[0, 1], [2]]


def test_a_conversation_is_grouped_with_the_row_from_which_it_goes_on():
    rows = [
        row("Is it red?", "Yes."),
        row("And now?", "No.", before=("Is it warm?", "Yes.")),
        row("Is it warm?", "Yes."),
        row("And now?", "No.", before=("Is it cold?", "Yes.")),
    ]
    assert sorted(talk_groups(rows)) == [[0], [1, 2], [3]]
