"""Few-shot patterns: the form of the examples holds to the end, and what it says is right."""

import json
import re
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import facts, patterns, prose, values
from lab_helpers.models.kotori.documents import CorpusText
from lab_helpers.models.kotori.facts import LABELS

languages = st.sampled_from(["en", "ja"])
seeds = st.integers(0, 2**32)
MAKERS = [
    patterns.relation_by_example,
    patterns.style_by_example,
    patterns.opinions_by_example,
    patterns.json_by_example,
    patterns.listing,
    patterns.arithmetic,
]
ARROWS = (" -> ", " = ", ": ", " → ")


def silent_text(document: CorpusText) -> list[str]:
    return [document.text[start:end] for start, end in document.silent]


def pairs(exchange: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """User and assistant of a conversation without system message."""
    assert [role for role, _ in exchange] == ["user", "assistant"] * (len(exchange) // 2)
    said = [text for _, text in exchange]
    return list(zip(said[::2], said[1::2], strict=True))


@pytest.mark.parametrize("maker", MAKERS, ids=lambda maker: maker.__name__)
@given(language=languages, seed=seeds)
def test_the_seed_decides_the_document(maker, language, seed):
    one, two = (maker(language, Random(seed)) for _ in range(2))
    assert one == two
    assert one.language == language
    assert one.text


@given(language=languages, seed=seeds)
def test_examples_are_different_facts_of_one_relation_in_one_form(turns, language, seed):
    document = patterns.relation_by_example(language, Random(seed))
    if document.text.startswith("<|im_start|>"):
        shown = [pairs(turns(document.text))]
    else:
        lines = document.text.split("\n")
        shown = [
            [tuple(line.split(arrow, 1)) for line in lines]
            for arrow in ARROWS
            if all(arrow in line for line in lines)
        ]
    relations = [set(relation.pairs) for relation in facts.relations(language)]
    assert any(set(found) <= known for found in shown for known in relations)
    assert all(3 <= len(set(found)) == len(found) <= 7 for found in shown)


@given(language=languages, seed=seeds)
def test_all_replies_of_a_style_open_and_close_alike(turns, language, seed):
    document = patterns.style_by_example(language, Random(seed))
    replies = [reply for _, reply in pairs(turns(document.text))]
    assert 2 <= len(replies) <= 5
    flourishes = [text for text in silent_text(document) if text]
    assert 1 <= len(flourishes) <= 2
    opening, closing = (
        [text for text in flourishes if all(getattr(reply, where)(text) for reply in replies)]
        for where in ("startswith", "endswith")
    )
    assert set(opening) | set(closing) == set(flourishes)


@given(language=languages, seed=seeds)
def test_only_the_first_reply_of_a_style_is_silent(language, seed):
    document = patterns.style_by_example(language, Random(seed))
    first_end = document.text.index("<|im_end|>\n<|im_start|>user")
    assert all(end <= first_end for _, end in document.silent)


def test_styles_are_new_from_text_to_text():
    drawn = [tuple(silent_text(patterns.style_by_example("en", Random(s)))) for s in range(200)]
    assert len(set(drawn)) > 180


@given(language=languages, seed=seeds)
def test_a_flourish_is_one_short_sentence(language, seed):
    text = patterns._flourish(language, Random(seed))
    assert 3 <= len(text) <= 60
    assert text.endswith("。" if language == "ja" else ".") or text.endswith(".")
    assert "\n" not in text


@given(language=languages, seed=seeds)
def test_opinions_are_answered_with_a_label(turns, language, seed):
    document = patterns.opinions_by_example(language, Random(seed))
    labels = {label for _, label in pairs(turns(document.text))}
    assert labels <= set(prose.OPINION_LABELS[language].values())


@given(language=languages, seed=seeds)
def test_json_replies_parse_and_hold_what_the_record_says(turns, language, seed):
    document = patterns.json_by_example(language, Random(seed))
    exchange = pairs(turns(document.text))
    assert 2 <= len(exchange) <= 4
    for statement, reply in exchange:
        data = json.loads(reply)
        assert list(data) == (["name", "value"] if language == "en" else ["名前", "値"])
        name, value = data.values()
        assert name.casefold() in statement.casefold()
        assert value in statement
        assert value in silent_text(document)


@given(language=languages, seed=seeds)
def test_a_list_is_said_again_with_its_first_and_last(language, seed):
    document = patterns.listing(language, Random(seed))
    said, again, first, last = document.text.split("\n")
    stop, comma, colon = ("。", "、", ":") if language == "ja" else (".", ", ", ": ")
    items = said.removesuffix(stop).split(comma)
    assert 3 <= len(items) <= 9
    assert again.partition(colon)[2].removesuffix(stop).split(comma) == items
    assert first.partition(colon)[2] == items[0]
    assert last.partition(colon)[2] == items[-1]
    assert silent_text(document) == [comma.join(items)]
    assert all(item in LISTED[language] for item in items)


LISTED = {
    language: {
        word
        for table in (
            values.THINGS, values.FOODS, values.ANIMALS, values.COLOURS,
            values.MATERIALS, values.FIRST_NAMES, values.PLACES,
        )
        for word in table[language]
    }
    for language in ("en", "ja")
}  # fmt: skip


def calculated(a: str, sign: str, b: str) -> int:
    return {"+": int(a) + int(b), "-": int(a) - int(b), "×": int(a) * int(b)}[sign]


SUM = r"(\d+) ([+×-]) (\d+)"


@given(language=languages, seed=seeds)
def test_sums_are_right_and_never_negative(language, seed):
    document = patterns.arithmetic(language, Random(seed))
    ask, answer = LABELS[language]
    bare = re.findall(rf"{SUM} = (-?\d+)", document.text)
    asked = re.findall(rf"{re.escape(ask)}{SUM}\n{re.escape(answer)} ?(-?\d+)\n", document.text)
    assert 3 <= len(bare) + len(asked) <= 8
    for *operation, result in bare + asked:
        assert calculated(*operation) == int(result) >= 0


@given(language=languages, seed=seeds)
def test_a_word_problem_says_its_result_three_times(language, seed):
    lines = patterns.arithmetic(language, Random(seed)).text.split("\n")
    for story, final in pairwise(lines):
        if final.startswith("####"):
            *operation, result = re.search(rf"{SUM} = (\d+)", story).groups()
            assert final == f"#### {result}"
            assert re.findall(r"\d+", story)[-1] == result or f"{result} coins" in story
            assert calculated(*operation) == int(result)


@given(language=languages, seed=seeds)
def test_the_marked_answers_of_arithmetic_are_results(language, seed):
    document = patterns.arithmetic(language, Random(seed))
    for start, end in document.answers:
        assert re.fullmatch(r"(#### | )?\d+\n", document.text[start:end])
