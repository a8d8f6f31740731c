"""ROUGE by hand against rouge_score: random tokens, shipped sentences, and Japanese as it goes wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import RougeScorer

from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.text_metrics.rouge import lcs_length, rouge_l, rouge_n
from lab_helpers.evaluation.text_metrics.tokenizers import (
    ForRouge,
    characters,
    japanese_words,
    rouge_words,
)

KINDS = ["rouge1", "rouge2", "rougeL"]
TEXT = st.lists(st.sampled_from(["a", "b", "c", "dd", "e"]), max_size=15).map(" ".join)


def assert_same(hypothesis, reference, tokenize, scorer):
    ours = [
        rouge_n(hypothesis, reference, 1, tokenize),
        rouge_n(hypothesis, reference, 2, tokenize),
        rouge_l(hypothesis, reference, tokenize),
    ]
    theirs = scorer.score(reference, hypothesis)
    for mine, kind in zip(ours, KINDS, strict=True):
        score = theirs[kind]
        assert tuple(mine) == pytest.approx(
            (score.precision, score.recall, score.fmeasure), abs=1e-9
        )


@given(hypothesis=TEXT, reference=TEXT)
def test_random_tokens_score_as_rouge_scores(hypothesis, reference):
    assert_same(hypothesis, reference, str.split, RougeScorer(KINDS, tokenizer=ForRouge(str.split)))


@given(hypothesis=st.text(max_size=40), reference=st.text(max_size=40))
def test_any_text_scores_as_rouge_scores_with_its_own_tokenizer(hypothesis, reference):
    assert_same(hypothesis, reference, rouge_words("en"), RougeScorer(KINDS))


@pytest.mark.parametrize("stem", [False, True])
def test_shipped_english_with_and_without_stems(stem):
    scorer = RougeScorer(KINDS, use_stemmer=stem)
    for row in load_shipped("similarity", "en")[:120]:
        for text in (row["paraphrase"], row["distractor"]):
            assert_same(text, row["anchor"], rouge_words("en", stem=stem), scorer)


@pytest.mark.parametrize("tokenize", [japanese_words, characters])
def test_shipped_japanese_with_our_tokenizers(tokenize):
    scorer = RougeScorer(KINDS, tokenizer=ForRouge(tokenize))
    for row in load_shipped("similarity", "ja")[:120]:
        for text in (row["paraphrase"], row["distractor"]):
            assert_same(text, row["anchor"], tokenize, scorer)


def test_the_stemmer_changes_the_score():
    said, wanted = "the lamps were repaired", "the lamp was repairing"
    assert rouge_n(said, wanted, 1, rouge_words("en", stem=True)).f1 == 0.75
    assert rouge_n(said, wanted, 1, rouge_words("en")).f1 == 0.25


def every_score(scorer, reference, hypothesis):
    return [score.fmeasure for score in scorer.score(reference, hypothesis).values()]


def test_the_default_gives_zero_to_identical_japanese_and_ours_gives_one():
    texts = [row["anchor"] for row in load_shipped("similarity", "ja")]
    plain = [text for text in texts if not any(c.isascii() and c.isalnum() for c in text)]
    assert len(plain) > 50
    default, ours = RougeScorer(KINDS), RougeScorer(KINDS, tokenizer=ForRouge(japanese_words))
    for text in plain:
        assert every_score(default, text, text) == [0, 0, 0]
        assert every_score(ours, text, text) == [1, 1, 1]


def test_the_default_gives_one_to_unrelated_japanese_that_shares_a_number():
    reference, hypothesis = "返品は30日以内にお願いします。", "定員は30名で、昼食が付きます。"
    default = RougeScorer(["rouge1", "rougeL"])
    assert every_score(default, reference, hypothesis) == [1, 1]
    ours = RougeScorer(["rouge1", "rougeL"], tokenizer=ForRouge(japanese_words))
    assert all(0 < score < 0.6 for score in every_score(ours, reference, hypothesis))


@given(a=TEXT, b=TEXT)
def test_a_common_subsequence_is_the_same_both_ways_and_no_longer_than_either(a, b):
    a, b = a.split(), b.split()
    length = lcs_length(a, b)
    assert length == lcs_length(b, a) == lcs_length(a[::-1], b[::-1])
    assert lcs_length(a, a) == len(a)
    assert length <= min(len(a), len(b))


def test_order_counts_for_rouge_l_and_not_for_rouge_1():
    assert rouge_n("c b a", "a b c", 1, str.split).f1 == 1
    assert rouge_l("c b a", "a b c", str.split).f1 == pytest.approx(1 / 3)
