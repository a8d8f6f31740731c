"""Duplicate groups: exact and near, small sets counted in full, big ones through MinHash."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data import duplicates
from lab_helpers.data.duplicates import (
    bands,
    duplicate_groups,
    exact_groups,
    fingerprint,
    remove_duplicates,
)
from lab_helpers.data.near_duplicates import character_ngrams, jaccard
from lab_helpers.data.shipped import load_shipped
from lab_helpers.runtime.errors import BadInput

texts_lists = st.lists(st.text("ab cア。", max_size=14), max_size=9)
thresholds = st.sampled_from([0.3, 0.5, 0.8, 1.0])


def grouped_by_hand(texts: list[str], threshold: float) -> list[list[int]]:
    grams = [character_ngrams(text) for text in texts]
    groups = [{i} for i in range(len(texts))]
    for i in range(len(texts)):
        for j in range(i):
            if jaccard(grams[i], grams[j]) >= threshold:
                a, b = (next(g for g in groups if k in g) for k in (i, j))
                if a is not b:
                    groups.remove(b)
                    a |= b
    return sorted(sorted(group) for group in groups if len(group) > 1)


@given(texts=texts_lists, threshold=thresholds)
def test_groups_are_the_connected_pairs(texts, threshold):
    assert sorted(duplicate_groups(texts, threshold)) == grouped_by_hand(texts, threshold)


@given(texts=texts_lists, threshold=thresholds)
def test_removing_keeps_the_first_of_each_group_and_leaves_no_pair(texts, threshold):
    rows = [{"n": n, "text": text} for n, text in enumerate(texts)]
    kept, groups = remove_duplicates(rows, "text", threshold)
    dropped = {n for group in groups for n in group[1:]}
    assert [row["n"] for row in kept] == [n for n in range(len(rows)) if n not in dropped]
    assert duplicate_groups([row["text"] for row in kept], threshold) == []


def test_exact_means_the_same_after_normalising():
    texts = ["ＮＷ－８００  は？", "nw-800 は?", "別の文", "NW-800 は?\n"]
    assert exact_groups(texts) == [[0, 1, 3]]
    assert fingerprint("ABC") == fingerprint(" abc ") != fingerprint("abd")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (
            "洗濯機ナガレの保証期間は何年ですか。教えてください。",
            "洗濯機ナガレの保証期間は何年ですか?教えてください",
        ),
        ("How long is the warranty of the Nagare?", "how long is the warranty of the nagare??"),
    ],
)
def test_light_edits_are_near_duplicates(left, right):
    assert duplicate_groups([left, "何か別の話です。 Something else.", right], 0.5) == [[0, 2]]


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("threshold", [0.6, 0.8])
def test_minhash_finds_the_groups_that_counting_finds(language, threshold, monkeypatch):
    texts = [f"{r['question']}\n{r['answer']}" for r in load_shipped("support", language)[:500]]
    counted = duplicate_groups(texts, threshold)
    monkeypatch.setattr(duplicates, "COUNTED_TEXTS", 10)
    proposed = duplicate_groups(texts, threshold)
    in_counted = {n for group in counted for n in group}
    in_proposed = {n for group in proposed for n in group}
    assert in_proposed <= in_counted, "every pair is verified"
    assert len(in_proposed) >= 0.98 * len(in_counted)


def test_planted_copies_are_found_in_a_set_too_big_to_count():
    rng = random.Random(0)
    texts = ["".join(rng.choices("あいうえおかきくけこ", k=60)) for _ in range(2200)]
    planted = [text[:-2] + "。" for text in texts[:40]]
    groups = duplicate_groups([*texts, *planted], 0.8)
    assert groups == [[n, 2200 + n] for n in range(40)]


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8, 0.95, 1.0])
def test_bands_seldom_miss_a_pair_at_the_threshold(threshold):
    b, r = bands(threshold)
    assert b * r <= duplicates.PERMUTATIONS
    assert (1 - threshold**r) ** b <= duplicates.MISSED


@pytest.mark.parametrize("threshold", [0, -1, 1.1])
def test_a_threshold_outside_0_to_1_is_refused(threshold):
    with pytest.raises(BadInput, match="threshold"):
        duplicate_groups(["a"], threshold)


def test_a_missing_column_is_refused_with_the_ones_there_are():
    with pytest.raises(BadInput, match=r"row 1 has no text in 'text' \(columns: body\)"):
        remove_duplicates([{"text": "x"}, {"body": "y"}], "text")


def test_a_function_may_give_the_text():
    rows = [{"a": "x", "b": "y"}, {"a": "x", "b": "z"}]
    assert len(remove_duplicates(rows, lambda row: row["a"])[0]) == 1
