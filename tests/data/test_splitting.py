"""Splits without leakage: complete, deterministic, stratified, and proven by counting."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.duplicates import duplicate_groups
from lab_helpers.data.shipped import load_shipped
from lab_helpers.data.splitting import leakage, split_without_leakage
from lab_helpers.runtime.errors import BadInput

HALVES = {"train": 0.5, "test": 0.5}


def rows_of(texts) -> list[dict]:
    return [{"n": n, "text": text} for n, text in enumerate(texts)]


@given(
    texts=st.lists(st.text("ab cアイ", max_size=12), min_size=2, max_size=20),
    seed=st.integers(0, 3),
    threshold=st.sampled_from([0.4, 0.8, 1.0]),
)
def test_every_row_is_in_one_split_and_nothing_leaks(texts, seed, threshold):
    rows = rows_of(texts)
    groups = duplicate_groups(texts, threshold)
    if len(texts) - sum(len(group) - 1 for group in groups) < 2:
        with pytest.raises(BadInput, match="empty"):
            split_without_leakage(rows, "text", HALVES, seed, threshold)
        return
    splits = split_without_leakage(rows, "text", HALVES, seed, threshold)
    numbers = [row["n"] for part in splits.values() for row in part]
    assert sorted(numbers) == list(range(len(rows)))
    assert all([row["n"] for row in p] == sorted(row["n"] for row in p) for p in splits.values())
    assert leakage(splits["train"], splits["test"], threshold, "text") == []
    assert split_without_leakage(rows, "text", HALVES, seed, threshold) == splits


@given(labels=st.lists(st.sampled_from("xyz"), min_size=20, max_size=120), seed=st.integers(0, 3))
def test_strata_keep_the_shares(labels, seed):
    rows = [{"text": chr(0x4E00 + n) * 6, "label": label} for n, label in enumerate(labels)]
    shares = {"train": 0.6, "validation": 0.1, "test": 0.3}
    splits = split_without_leakage(rows, "text", shares, seed, 1.0, stratify="label")
    for label, count in Counter(labels).items():
        for name, share in shares.items():
            there = sum(row["label"] == label for row in splits[name])
            assert abs(there - share * count) <= 1, (label, name)


def test_another_seed_splits_otherwise():
    rows = rows_of(chr(0x4E00 + n) * 6 for n in range(60))
    tests = [
        {row["n"] for row in split_without_leakage(rows, "text", HALVES, seed)["test"]}
        for seed in range(3)
    ]
    assert tests[0] != tests[1] != tests[2]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_the_courses_near_duplicates_do_not_leak(language):
    rows = load_shipped("support", language)[:600]
    splits = split_without_leakage(rows, "question", stratify="topic", threshold=0.6)
    assert sum(map(len, splits.values())) == len(rows)
    assert abs(len(splits["train"]) - 0.8 * len(rows)) < 0.05 * len(rows)
    for other in ("validation", "test"):
        assert leakage(splits["train"], splits[other], 0.6, "question") == []


def test_leakage_is_found_and_the_most_alike_comes_first():
    train = ["何円ですか。教えてください。", "保証期間は何年ですか。"]
    test = [
        "保証期間は何年でしょうか。",
        "何円ですか。教えてください!",
        "何円ですか。教えてください。",
    ]
    found = leakage(train, test, 0.3)
    assert [(i, j) for i, j, _ in found] == [(0, 2), (0, 1), (1, 0)]
    assert found[0][2] == 1.0


@pytest.mark.parametrize(
    ("shares", "said"),
    [({"train": 0.8}, "sum to 0.8"), ({"train": 1.2, "test": -0.2}, "above 0"), ({}, "above 0")],
)
def test_odd_shares_are_refused(shares, said):
    with pytest.raises(BadInput, match=said):
        split_without_leakage(rows_of("ab"), "text", shares)


def test_one_group_cannot_be_split():
    with pytest.raises(BadInput, match="4 rows in 1 groups"):
        split_without_leakage(rows_of(["same text here"] * 4), "text", HALVES)
