"""Neutral prose: filled, in the right language, and a label that belongs to the opinion."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import prose, world
from lab_helpers.models.kotori.documents import CorpusText
from lab_helpers.models.kotori.world import Slots

languages = st.sampled_from(["en", "ja"])
seeds = st.integers(0, 2**32)
MAKERS = {
    "service": prose.service,
    "talk": prose.talk,
    "stories": prose.story,
    "feelings": prose.feelings,
}


@pytest.mark.parametrize("kind", MAKERS)
@given(language=languages, seed=seeds)
def test_a_document_is_filled_and_decided_by_its_seed(kind, language, seed):
    one, two = (MAKERS[kind](language, Random(seed)) for _ in range(2))
    assert one == two
    assert (one.kind, one.language) == (kind, language)
    text = one.text.replace("<|im_start|>", "").replace("<|im_end|>", "")
    assert text.strip()
    assert not set("{}[]|") & set(text)


@given(language=languages, seed=seeds)
def test_small_talk_is_one_to_three_exchanges(turns, language, seed):
    document = prose.talk(language, Random(seed))
    roles = [role for role, _ in turns(document.text)]
    if roles[0] == "system":
        roles.pop(0)
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    assert 1 <= len(roles) // 2 <= 3
    replies = [text for role, text in turns(document.text) if role == "assistant"]
    assert [document.text[a:b] for a, b in document.answers] == [
        f"{r}<|im_end|>\n" for r in replies
    ]


@given(language=languages, seed=seeds)
def test_question_and_answer_share_their_values(language, seed):
    """An exchange that names a price or a person names the same one on both sides."""
    row = {
        "user": "{price} for {person}, {thing}?",
        "assistant": "{price} for {person}, {thing}!",
    }
    slots = Slots(language, Random(seed))
    user, assistant = slots.fill(row["user"]), slots.fill(row["assistant"])
    assert user[:-1] == assistant[:-1]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_an_opinion_carries_the_label_of_its_row(language, monkeypatch):
    rows = world.rows(f"feelings.{language}")
    for row in rows:
        monkeypatch.setattr(prose.world, "rows", lambda name, row=row: (row,))
        _, label = prose.opinion(language, Random(0))
        assert label == prose.OPINION_LABELS[language][row["label"]]


@given(language=languages, seed=seeds)
def test_opinions_are_labelled_all_or_none(language, seed):
    lines = prose.feelings(language, Random(seed)).text.split("\n")
    arrow = {"en": " -> ", "ja": " → "}[language]
    labels = {line.rpartition(arrow)[2] for line in lines}
    labelled = labels <= set(prose.OPINION_LABELS[language].values())
    assert 2 <= len(lines) <= 5
    assert labelled or not any(arrow in line for line in lines)


def test_one_document_in_five_opens_with_a_system_message():
    opened = sum(
        bool(prose.with_system(CorpusText("talk", "en"), Random(s)).text) for s in range(1000)
    )
    assert 150 < opened < 250
