"""Passages: what is asked stands in the text, once, and what nobody could predict is silent."""

import re
from functools import cache
from random import Random
from unittest import mock

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lab_helpers.models.kotori import passages, values, world
from lab_helpers.models.kotori.documents import END, CorpusText
from lab_helpers.models.kotori.passages import Record

languages = st.sampled_from(["en", "ja"])
seeds = st.integers(0, 2**32)
counts = st.integers(1, 6)


@cache
def written(language: str, seed: int) -> tuple[CorpusText, list[Record]]:
    """A document and the records that it was made of."""
    drawn: list[Record] = []
    real = passages.records

    def kept(*args, **options):
        drawn.extend(real(*args, **options))
        return list(drawn)

    with mock.patch.object(passages, "records", kept):
        return passages.document(language, Random(seed)), drawn


def occurrences(part: str, text: str) -> list[range]:
    return [range(m.start(), m.end()) for m in re.finditer(re.escape(part), text)]


def silent_characters(document: CorpusText) -> set[int]:
    return {i for start, end in document.silent for i in range(start, end)}


def answers(reply: str, record: Record, language: str) -> bool:
    """Whether a reply, without its form, is the record's answer or a sentence with it."""
    bare = reply.removesuffix("\n").removesuffix(END).strip()
    bare = re.sub(r" \[\d+\]$", "", bare)
    sentences = passages.attributes()[record.attribute][language]["statements"]
    return bare == record.answer or bare in {
        world.sentence_case(text.replace("{s}", record.subject).replace("{v}", record.answer))
        for text in sentences
    }


# Attributes and subjects


def test_training_and_test_attributes_have_nothing_in_common():
    every = [*world.rows("attributes_service"), *world.rows("attributes_life")]
    training, held_out = passages.attributes(), passages.attributes(held_out=True)
    assert len(held_out) == len(every) // 11
    assert len(training) + len(held_out) == len(every)
    assert not {row["key"] for row in training} & {row["key"] for row in held_out}
    assert {row["key"] for row in (*training, *held_out)} == {row["key"] for row in every}


@pytest.mark.parametrize("language", ["en", "ja"])
def test_no_wording_of_a_test_attribute_is_one_of_training(language):
    def wordings(held_out: bool) -> set[str]:
        rows = passages.attributes(held_out)
        return {text for row in rows for texts in row[language].values() for text in texts}

    assert not wordings(True) & wordings(False)


@given(language=languages, seed=seeds)
def test_documents_use_training_attributes_only(language, seed):
    document, drawn = written(language, seed)
    for record in drawn:
        row = passages.attributes()[record.attribute]
        shapes = [
            text.replace("{s}", record.subject).replace("{v}", record.answer)
            for text in row[language]["statements"]
        ]
        assert record.statement in {world.sentence_case(shape) for shape in shapes}
        assert record.statement in document.text


@pytest.mark.parametrize("kind", sorted({row["subject"] for row in passages.attributes()}))
@pytest.mark.parametrize("language", ["en", "ja"])
def test_a_bearer_shows_what_it_is(kind, language):
    """A bare invented word only for a product."""
    drawn = [passages.subject(kind, language, Random(seed)) for seed in range(100)]
    assert all(drawn)
    assert not any(set("{}") & set(subject) for subject in drawn)
    bare = [values.invented_name(language, Random(seed)) for seed in range(100)]
    assert kind in ("product", "town") or drawn != bare
    assert len(set(drawn)) > 40


# Records


@given(language=languages, seed=seeds, count=counts, held_out=st.booleans())
def test_answers_are_different_and_do_not_contain_each_other(language, seed, count, held_out):
    drawn = passages.records(language, Random(seed), count, held_out)
    assert 1 <= len(drawn) <= count
    for record in drawn:
        assert record.answer in record.statement
        assert record.answer not in record.subject
        for other in drawn:
            if other is not record:
                assert record.answer not in other.statement
                assert record.answer not in other.answer


@given(language=languages, seed=seeds, count=counts)
def test_no_two_records_are_asked_the_same_question(language, seed, count):
    drawn = passages.records(language, Random(seed), count)
    assert len({(record.attribute, record.subject) for record in drawn}) == len(drawn)


@given(language=languages, seed=seeds, held_out=st.booleans())
def test_a_question_names_the_bearer_and_not_the_answer(language, seed, held_out):
    rng = Random(seed)
    (record,) = passages.records(language, rng, 1, held_out)
    question = passages.question(record, language, rng, held_out)
    assert record.subject.casefold() in question.casefold()
    row = passages.attributes(held_out)[record.attribute]
    assert question in {
        world.sentence_case(text.replace("{s}", record.subject))
        for text in row[language]["questions"]
    }
    assert not set("{}") & set(question)


def test_most_passages_get_all_their_records():
    full = [len(passages.records("en", Random(seed), 4)) == 4 for seed in range(300)]
    assert sum(full) > 290


def test_passages_speak_of_one_bearer_or_of_one_attribute_or_of_this_and_that():
    shapes = {"one bearer": 0, "one attribute": 0, "mixed": 0}
    for seed in range(400):
        drawn = passages.records("en", Random(seed), 4)
        if len({record.subject for record in drawn}) == 1:
            shapes["one bearer"] += 1
        elif len({record.attribute for record in drawn}) == 1:
            shapes["one attribute"] += 1
        else:
            shapes["mixed"] += 1
    assert all(count > 50 for count in shapes.values()), shapes


# Documents


@given(language=languages, seed=seeds)
def test_the_seed_decides_the_document(language, seed):
    one, two = (passages.document(language, Random(seed)) for _ in range(2))
    assert one == two
    assert (one.kind, one.language) == ("passages", language)


