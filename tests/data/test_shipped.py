"""The data that the course ships: enough of it, complete splits, sound spans, no leaks."""

from collections import Counter
from itertools import combinations

import pytest

from lab_helpers.data.near_duplicates import near_duplicates
from lab_helpers.data.shipped import load_shipped
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.tagging import KINDS

LANGUAGES = ("en", "ja")
SPLITS = ("train", "validation", "test")
LEAST = {"reviews": 600, "requests": 500, "entities": 400}
both_languages = pytest.mark.parametrize("language", LANGUAGES)
every_set = pytest.mark.parametrize("name", ["reviews", "requests", "entities", "similarity"])


def splits_of(name: str) -> tuple[str, ...]:
    return ("train", "test") if name == "similarity" else SPLITS


def texts_of(row: dict) -> list[str]:
    return [row[key] for key in ("text", "anchor", "paraphrase", "distractor") if key in row]


@both_languages
@pytest.mark.parametrize("name", LEAST)
def test_there_are_enough_rows(name, language):
    assert len(load_shipped(name, language)) >= LEAST[name]


@both_languages
@every_set
def test_ids_are_unique_and_no_text_is_empty_or_repeated(name, language):
    rows = load_shipped(name, language)
    assert not [i for i, n in Counter(row["id"] for row in rows).items() if n > 1]
    texts = [text for row in rows for text in texts_of(row)]
    assert len(texts) >= len(rows)
    assert not [text for text in texts if text != text.strip() or not text]
    assert not [text for text, n in Counter(texts).items() if n > 1]


@both_languages
@every_set
def test_split_selects_rows_and_the_splits_make_up_the_whole(name, language):
    rows = load_shipped(name, language)
    assert {row["split"] for row in rows} == set(splits_of(name))
    parts = [load_shipped(name, language, split) for split in splits_of(name)]
    assert sum(map(len, parts)) == len(rows)
    for split, part in zip(splits_of(name), parts, strict=True):
        assert {row["split"] for row in part} == {split}


@both_languages
@pytest.mark.parametrize(("name", "labels"), [("reviews", 3), ("requests", 10)])
def test_every_label_is_in_every_split(name, labels, language):
    rows = load_shipped(name, language)
    every = {row["label"] for row in rows}
    assert len(every) == labels
    for split in SPLITS:
        assert {row["label"] for row in rows if row["split"] == split} == every, split


@pytest.mark.parametrize("name", ["reviews", "requests", "entities"])
def test_both_languages_have_the_same_labels(name):
    def labels(language: str) -> set[str]:
        rows = load_shipped(name, language)
        if name == "entities":
            return {entity["label"] for row in rows for entity in row["entities"]}
        return {row["label"] for row in rows}

    assert labels("en") == labels("ja")


@both_languages
def test_every_entity_kind_is_in_every_split(language):
    for split in SPLITS:
        rows = load_shipped("entities", language, split)
        kinds = {entity["label"] for row in rows for entity in row["entities"]}
        assert kinds == set(KINDS), split


@both_languages
def test_entity_spans_are_sound(language):
    bad = []
    for row in load_shipped("entities", language):
        text = row["text"]
        for entity in row["entities"]:
            start, end = entity["start"], entity["end"]
            inside = 0 <= start < end <= len(text)
            covered = text[start:end]
            if not inside or covered != covered.strip() or entity["label"] not in KINDS:
                bad.append((row["id"], covered, entity))
    assert bad == []


@both_languages
def test_entity_spans_do_not_overlap(language):
    bad = []
    for row in load_shipped("entities", language):
        for a, b in combinations(row["entities"], 2):
            if a["start"] < b["end"] and b["start"] < a["end"]:
                bad.append((row["id"], a, b))
    assert bad == []


def test_english_entities_begin_and_end_at_word_boundaries():
    bad = []
    for row in load_shipped("entities", "en"):
        text = f" {row['text']} "
        for entity in row["entities"]:
            before = text[entity["start"] : entity["start"] + 2]
            after = text[entity["end"] : entity["end"] + 2]
            if before.isalpha() or after.isalpha():
                bad.append((row["id"], row["text"][entity["start"] : entity["end"]]))
    assert bad == []


@both_languages
def test_distractors_differ_from_both_anchor_and_paraphrase(language):
    for row in load_shipped("similarity", language):
        assert len({row["anchor"], row["paraphrase"], row["distractor"]}) == 3


@both_languages
@every_set
def test_no_near_duplicates_across_splits(name, language):
    texts = {
        split: [text for row in load_shipped(name, language, split) for text in texts_of(row)]
        for split in splits_of(name)
    }
    found = [
        (one, other, texts[one][i], texts[other][j], round(similarity, 2))
        for one, other in combinations(texts, 2)
        for i, j, similarity in near_duplicates(texts[one], texts[other], 0.5)
    ]
    assert found == []


@both_languages
@pytest.mark.parametrize("name", ["reviews", "requests", "entities"])
def test_a_planted_near_duplicate_would_be_found(name, language):
    train = [row["text"] for row in load_shipped(name, language, "train")]
    test = [row["text"] for row in load_shipped(name, language, "test")]
    longest = max(range(len(train)), key=lambda i: len(train[i]))
    planted = train[longest][:-1].upper() + "!"
    found = near_duplicates(train, [*test, planted], 0.5)
    assert [(i, j) for i, j, _ in found] == [(longest, len(test))]


def test_an_unknown_set_or_language_is_refused():
    for name, language in (("opinions", "en"), ("reviews", "fr"), ("../reviews", "en")):
        with pytest.raises(BadInput, match="no shipped data set") as caught:
            load_shipped(name, language)
        assert "reviews" in caught.value.fix


def test_changing_a_row_does_not_change_the_next_load():
    row = load_shipped("entities", "en")[0]
    text = row["text"]
    row["text"] = "changed"
    assert load_shipped("entities", "en")[0]["text"] == text


def test_changing_a_rows_entities_does_not_change_the_next_load():
    row = next(row for row in load_shipped("entities", "en") if row["entities"])
    before = [dict(entity) for entity in row["entities"]]
    try:
        row["entities"][0]["label"] = "changed"
        again = next(r for r in load_shipped("entities", "en") if r["id"] == row["id"])
        assert again["entities"] == before
    finally:
        row["entities"][0]["label"] = before[0]["label"]
