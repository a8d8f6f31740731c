"""Character 5-gram overlap, and that the fast search finds what the slow one would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.near_duplicates import character_ngrams, jaccard, near_duplicates

grams = st.frozensets(st.text("abc", min_size=1, max_size=2), max_size=8)
texts = st.lists(st.text("ab ア", max_size=12), max_size=6)


@given(a=grams, b=grams)
def test_jaccard_is_symmetric_and_between_0_and_1(a, b):
    assert jaccard(a, b) == jaccard(b, a)
    assert 0 <= jaccard(a, b) <= 1


@given(a=grams, b=grams)
def test_jaccard_is_1_for_identical_sets_and_only_for_them(a, b):
    assert jaccard(a, a) == 1
    assert (jaccard(a, b) == 1) == (a == b)


@given(a=grams, b=grams)
def test_jaccard_is_0_for_disjoint_sets_and_only_for_them(a, b):
    if a or b:
        assert (jaccard(a, b) == 0) == a.isdisjoint(b)


def test_jaccard_on_a_hand_made_pair():
    assert jaccard(frozenset("abc"), frozenset("bcd")) == pytest.approx(2 / 4)
    assert jaccard(frozenset(), frozenset()) == 1
    assert jaccard(frozenset(), frozenset("a")) == 0


def test_ngrams_of_a_text():
    assert character_ngrams("abcdefg") == {"abcde", "bcdef", "cdefg"}
    assert character_ngrams("abcd", n=2) == {"ab", "bc", "cd"}
    assert character_ngrams("abc") == {"abc"}


def test_width_case_and_spaces_make_no_difference():
    assert character_ngrams("HK-55 ヒーター") == character_ngrams("  ｈｋ－５５\n　ﾋｰﾀｰ ")


@given(left=texts, right=texts, threshold=st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_the_index_finds_exactly_what_comparing_all_pairs_finds(left, right, threshold):
    expected = {
        (i, j): jaccard(character_ngrams(a), character_ngrams(b))
        for i, a in enumerate(left)
        for j, b in enumerate(right)
        if jaccard(character_ngrams(a), character_ngrams(b)) >= threshold
    }
    found = near_duplicates(left, right, threshold)
    assert len(found) == len(expected)
    assert {(i, j): similarity for i, j, similarity in found} == pytest.approx(expected)


def test_one_changed_word_is_a_near_duplicate_and_another_sentence_is_not():
    left = ["The heater in the hall stopped after two weeks of careful use."]
    right = [
        "A lamp arrived with its shade cracked, and nobody answers the phone.",
        "The heater in the hall stopped after ten weeks of careful use.",
    ]
    assert [(i, j) for i, j, _ in near_duplicates(left, right)] == [(0, 1)]


def test_the_threshold_itself_counts():
    assert near_duplicates(["abcdefgh"], ["abcdef"], threshold=0.5) == [(0, 0, 0.5)]
    assert near_duplicates(["abcdefgh"], ["abcdef"], threshold=0.51) == []
