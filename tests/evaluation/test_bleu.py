"""BLEU by hand against sacrebleu: random tokens, shipped sentences, edges."""

import pytest
import sacrebleu
from hypothesis import given
from hypothesis import strategies as st
from sacrebleu.metrics import BLEU

from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.text_metrics.bleu import (
    bleu_counts,
    bleu_of,
    brevity_penalty,
    clipped_matches,
    corpus_bleu,
    sentence_bleu,
)
from lab_helpers.evaluation.text_metrics.tokenizers import for_language, sacrebleu_words
from lab_helpers.runtime.errors import BadInput

EXACT = 1e-9
TOKENS = st.lists(st.sampled_from(["a", "b", "c", "dd", "e"]), max_size=14).map(" ".join)
ITEMS = st.lists(st.tuples(TOKENS, st.lists(TOKENS, min_size=1, max_size=3)), min_size=1, max_size=6)  # fmt: skip


def streams(references):
    """Our table turned round as sacrebleu wants it; None where an item has fewer references."""
    most = max(map(len, references))
    return [[r[i] if i < len(r) else None for r in references] for i in range(most)]


def assert_same(ours, theirs):
    assert ours.score == pytest.approx(theirs.score, abs=EXACT)
    assert ours.precisions == pytest.approx(theirs.precisions, abs=EXACT)
    assert ours.brevity_penalty == pytest.approx(theirs.bp, abs=EXACT)
    assert (ours.hypothesis_length, ours.reference_length) == (theirs.sys_len, theirs.ref_len)
    assert (list(ours.matches), list(ours.totals)) == (theirs.counts, theirs.totals)


@pytest.mark.parametrize("smoothing", ["exp", "none"])
@given(items=ITEMS)
def test_corpus_bleu_is_sacrebleus(smoothing, items):
    hypotheses, references = [h for h, _ in items], [r for _, r in items]
    theirs = BLEU(tokenize="none", smooth_method=smoothing, force=True).corpus_score(
        hypotheses, streams(references)
    )
    assert_same(corpus_bleu(hypotheses, references, str.split, smoothing), theirs)


@given(hypothesis=TOKENS, references=st.lists(TOKENS, min_size=1, max_size=3))
def test_sentence_bleu_is_sacrebleus(hypothesis, references):
    theirs = sacrebleu.sentence_bleu(hypothesis, references, tokenize="none")
    assert_same(sentence_bleu(hypothesis, references, str.split), theirs)


@pytest.mark.parametrize(("language", "name"), [("en", "13a"), ("ja", "ja-mecab")])
def test_shipped_sentences_give_sacrebleus_score_in_both_languages(language, name):
    rows = load_shipped("similarity", language)
    hypotheses = [row["distractor"] for row in rows]
    references = [[row["anchor"], row["paraphrase"]] for row in rows]
    theirs = BLEU(tokenize=name).corpus_score(hypotheses, streams(references))
    assert theirs.score > 10
    assert_same(corpus_bleu(hypotheses, references, for_language(language)), theirs)
    for hypothesis, right in list(zip(hypotheses, references, strict=True))[:60]:
        assert_same(
            sentence_bleu(hypothesis, right, for_language(language)),
            sacrebleu.sentence_bleu(hypothesis, right, tokenize=name),
        )


@pytest.mark.parametrize("name", ["char", "intl", "13a"])
def test_sacrebleus_other_tokenizers_by_name(name):
    rows = load_shipped("support", "en")[:40]
    hypotheses, references = [r["question"] for r in rows], [[r["answer"]] for r in rows]
    theirs = BLEU(tokenize=name).corpus_score(hypotheses, streams(references))
    assert_same(corpus_bleu(hypotheses, references, sacrebleu_words(name)), theirs)


def test_counts_are_clipped_by_the_reference_that_has_most():
    said = ["the", "the", "the", "the"]
    assert clipped_matches(said, [["the", "cat"], ["the", "cat", "on", "the", "mat"]], 1) == 2


def test_the_brevity_penalty_punishes_only_short_texts():
    assert brevity_penalty(12, 10) == brevity_penalty(10, 10) == 1
    assert brevity_penalty(5, 10) == pytest.approx(0.36787944)
    assert brevity_penalty(0, 10) == 0


def test_corpus_bleu_is_not_the_mean_of_sentences():
    hypotheses, references = ["a b c d e", "x y"], [["a b c d e"], ["p q"]]
    mean = sum(sentence_bleu(h, r, str.split).score for h, r in zip(hypotheses, references, strict=True)) / 2  # fmt: skip
    assert corpus_bleu(hypotheses, references, str.split).score > mean + 5


def test_counts_of_items_add_up_to_the_counts_of_the_set():
    hypotheses, references = ["a b c d e", "a b x y"], [["a b c d e"], ["a b q"]]
    counts = bleu_counts(hypotheses, references, str.split)
    assert counts.shape == (2, 10)
    assert bleu_of(counts.sum(axis=0)) == corpus_bleu(hypotheses, references, str.split)


def test_what_cannot_be_scored_is_refused_with_the_way_out():
    with pytest.raises(BadInput, match="2 hypotheses and references for 1"):
        corpus_bleu(["a", "b"], [["a", "b"]], str.split)
    with pytest.raises(BadInput, match="0 hypotheses"):
        corpus_bleu([], [], str.split)
    with pytest.raises(BadInput, match="no list of references"):
        corpus_bleu(["a"], ["a"], str.split)  # type: ignore[list-item]
    with pytest.raises(BadInput, match="no list of references"):
        corpus_bleu(["a"], [[]], str.split)
    with pytest.raises(BadInput, match="unknown smoothing"):
        sentence_bleu("a", ["a"], str.split, smoothing="floor")
