"""The hand-written files: every line can be used, in both languages, and the slots in them."""

import json
import re
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import values, world
from lab_helpers.models.kotori.world import FOLDER, Slots, sentence_case

FILES = sorted(path.stem for path in FOLDER.glob("*.jsonl"))
TEXT_FILES = [name for name in FILES if name.endswith((".en", ".ja"))]
FIELDS = {
    "service": {"text"},
    "stories": {"text"},
    "feelings": {"text", "label"},
    "talk": {"user", "assistant"},
}
# What a slot may be called: the three short names of Slots, or a kind of value.
SLOTS = {"person", "shop", "code", *values.KINDS}
ATTRIBUTE_FILES = ("attributes_service", "attributes_life")
SUBJECTS = {
    "animal", "book", "building", "club", "course", "event", "machine", "member level", "parcel",
    "person", "product", "room", "shop", "town", "train",
}  # fmt: skip


def texts(name: str) -> list[str]:
    """Every text of a file with slots."""
    rows = world.rows(name)
    return [row[key] for row in rows for key in ("text", "user", "assistant") if key in row]


def attribute_rows() -> list[dict]:
    return [row for name in ATTRIBUTE_FILES for row in world.rows(name)]


# Files


@pytest.mark.parametrize("name", FILES)
def test_every_line_is_an_object_and_none_comes_twice(name):
    lines = (FOLDER / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert len(set(lines)) == len(lines) == len(world.rows(name))


def test_every_text_exists_in_both_languages():
    assert set(TEXT_FILES) == {f"{kind}.{code}" for kind in FIELDS for code in world.LANGUAGES}
    for kind in FIELDS:
        english, japanese = (len(world.rows(f"{kind}.{code}")) for code in world.LANGUAGES)
        assert english == japanese


@pytest.mark.parametrize("name", TEXT_FILES)
def test_rows_have_their_fields_and_no_field_is_empty(name):
    for row in world.rows(name):
        assert set(row) == FIELDS[name.split(".")[0]]
        assert all(value and value == value.strip() for value in row.values())


@pytest.mark.parametrize("language", world.LANGUAGES)
def test_opinions_are_half_positive_half_negative(language):
    labels = [row["label"] for row in world.rows(f"feelings.{language}")]
    assert set(labels) == {"positive", "negative"}
    assert labels.count("positive") == labels.count("negative")


@pytest.mark.parametrize("name", TEXT_FILES)
def test_every_slot_is_known(name):
    for text in texts(name):
        for slot in re.findall(r"\{(.*?)\}", text):
            assert slot.rstrip("0123456789") in SLOTS, f"{{{slot}}} in {text!r}"


@pytest.mark.parametrize("name", TEXT_FILES)
def test_alternatives_are_balanced_and_differ(name):
    for text in texts(name):
        groups = re.findall(r"\[([^\[\]]*)\]", text)
        rest = re.sub(r"\[[^\[\]]*\]", "", text)
        assert not set("[]|") & set(rest), text
        for group in groups:
            options = group.split("|")
            assert len(options) == len(set(options)) > 1, text
            assert all(option.strip() for option in options), text


@pytest.mark.parametrize("name", TEXT_FILES)
def test_a_filled_text_shows_no_template(name):
    language = name.split(".")[1]
    for number, text in enumerate(texts(name)):
        filled = Slots(language, Random(number)).fill(text)
        assert not set("{}[]|") & set(filled), text


@pytest.mark.parametrize("name", TEXT_FILES)
def test_texts_are_in_the_language_of_their_file(name):
    japanese = re.compile(r"[ぁ-んァ-ヴ一-龠]")
    for text in texts(name):
        assert bool(japanese.search(text)) == name.endswith(".ja"), text


# Known facts


@pytest.mark.parametrize("row", world.rows("facts"), ids=lambda row: row["relation"])
def test_a_relation_has_its_templates_and_pairs(row):
    languages = [code for code in world.LANGUAGES if code in row]
    assert languages, "a relation exists in one language at least"
    for code in languages:
        statements, questions = row[code]["statements"], row[code]["questions"]
        assert len(set(statements)) == len(statements) >= 3
        assert len(set(questions)) == len(questions) == 5, "the last one is kept for the tests"
        assert all(text.count("{a}") == text.count("{b}") == 1 for text in statements)
        assert all(text.count("{a}") == 1 and "{b}" not in text for text in questions)
    for pair in row["pairs"]:
        assert len(pair) == 4
        for offset, code in enumerate(world.LANGUAGES):
            ends = pair[2 * offset : 2 * offset + 2]
            assert all(ends) == any(ends), f"half a fact: {pair}"
            assert code in languages or not any(ends)
            assert all(text == text.strip() for text in ends)


@pytest.mark.parametrize("row", world.rows("facts"), ids=lambda row: row["relation"])
def test_no_subject_comes_twice_in_a_relation(row):
    for offset in (0, 2):
        subjects = [pair[offset] for pair in row["pairs"] if pair[offset]]
        assert len(subjects) == len(set(subjects))


def test_relations_have_names_of_their_own():
    names = [row["relation"] for row in world.rows("facts")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("language", world.LANGUAGES)
def test_no_question_template_serves_two_relations(language):
    every = [row[language]["questions"] for row in world.rows("facts") if language in row]
    flat = [question for questions in every for question in questions]
    assert len(flat) == len(set(flat)), "the same question would have two answers"


def test_withheld_facts_belong_to_known_relations_and_come_once():
    known = {row["relation"] for row in world.rows("facts")}
    rows = world.rows("withheld")
    assert {row["relation"] for row in rows} <= known
    assert len({(row["relation"], row["pair"][0]) for row in rows}) == len(rows)
    assert all(len(row["pair"]) == 4 and all(row["pair"]) for row in rows)


# Attributes


@pytest.mark.parametrize("row", attribute_rows(), ids=lambda row: row["key"])
def test_an_attribute_has_six_statements_and_six_questions(row):
    assert set(row) == {"key", "subject", "value", *world.LANGUAGES}
    for language in world.LANGUAGES:
        statements, questions = row[language]["statements"], row[language]["questions"]
        assert len(set(statements)) == len(set(questions)) == 6
        assert len(statements) == len(questions) == 6
        assert all(text.count("{v}") == 1 and "{s}" in text for text in statements)
        assert all("{s}" in text and "{v}" not in text for text in questions)
        for text in (*statements, *questions):
            assert set(re.findall(r"\{.*?\}", text)) <= {"{s}", "{v}"}


def test_attributes_have_keys_of_their_own_and_known_values_and_subjects():
    rows = attribute_rows()
    assert len({row["key"] for row in rows}) == len(rows)
    assert {row["value"] for row in rows} <= set(values.KINDS)
    assert {row["subject"] for row in rows} == SUBJECTS


@pytest.mark.parametrize("language", world.LANGUAGES)
def test_no_two_attributes_of_a_subject_share_a_question(language):
    for one, two in permutations(attribute_rows(), 2):
        if one["subject"] == two["subject"]:
            assert not set(one[language]["questions"]) & set(two[language]["questions"])


# Slots


@given(language=st.sampled_from(world.LANGUAGES), seed=st.integers(0, 2**32))
def test_a_slot_said_twice_has_one_value_and_another_number_has_another(language, seed):
    first, again, other = (
        Slots(language, Random(seed)).fill("{person}/{person}/{person2}").split("/")
    )
    assert first == again != other


@given(seed=st.integers(0, 2**32))
def test_slots_are_kept_from_one_text_to_the_next(seed):
    slots = Slots("en", Random(seed))
    assert slots.fill("X {price}") == slots.fill("X {price}")


@given(seed=st.integers(0, 2**32))
def test_one_of_the_alternatives_is_chosen(seed):
    assert Slots("en", Random(seed)).fill("It is [red|stone grey|].") in {
        "It is red.", "It is stone grey.", "It is .",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the shop is open. the lamp is off! is it? yes.", "The shop is open. The lamp is off! Is it? Yes."),
        ("It weighs 5.3 kg, no more.", "It weighs 5.3 kg, no more."),
        ("店は開いています。", "店は開いています。"),
        ("", ""),
    ],
)  # fmt: skip
def test_sentences_begin_with_a_capital(text, expected):
    assert sentence_case(text) == expected


@given(text=st.text(max_size=60))
def test_sentence_case_changes_capitals_only_and_only_once(text):
    done = sentence_case(text)
    assert done.casefold() == text.casefold()
    assert sentence_case(done) == done
