"""The support data: gold rows in the house's tone, generated rows, and faults that are what they say."""

import importlib
import re
import sys
from collections import Counter

import pytest

from lab_helpers.data.near_duplicates import near_duplicates
from lab_helpers.data.shipped import load_shipped
from lab_helpers.models.kotori import planted
from lab_helpers.runtime.paths import data_folder

COLUMNS = ["id", "question", "answer", "topic", "fact", "gold", "faults", "split"]
GOLD_TOPICS = {
    "price", "warranty", "parts", "return", "delivery", "payment",
    "repair", "how_to", "recycling", "account", "company", "product",
}  # fmt: skip
CONTRACTION = r"(?i)n't\b|\b(?:I|we|you|it|that|there|he|she|they|what|who)'(?:s|m|re|ll|ve|d)\b"
PERSONAL = r"\d{2,3}-\d{4}-\d{4}|@example\.|(?:\d{4} ){3}\d{4}|〒|丁目|\d+ \w+ (?:Street|Road)"
MARKUP = r"</?\w+[^>]*>|&\w+;"
both_languages = pytest.mark.parametrize("language", ["en", "ja"])


def making(name: str):
    """A module of datasets_small/making, which is no package."""
    folder = str(data_folder() / "making")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(name)


def tone(language: str) -> tuple[str, str]:
    return making("phrases").TONE[language]


def body(answer: str, language: str) -> str:
    opening, closing = tone(language)
    return answer.removeprefix(opening).removesuffix(closing).strip()


def gold(language: str, split: str | None = None) -> list[dict]:
    return [row for row in load_shipped("support", language, split) if row["gold"]]


def with_fault(fault: str, language: str) -> list[dict]:
    return [row for row in load_shipped("support", language) if fault in row["faults"]]


def questions(rows: list[dict]) -> list[str]:
    return [row["question"] for row in rows]


def table_value(fact: str, language: str) -> str:
    """What planted.toml says, as it stands in a sentence."""
    if fact.startswith("rule."):
        rules = {rule["key"]: rule[language][1] for rule in planted.table()["rule"]}
        return rules[fact.removeprefix("rule.")]
    _, name, attribute = fact.split(".")
    products = {product["name"]["en"]: product for product in planted.table()["product"]}
    return planted.written(attribute, products[name][attribute], language)


@both_languages
def test_there_are_enough_rows_and_every_row_has_the_same_columns(language):
    rows = load_shipped("support", language)
    assert len(rows) >= 1200
    assert len(gold(language)) >= 300
    assert {tuple(row) for row in rows} == {tuple(COLUMNS)}
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["split"] for row in rows} == {"train", "validation", "test"}


@both_languages
def test_gold_rows_have_no_fault_and_generated_rows_are_for_training_only(language):
    for row in load_shipped("support", language):
        assert not (row["gold"] and row["faults"]), row["id"]
        assert row["gold"] or row["split"] == "train", row["id"]
        assert not row["gold"] or row["topic"] in GOLD_TOPICS, row["id"]


@both_languages
def test_the_counts_of_the_faults_are_those_of_the_maker(language):
    found = Counter(f for row in load_shipped("support", language) for f in row["faults"])
    assert found == making("support").FAULTS
    assert max(len(row["faults"]) for row in load_shipped("support", language)) == 1


@both_languages
def test_gold_answers_keep_the_house_tone(language):
    opening, closing = tone(language)
    for row in gold(language):
        answer = row["answer"]
        assert answer.startswith(opening), row
        assert answer.endswith(closing), row
        assert not re.search(r"[!！]", answer), row
        between = body(answer, language)
        assert between.endswith("." if language == "en" else "。"), row
        assert language == "ja" or not re.search(CONTRACTION, between), row


@both_languages
def test_gold_answers_state_the_companys_facts(language):
    wrong = [
        row
        for row in gold(language)
        # what a product can do is said in a sentence of its own in Japanese
        if row["fact"] and not (language == "ja" and row["fact"].endswith(".special"))
        if table_value(row["fact"], language) not in row["answer"]
    ]
    assert wrong == []


@both_languages
def test_gold_questions_are_unique_and_not_alike(language):
    texts = questions(gold(language))
    assert len(set(texts)) == len(texts)
    assert [pair for pair in near_duplicates(texts, texts, 0.5) if pair[0] < pair[1]] == []


@both_languages
@pytest.mark.parametrize(
    ("one", "other"), [("train", "validation"), ("train", "test"), ("validation", "test")]
)
def test_gold_splits_do_not_resemble_each_other(one, other, language):
    left, right = questions(gold(language, one)), questions(gold(language, other))
    assert near_duplicates(left, right, 0.5) == []


