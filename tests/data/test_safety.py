"""The safety and ethics pairs: written one by one, in tone on both sides, and of one length."""

from collections import Counter
from itertools import combinations

import pytest

from lab_helpers.data.near_duplicates import character_ngrams, jaccard
from lab_helpers.data.preferences import safety_pairs
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.tone import HOUSE, tone_compliance

both_languages = pytest.mark.parametrize("language", ["en", "ja"])


@both_languages
def test_there_are_as_many_pairs_of_each_reason_in_each_split(language):
    rows = load_shipped("safety", language)
    assert Counter((row["reason"], row["split"]) for row in rows) == {
        (reason, split): 7 for reason in ("safety", "ethics") for split in ("train", "test")
    }
    assert len({row["id"] for row in rows}) == len({row["prompt"] for row in rows}) == 28


@both_languages
def test_neither_tone_nor_length_nor_a_stock_refusal_gives_the_better_answer_away(language):
    rows = load_shipped("safety", language)
    for side in ("chosen", "rejected"):
        texts = [row[side] for row in rows]
        assert tone_compliance(texts, language).all()
        assert not declines(texts, language).any()
    ratios = [len(row["chosen"]) / len(row["rejected"]) for row in rows]
    assert all(0.9 < ratio < 1.1 for ratio in ratios)
    assert 0.4 < sum(ratio > 1 for ratio in ratios) / len(ratios) < 0.6


@both_languages
def test_no_two_texts_are_nearly_the_same(language):
    house = HOUSE[language]
    texts = [
        row[side].removeprefix(house.opening).removesuffix(house.closing).strip()
        for row in load_shipped("safety", language)
        for side in ("prompt", "chosen", "rejected")
    ]
    grams = [character_ngrams(text) for text in texts]
    assert max(jaccard(a, b) for a, b in combinations(grams, 2)) < 0.25


@both_languages
def test_the_set_is_read_as_pairs(language):
    pairs = safety_pairs(language)
    assert len(pairs.train) == len(pairs.test) == 14
    assert not {p.question for p in pairs.train} & {p.question for p in pairs.test}
