"""Known facts: what is stated, asked and translated is true, in wordings meant for training."""

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import facts, world
from lab_helpers.models.kotori.facts import LABELS
from lab_helpers.models.kotori.world import sentence_case

LANGUAGES = ("en", "ja")
languages = st.sampled_from(LANGUAGES)
seeds = st.integers(0, 2**32)


def every_pair(language: str):
    return [(relation, pair) for relation in facts.relations(language) for pair in relation.pairs]


def filled(template: str, pair: tuple[str, str]) -> str:
    return sentence_case(template.replace("{a}", pair[0]).replace("{b}", pair[1]))


@pytest.fixture(scope="module")
def answers():
    """Per language: question → its right answers, for every wording used in training."""
    table: dict[str, dict[str, set[str]]] = {language: {} for language in LANGUAGES}
    for language in LANGUAGES:
        for relation, pair in every_pair(language):
            for template in relation.questions:
                table[language].setdefault(filled(template, pair), set()).add(pair[1])
    return table


@pytest.fixture(scope="module")
def replies():
    """Per language: question → its right answers, and the sentences that state them."""
    table: dict[str, dict[str, set[str]]] = {language: {} for language in LANGUAGES}
    for language in LANGUAGES:
        for relation, pair in every_pair(language):
            said = {pair[1], *(filled(template, pair) for template in relation.statements)}
            for template in relation.questions:
                table[language].setdefault(filled(template, pair), set()).update(said)
    return table


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_relation_keeps_its_last_question_back(language):
    for relation in facts.relations(language):
        assert len({*relation.questions, relation.held_out_question}) == 5
        row = next(row for row in world.rows("facts") if row["relation"] == relation.name)
        assert row[language]["questions"][-1] == relation.held_out_question


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_question_has_one_answer(language, answers):
    assert {question: a for question, a in answers[language].items() if len(a) > 1} == {}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_relation_is_there_if_the_language_has_it(language):
    names = {relation.name for relation in facts.relations(language)}
    assert names == {row["relation"] for row in world.rows("facts") if language in row}
    assert all(a and b for _, (a, b) in every_pair(language))


@given(language=languages, seed=seeds)
def test_statements_and_questions_are_filled(language, seed):
    rng = Random(seed)
    relation = facts.draw(language, rng)
    pair = rng.choice(relation.pairs)
    statement, question = relation.state(pair, rng), relation.ask(pair, rng)
    assert pair[0].casefold() in statement.casefold()
    assert pair[1].casefold() in statement.casefold()
    assert pair[0].casefold() in question.casefold()
    assert not set("{}") & set(statement + question + relation.ask_unseen(pair))


@given(language=languages, seed=seeds)
def test_the_wording_kept_back_is_never_used(language, seed):
    relation = facts.draw(language, Random(seed))
    pair = relation.pairs[seed % len(relation.pairs)]
    assert relation.ask(pair, Random(seed)) != relation.ask_unseen(pair)


@pytest.mark.parametrize("kind", ["facts", "choice"])
def test_no_text_asks_in_the_wording_kept_back(kind, sample):
    unseen = {
        language: {relation.ask_unseen(pair) for relation, pair in every_pair(language)}
        for language in LANGUAGES
    }
    for document in sample(kind, 600):
        lines = re.split(r"\n|<\|im_end\|>", document.text)
        asked = {line.removeprefix(LABELS[document.language][0]) for line in lines}
        assert not asked & unseen[document.language]


def test_large_relations_are_drawn_more_often():
    rng = Random(0)
    drawn = [facts.draw("en", rng).name for _ in range(4_000)]
    assert drawn.count("capital") > 1.5 * drawn.count("animal_sound")


def test_what_the_question_lines_answer_is_true(sample, answers):
    found = 0
    for document in sample("facts", 600):
        ask, reply = LABELS[document.language]
        lines = document.text.split("\n")
        if not lines[0].startswith(ask):
            continue
        assert lines.pop() == ""
        for question, answer in zip(lines[::2], lines[1::2], strict=True):
            right = answers[document.language][question.removeprefix(ask)]
            assert {answer.removeprefix(reply).strip()} == right
            found += 1
    assert found > 100


def test_what_the_exchanges_answer_is_true(sample, replies, turns):
    found = 0
    for document in sample("facts", 600):
        if not document.text.startswith("<|im_start|>"):
            continue
        exchange = turns(document.text)
        for (one, question), (two, reply) in zip(exchange[::2], exchange[1::2], strict=True):
            assert (one, two) == ("user", "assistant")
            assert reply in replies[document.language][question]
            found += 1
    assert found > 100


def test_plain_statements_are_true(sample):
    stated = {
        language: {
            filled(template, pair)
            for relation, pair in every_pair(language)
            for template in relation.statements
        }
        for language in LANGUAGES
    }
    found = 0
    for document in sample("facts", 600):
        if document.text.startswith(("<|im_start|>", LABELS[document.language][0])):
            continue
        rest = document.text
        while rest:
            gap = rest.lstrip()
            sentence = max((s for s in stated[document.language] if gap.startswith(s)), key=len)
            rest = gap.removeprefix(sentence)
            found += 1
    assert found > 200


@given(language=languages, seed=seeds)
def test_translations_stand_in_the_facts(language, seed):
    pairs = {
        (pair[i], pair[i + 2])
        for row in world.rows("facts")
        for pair in row["pairs"]
        for i in (0, 1)
    }
    heading, *lines = facts.translation(language, Random(seed)).text.split("\n")
    assert heading in ("English and Japanese:", "英語と日本語:")
    assert lines
    for line in lines:
        one, two = line.split(" = ")
        assert ((one, two) if language == "en" else (two, one)) in pairs


@given(language=languages, seed=seeds)
def test_a_choice_has_four_options_and_its_letter_is_right(language, seed):
    document = facts.choice_question(language, Random(seed))
    question, *options, last = document.text.rstrip("\n").split("\n")
    assert [option[:3] for option in options] == ["A. ", "B. ", "C. ", "D. "]
    chosen = [option[3:] for option in options]
    assert len(set(chosen)) == 4
    letter = last.removeprefix(LABELS[language][1]).strip()
    right = {
        pair[1]
        for relation, pair in every_pair(language)
        if question in {filled(template, pair) for template in relation.questions}
    }
    assert {option for option in chosen if option in right} == {chosen["ABCD".index(letter)]}
    ((start, end),) = document.answers
    assert document.text[start:end].strip() == letter


def test_every_letter_is_right_about_as_often(sample):
    letters = [document.text.rstrip()[-1] for document in sample("choice", 400)]
    assert all(60 < letters.count(letter) < 140 for letter in "ABCD")


@given(answer=st.text(max_size=10))
def test_a_line_answer_ends_its_line(answer):
    assert facts.line_answer(answer, "en") == f" {answer}\n"
    assert facts.line_answer(answer, "ja") == f"{answer}\n"