@both_languages
def test_only_planted_leaks_resemble_the_test_questions(language):
    rows = [row for row in load_shipped("support", language, "train") if not row["gold"]]
    test = questions(gold(language, "test"))
    leaked = {i for i, _, _ in near_duplicates(questions(rows), test, 0.5)}
    planted_leaks = {i for i, row in enumerate(rows) if "test_leak" in row["faults"]}
    assert leaked == planted_leaks
    assert not set(test) & {rows[i]["question"] for i in planted_leaks}


@both_languages
def test_rows_without_a_fault_and_generated_are_unique_and_in_tone(language):
    opening, closing = tone(language)
    rows = [row for row in load_shipped("support", language) if not row["faults"]]
    assert len(set(questions(rows))) == len(rows)
    for row in rows:
        assert row["answer"].startswith(opening), row
        assert row["answer"].endswith(closing), row
        assert len(body(row["answer"], language)) >= 7, row


@both_languages
def test_duplicates_repeat_a_row_and_near_duplicates_almost_do(language):
    clean = [row for row in load_shipped("support", language) if not row["faults"]]
    pairs = {(row["question"], row["answer"]) for row in clean}
    for row in with_fault("duplicate", language):
        assert (row["question"], row["answer"]) in pairs, row
    near = with_fault("near_duplicate", language)
    assert not set(questions(near)) & set(questions(clean))
    found = {i for i, _, _ in near_duplicates(questions(near), questions(clean), 0.5)}
    assert len(found) == len(near)


@both_languages
def test_rows_with_personal_data_hold_some_and_others_do_not(language):
    for row in load_shipped("support", language):
        has_some = re.search(PERSONAL, row["question"]) is not None
        assert has_some == ("pii" in row["faults"]), row


@both_languages
def test_rows_with_markup_hold_some_and_others_do_not(language):
    for row in load_shipped("support", language):
        has_some = re.search(MARKUP, row["question"] + row["answer"]) is not None
        assert has_some == ("html" in row["faults"]), row


@both_languages
def test_only_empty_rows_have_no_answer(language):
    for row in load_shipped("support", language):
        assert (not row["answer"].strip()) == ("empty" in row["faults"]), row
        assert row["question"].strip(), row


@both_languages
def test_rows_off_the_tone_break_it(language):
    opening, closing = tone(language)
    for row in with_fault("off_tone", language):
        assert not row["answer"].startswith(opening), row
        assert not row["answer"].endswith(closing), row


@both_languages
def test_rows_in_another_language_are(language):
    allowed = set(making("phrases").WRONG_LANGUAGE[language])
    for row in with_fault("wrong_language", language):
        assert (row["question"], row["answer"]) in allowed
    kana = r"[ぁ-んァ-ヶ]"
    for question, answer in allowed:
        if language == "ja":
            assert not re.search(kana, question + answer), question


@both_languages
def test_contradictory_answers_do_not_state_the_companys_value(language):
    for row in with_fault("contradictory", language):
        value = table_value(row["fact"], language)
        if re.search(r"[1-9]", value):
            assert not re.search(rf"(?<![\d,.]){re.escape(value)}", row["answer"]), row


@both_languages
@pytest.mark.parametrize("fault", ["truncated", "contradictory"])
def test_faulty_answers_come_from_good_ones(fault, language, monkeypatch):
    support = making("support")
    original, seen = getattr(support, fault), {}

    def recorded(row, *rest):
        made = original(row, *rest)
        seen[made["question"], made["answer"]] = row["answer"]
        return made

    monkeypatch.setattr(support, fault, recorded)
    support.make(language)
    rows = with_fault(fault, language)
    assert len(seen) == len(rows)
    for row in rows:
        before = seen[row["question"], row["answer"]]
        if fault == "truncated":
            assert before.startswith(row["answer"])
            assert 0.3 < len(row["answer"]) / len(before) < 0.8
        else:
            assert len(before) == len(row["answer"])
            assert before != row["answer"]
            codes = r"[A-Z]{2}-\d{1,3}"
            assert re.findall(codes, before) == re.findall(codes, row["answer"])


@both_languages
def test_the_maker_reproduces_the_shipped_file(language, tmp_path):
    support = making("support")
    made = tmp_path / "support.jsonl"
    support.write(made, support.make(language))
    assert made.read_bytes() == (data_folder() / f"support.{language}.jsonl").read_bytes()
