"""Batches by number: the same whoever asks, whole documents, loss where something can be learned."""

import itertools
import unicodedata

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import batches, corpus, drills, pretraining
from lab_helpers.models.kotori.batches import Shape, batch, encode, packed_rows
from lab_helpers.models.kotori.documents import CorpusText

ANSWER_WEIGHT = 5.0
SHAPE = Shape(4, 192, drill_share=0.25, drill_longest=24, answer_weight=ANSWER_WEIGHT)


@pytest.fixture(scope="module")
def batch_three(small_tokenizer):
    return batch(3, 0, SHAPE, small_tokenizer)


def test_a_batch_has_its_shape_and_types(batch_three, small_tokenizer):
    ids, weights = batch_three
    assert ids.shape == weights.shape == (4, 192)
    assert (ids.dtype, weights.dtype) == (np.int64, np.float32)
    assert ids.min() >= 0
    assert ids.max() < len(small_tokenizer)
    assert set(np.unique(weights)) == {0.0, 1.0, ANSWER_WEIGHT}


def test_a_batch_is_the_same_whoever_asks(batch_three, small_tokenizer):
    batch(2, 0, SHAPE, small_tokenizer)
    ids, weights = batch(3, 0, SHAPE, small_tokenizer)
    assert (ids == batch_three[0]).all()
    assert (weights == batch_three[1]).all()


def test_every_step_and_every_seed_has_a_batch_of_its_own(small_tokenizer):
    drawn = [
        batch(step, seed, SHAPE, small_tokenizer)[0] for step, seed in ((3, 0), (4, 0), (3, 1))
    ]
    for one, two in itertools.combinations(drawn, 2):
        assert all((a != b).any() for a, b in zip(one, two, strict=True)), "in every row"


@pytest.mark.parametrize(("share", "rows"), [(0.0, 0), (0.25, 1), (0.5, 2), (1.0, 4)])
def test_so_many_rows_are_drills(share, rows, small_tokenizer):
    shape = Shape(4, 192, share, 24, answer_weight=3.0)
    ids, _ = batch(0, 0, shape, small_tokenizer)
    words = drills.vocabulary(small_tokenizer)
    only_words = [all(token in words for token in row) for row in ids.tolist()]
    assert only_words == [True] * rows + [False] * (4 - rows)


def text_rows(batch_of, tokenizer) -> list[tuple[list[int], np.ndarray]]:
    """The rows of texts."""
    ids, weights = batch_of
    end = tokenizer.pad_token_id
    return [(i.tolist(), w) for i, w in zip(ids, weights, strict=True) if end in i]


def test_documents_are_never_cut(small_tokenizer):
    """Every text between two ends is a whole document of the step's own stream."""
    whole = {
        unicodedata.normalize("NFC", document.text)
        for document in itertools.islice(corpus.documents(3), 400)
    }
    found = 0
    for ids, _ in text_rows(
        batch(3, 0, Shape(8, 256, 0.0, 24, answer_weight=3.0), small_tokenizer), small_tokenizer
    ):
        texts = small_tokenizer.decode(ids).split("<|endoftext|>")
        assert texts[-1] == "", "a row ends with an end"
        for text in filter(None, texts):
            assert text in whole
            found += 1
    assert found > 16


def test_padding_has_no_weight_and_the_end_of_a_text_has(batch_three, small_tokenizer):
    end = small_tokenizer.pad_token_id
    for ids, weights in text_rows(batch_three, small_tokenizer):
        ends = [i for i, token in enumerate(ids) if token == end]
        for i in ends:
            assert weights[i] == (ids[i - 1] != end)
        padded = ids.index(end, max(i for i, token in enumerate(ids) if token != end))
        assert not weights[padded + 1 :].any()


def test_no_document_comes_twice_and_short_ones_fill_the_row(small_tokenizer):
    stream = corpus.documents(8)
    rows = itertools.islice(packed_rows(stream, 512, small_tokenizer), 12)
    texts, padding = [], 0
    for ids, weights in rows:
        texts += filter(None, small_tokenizer.decode(ids.tolist()).split("<|endoftext|>"))
        padding += int(((ids == small_tokenizer.pad_token_id) & (weights == 0)).sum())
    assert len(texts) == len(set(texts))
    assert padding < 0.1 * 12 * 512


def test_a_document_longer_than_a_row_is_left_out(small_tokenizer):
    long, short = CorpusText("facts", "en", "x " * 200), CorpusText("facts", "en", "short")
    ids, _ = next(packed_rows(itertools.cycle([long, short]), 64, small_tokenizer))
    assert set(small_tokenizer.decode(ids.tolist()).split("<|endoftext|>")) == {"short", ""}


# Weights


@pytest.mark.parametrize("kind", list(corpus.MIXTURE))
def test_weights_fall_on_the_answers_and_nowhere_else(kind, sample, small_tokenizer):
    for document in sample(kind, 60):
        ids, weights = encode(document, small_tokenizer, ANSWER_WEIGHT)
        assert len(ids) == len(weights)
        runs = itertools.groupby(zip(ids, weights, strict=True), key=lambda pair: pair[1])
        spoken = [
            small_tokenizer.decode([i for i, _ in run]) for w, run in runs if w == ANSWER_WEIGHT
        ]
        answers = [document.text[start:end] for start, end in document.answers]
        assert "".join(spoken) == unicodedata.normalize("NFC", "".join(answers))


@pytest.mark.parametrize("kind", list(corpus.MIXTURE))
def test_silent_text_has_no_weight_and_the_rest_has(kind, sample, small_tokenizer):
    for document in sample(kind, 60):
        encoded = small_tokenizer(document.text, return_offsets_mapping=True)
        silent = {i for start, end in document.silent for i in range(start, end)}
        _, weights = encode(document, small_tokenizer, ANSWER_WEIGHT)
        for (_start, end), weight in zip(encoded["offset_mapping"], weights, strict=True):
            assert (weight == 0) == (end - 1 in silent)


@given(before=st.text(max_size=20), answer=st.text(min_size=1, max_size=20))
def test_an_answer_in_any_script_carries_weight(small_tokenizer, before, answer):
    document = CorpusText("facts", "en", before).add("\n答え:").answer(" " + answer)
    _, weights = encode(document, small_tokenizer, ANSWER_WEIGHT)
    assert weights[-1] == ANSWER_WEIGHT
    assert weights[0] == 1


def test_without_a_weight_of_their_own_answers_count_like_the_rest(sample, small_tokenizer):
    for document in sample("passages", 20):
        assert set(encode(document, small_tokenizer)[1].tolist()) == {0.0, 1.0}


# Held-out texts


def seeds_drawn(step: int, seed: int, monkeypatch, tokenizer) -> set[int]:
    drawn = set()
    real = corpus.documents

    def noted(seed, *args, **options):
        drawn.add(seed)
        return real(seed, *args, **options)

    monkeypatch.setattr(batches.corpus, "documents", noted)
    batch(step, seed, SHAPE, tokenizer)
    return drawn


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_batch_draws_from_the_held_out_seed(seed, monkeypatch, small_tokenizer):
    """Asked of the step that comes nearest to it."""
    last = pretraining.read_settings().steps - 1
    step = min(max(0, corpus.HELD_OUT_SEED - seed * 1_000_000), last)
    assert corpus.HELD_OUT_SEED not in seeds_drawn(step, seed, monkeypatch, small_tokenizer)
