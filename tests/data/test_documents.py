"""The policy documents agree with the company's table, and the questions with the documents."""

import re
from collections import Counter, defaultdict

import pytest

from lab_helpers.data.near_duplicates import near_duplicates
from lab_helpers.data.shipped import load_shipped
from lab_helpers.models.kotori import planted

both_languages = pytest.mark.parametrize("language", ["en", "ja"])
# how a page names a value, by attribute; whatever it names must be the table's
PATTERNS = {
    "price": {"en": r"[\d,]+ yen", "ja": r"[\d,]+円"},
    "weight_kg": {"en": r"[\d.]+ kg", "ja": r"[\d.]+ kg"},
    "power_watt": {"en": r"[\d,]+ watts", "ja": r"[\d,]+ワット"},
    "launched": {"en": r"\b(?:19|20)\d\d\b(?! yen)", "ja": r"(?:19|20)\d\d年"},
    "warranty_years": {"en": r"\b\d+ years?\b", "ja": r"(?<!\d)\d{1,2}年"},
}
# rooms are measured in square metres in English and in tatami mats in Japanese
OTHER_UNITS = {"q-002-1", "q-012-1"}


def texts(language: str) -> dict[str, str]:
    return {row["id"]: row["text"] for row in load_shipped("documents", language)}


def asked(language: str, answerable: bool) -> list[dict]:
    rows = load_shipped("questions", language)
    return [row for row in rows if (row["document"] is not None) == answerable]


def product_pages(language: str) -> list[tuple[dict, str]]:
    rows = [row for row in load_shipped("documents", language) if row["topic"] == "product"]
    found = []
    for product in planted.table()["product"]:
        pages = [row["text"] for row in rows if product["code"] in row["text"]]
        assert len(pages) == 1, product["code"]
        found.append((product, pages[0]))
    return found


def alike(rows: list[str]) -> list[tuple]:
    return [(rows[i], rows[j], s) for i, j, s in near_duplicates(rows, rows, 0.5) if i < j]


@both_languages
def test_there_are_enough_rows_with_the_same_columns(language):
    documents, questions = load_shipped("documents", language), load_shipped("questions", language)
    assert len(documents) >= 60
    assert len(asked(language, True)) >= 200
    assert len(asked(language, False)) >= 60
    assert {tuple(row) for row in documents} == {("id", "title", "topic", "text")}
    columns = ("id", "document", "question", "answer", "evidence", "split")
    assert {tuple(row) for row in questions} == {columns}


@both_languages
def test_ids_titles_texts_and_questions_are_unique_and_not_alike(language):
    documents, questions = load_shipped("documents", language), load_shipped("questions", language)
    for rows, keys in ((documents, ("id", "title", "text")), (questions, ("id", "question"))):
        for key in keys:
            assert [v for v, n in Counter(row[key] for row in rows).items() if n > 1] == []
    assert alike([row["text"] for row in documents]) == []
    assert alike([row["question"] for row in questions]) == []


@both_languages
def test_the_answer_is_in_the_evidence_and_the_evidence_in_the_document(language):
    documents = texts(language)
    for row in asked(language, True):
        assert row["answer"], row
        assert row["answer"] in row["evidence"], row
        assert documents[row["document"]].count(row["evidence"]) == 1, row
        assert row["id"].split("-")[1] == row["document"].split("-")[1], row
        assert row["answer"] not in row["question"], row


@both_languages
def test_unanswerable_questions_have_neither_answer_nor_evidence(language):
    for row in asked(language, False):
        assert (row["answer"], row["evidence"]) == ("", ""), row


@both_languages
def test_a_documents_questions_stay_in_one_split(language):
    splits = defaultdict(set)
    for row in load_shipped("questions", language):
        splits[row["id"].split("-")[1]].add(row["split"])
    assert set(map(tuple, splits.values())) == {("validation",), ("test",)}
    assert len(splits) == len(texts(language))
    for split in ("validation", "test"):
        assert {q["document"] is None for q in load_shipped("questions", language, split)} == {
            True,
            False,
        }


def test_both_languages_have_the_same_rows_and_the_same_numbers():
    english, japanese = load_shipped("questions", "en"), load_shipped("questions", "ja")
    for one, other in zip(english, japanese, strict=True):
        for key in ("id", "document", "split"):
            assert one[key] == other[key]
        # "every 2 weeks" is 2週間に1回: one language may name a number more
        found = [set(re.findall(r"\d+", r["answer"].replace(",", ""))) for r in (one, other)]
        if all(found) and one["id"] not in OTHER_UNITS:
            assert found[0] <= found[1] or found[1] <= found[0], (one, other)
    pairs = zip(load_shipped("documents", "en"), load_shipped("documents", "ja"), strict=True)
    assert all(one["id"] == other["id"] for one, other in pairs)


@both_languages
@pytest.mark.parametrize("attribute", PATTERNS)
def test_product_pages_name_the_values_of_the_table(attribute, language):
    named = 0
    for product, page in product_pages(language):
        right = planted.written(attribute, product[attribute], language)
        own = page.replace(product["special"][language], "")
        found = re.findall(PATTERNS[attribute][language], own)
        if attribute == "weight_kg":  # 8 kg of laundry
            found = [value for value in found if value not in product["special"][language]]
        assert set(found) <= {right}, (product["code"], found, right)
        named += bool(found)
    assert named >= 6


@both_languages
def test_product_pages_name_their_own_factory_and_colour(language):
    products = planted.table()["product"]
    factories = {product["factory"][language] for product in products}
    colours = {product["colour"][language] for product in products}
    for product, page in product_pages(language):
        assert {town for town in factories if town in page} <= {product["factory"][language]}
        assert {colour for colour in colours if colour in page} <= {product["colour"][language]}


@both_languages
def test_some_page_names_each_parts_price_and_months(language):
    pages = texts(language).values()
    for product in planted.table()["product"]:
        values = [
            product["part"][language],
            *(
                planted.written(key, product[key], language)
                for key in ("part_price", "part_months")
            ),
        ]
        name = product["name"][language]
        assert [page for page in pages if name in page and all(v in page for v in values)], name


@both_languages
def test_every_rule_of_the_company_is_in_some_document(language):
    everything = " ".join(texts(language).values()).lower()
    missing = [
        rule["key"]
        for rule in planted.table()["rule"]
        if rule[language][1].removeprefix("at ").lower() not in everything
    ]
    assert missing == []