@given(language=languages, seed=seeds)
def test_every_answer_stands_in_the_text_before_its_question(language, seed):
    document, drawn = written(language, seed)
    assert 1 <= len(document.answers) <= len(drawn)
    asked = []
    for start, end in document.answers:
        reply = document.text[start:end]
        (record,) = [record for record in drawn if answers(reply, record, language)]
        lines = document.text[:start].split("\n")  # … question, then one line or two of form
        question = -3 if lines[-2:] == ["<|im_start|>assistant", ""] else -2
        assert record.subject.casefold() in lines[question].casefold()
        assert record.statement in "\n".join(lines[:question])
        asked.append(record)
    assert len(set(asked)) == len(asked), "no question comes twice"


@given(language=languages, seed=seeds)
def test_a_cited_source_holds_the_answer(language, seed):
    document, drawn = written(language, seed)
    assume(passages.SOURCES[language][0] in document.text)
    listed = re.findall(r"^\[(\d+)\] (.*)$", document.text, re.MULTILINE)
    sources = {int(number): text for number, text in listed}
    assert list(sources) == list(range(1, len(sources) + 1))
    for start, end in document.answers:
        reply = document.text[start:end]
        number = int(re.search(r" \[(\d+)\]<\|im_end\|>\n$", reply)[1])
        (record,) = [record for record in drawn if answers(reply, record, language)]
        assert record.statement in sources[number]


@given(language=languages, seed=seeds)
def test_invented_answers_are_silent_where_they_are_stated(language, seed):
    document, drawn = written(language, seed)
    silent = silent_characters(document)
    for record in drawn:
        for stated in occurrences(record.statement, document.text):
            start = stated.start
            if any(a <= start < b for a, b in document.answers):
                continue
            for place in occurrences(record.answer, record.statement):
                assert {start + i for i in place} <= silent


@given(language=languages, seed=seeds)
def test_answers_to_be_given_carry_loss(language, seed):
    document, _ = written(language, seed)
    silent = silent_characters(document)
    assert not any(set(range(start, end)) & silent for start, end in document.answers)


@given(language=languages, seed=seeds)
def test_invented_bearers_are_silent_inside_a_sentence(language, seed):
    document, drawn = written(language, seed)
    silent = silent_characters(document)
    for record in drawn:
        for stated in occurrences(record.statement, document.text):
            if any(a <= stated.start < b for a, b in document.answers):
                continue
            for place in occurrences(record.subject, record.statement):
                assert {stated.start + i for i in place} <= silent


def test_invented_bearers_are_silent_at_the_start_of_a_sentence():
    heard = []
    for seed in range(300):
        document, drawn = written("en", seed)
        silent = silent_characters(document)
        for record in drawn:
            start = document.text.index(record.statement)
            opens = record.statement.casefold().startswith(record.subject.casefold())
            if opens and not set(range(start, start + len(record.subject))) <= silent:
                heard.append(record.statement)
    assert heard == []


@given(language=languages, seed=seeds, count=counts)
def test_a_passage_is_its_statements_in_order(language, seed, count):
    rng = Random(seed)
    drawn = passages.records(language, rng, count)
    text = passages.passage_text(drawn, language, rng)
    places = [text.index(record.statement) for record in drawn]
    assert places == sorted(places)


@given(language=languages, seed=seeds, count=counts)
def test_sources_are_numbered_from_one(language, seed, count):
    drawn = passages.records(language, Random(seed), count)
    text = passages.sources_text([[record] for record in drawn], language)
    heading, *lines = text.rstrip("\n").split("\n")
    assert heading + "\n" == passages.SOURCES[language][0]
    assert lines == [f"[{n}] {record.statement}" for n, record in enumerate(drawn, 1)]


@given(language=languages, seed=seeds, wordings=st.integers(1, 6))
def test_fewer_wordings_are_the_first_ones(language, seed, wordings):
    rng = Random(seed)
    (record,) = passages.records(language, rng, 1, wordings=wordings)
    asked = passages.question(record, language, rng, wordings=wordings)
    row = passages.attributes()[record.attribute][language]
    shown = {
        name: {
            world.sentence_case(text.replace("{s}", record.subject).replace("{v}", record.answer))
            for text in row[name][:wordings]
        }
        for name in ("statements", "questions")
    }
    assert record.statement in shown["statements"]
    assert asked in shown["questions"]


@given(language=languages, seed=seeds)
def test_an_easy_passage_asks_for_each_of_its_records(language, seed):
    document = passages.easy(language, Random(seed))
    assert document == passages.easy(language, Random(seed))
    text, *lines, end = document.text.split("\n")
    ask, reply = passages.LABELS[language]
    assert end == ""
    assert 1 <= len(lines) // 2 <= 2
    silent = silent_characters(document)
    given_answers = [document.text[start:end].strip() for start, end in document.answers]
    assert given_answers == [line.removeprefix(reply).strip() for line in lines[1::2]]
    for question, answer in zip(lines[::2], given_answers, strict=True):
        assert question.startswith(ask)
        assert answer in text
        for place in occurrences(answer, text):
            assert set(place) <= silent
    assert len(set(given_answers)) == len(given_answers)


def test_all_three_styles_are_written(sample):
    texts = [document.text for document in sample("passages", 300)]
    chat = [text for text in texts if "<|im_start|>" in text]
    numbered = [text for text in chat if re.search(r"^\[1\] ", text, re.MULTILINE)]
    assert len(texts) - len(chat) > 60
    assert len(chat) - len(numbered) > 45
    assert len(numbered) > 75
