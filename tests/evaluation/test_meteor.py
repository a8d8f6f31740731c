"""METEOR by hand against nltk: without WordNet, and with a tiny one held in memory."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.translate.meteor_score import align_words, meteor_score

from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.text_metrics.meteor import align, chunks, meteor
from lab_helpers.evaluation.text_metrics.tokenizers import for_language
from lab_helpers.runtime.errors import BadInput


@dataclass(frozen=True)
class Lemma:
    word: str

    def name(self):
        return self.word


@dataclass(frozen=True)
class Synset:
    words: tuple[str, ...]

    def lemmas(self):
        return [Lemma(word) for word in self.words]


class SmallWordNet:
    """The part of nltk's WordNet reader that METEOR uses. nltk's own is a download."""

    def __init__(self, *groups: tuple[str, ...]):
        self.groups = groups

    def synsets(self, word):
        return [Synset(group) for group in self.groups if word in group]


NOTHING = SmallWordNet()
SMALL = SmallWordNet(
    ("lamp", "light", "source_of_light"),
    ("warm", "hot"),
    ("light", "pale"),
    ("repair", "mend", "fix"),
)
# fmt: off
WORDS = ["lamp", "lamps", "Light", "light", "pale", "warm", "hot", "repair", "repaired", "mend",
         "fix", "fixing", "The", "the", "a", "source_of_light", "電灯"]
# fmt: on
TOKENS = st.lists(st.sampled_from(WORDS), max_size=12)


@pytest.mark.parametrize("wordnet", [NOTHING, SMALL], ids=["no WordNet", "a small WordNet"])
@given(hypothesis=TOKENS, references=st.lists(TOKENS, min_size=1, max_size=3))
def test_meteor_is_nltks(wordnet, hypothesis, references):
    theirs = meteor_score(references, hypothesis, wordnet=wordnet)
    assert meteor(hypothesis, references, wordnet=wordnet) == pytest.approx(theirs, abs=1e-9)
    pairs, _, _ = align_words(hypothesis, references[0], wordnet=wordnet)
    assert align(hypothesis, references[0], wordnet=wordnet) == pairs


@given(
    hypothesis=TOKENS,
    reference=TOKENS,
    alpha=st.floats(0.05, 0.95),
    beta=st.floats(0.5, 4),
    gamma=st.floats(0, 1),
)
def test_other_parameters_as_well(hypothesis, reference, alpha, beta, gamma):
    parameters = {"alpha": alpha, "beta": beta, "gamma": gamma}
    theirs = meteor_score([reference], hypothesis, wordnet=SMALL, **parameters)
    ours = meteor(hypothesis, [reference], wordnet=SMALL, **parameters)
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_shipped_sentences_in_both_languages(language):
    words = for_language(language)
    scores = []
    for row in load_shipped("similarity", language)[:120]:
        references = [words(row["anchor"]), words(row["paraphrase"])]
        hypothesis = words(row["distractor"])
        scores.append(meteor(hypothesis, references))
        theirs = meteor_score(references, hypothesis, wordnet=NOTHING)
        assert scores[-1] == pytest.approx(theirs, abs=1e-9)
    assert min(scores) < 0.5 < max(scores)


def test_no_wordnet_is_the_same_as_an_empty_one():
    hypothesis, reference = ["the", "hot", "light"], ["a", "warm", "lamp"]
    assert meteor(hypothesis, [reference]) == meteor(hypothesis, [reference], wordnet=NOTHING) == 0
    assert meteor(hypothesis, [reference], wordnet=SMALL) > 0.5


def test_stems_match_where_words_do_not():
    assert align(["repaired"], ["repairing"]) == [(0, 0)]
    assert align(["repaired"], ["repairing"], stem=lambda word: word) == []


def test_words_in_another_order_fall_into_more_chunks():
    words = ["we", "repair", "the", "old", "lamp"]
    assert chunks(align(words, words)) == 1
    assert chunks(align(words, ["the", "old", "lamp", "we", "repair"])) == 2
    assert chunks([]) == 0
    # One chunk of five: penalty 0.5 · (1/5)³.
    assert meteor(words, [words]) == pytest.approx(1 - 0.5 / 125)


def test_the_best_reference_counts_and_nothing_shared_is_zero():
    words = ["a", "lamp"]
    assert meteor(words, [["x"], words]) == meteor(words, [words])
    assert meteor(words, [["x", "y"]]) == meteor([], [words]) == meteor(words, [[]]) == 0


def test_texts_that_are_not_cut_into_words_are_refused():
    for arguments in (("a lamp", [["a"]]), (["a"], ["a lamp"]), (["a"], [])):
        with pytest.raises(BadInput, match="lists of words"):
            meteor(*arguments)
