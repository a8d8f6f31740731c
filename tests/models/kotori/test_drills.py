"""Repetition drills: what is said again can be predicted, what is said first cannot."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.kotori import drills

seeds = st.integers(0, 2**32)
lengths = st.integers(1, 300)
longest = st.integers(4, 60)
MANY = range(1_000, 10**15)  # so many tokens that none comes twice by chance


@given(seed=seeds, length=lengths, longest=longest)
def test_a_row_has_its_length_and_only_words(seed, length, longest):
    ids, weights = drills.row(length, range(259, 700), longest, Random(seed))
    assert ids.shape == weights.shape == (length,)
    assert weights.dtype == np.float32
    assert set(weights.tolist()) <= {0.0, 1.0}
    assert ids.min() >= 259
    assert ids.max() < 700


@given(seed=seeds, length=lengths, longest=longest)
def test_the_first_pass_has_no_weight(seed, length, longest):
    """A token seen for the first time has weight 0; one with weight was seen before."""
    ids, weights = drills.row(length, MANY, longest, Random(seed))
    seen: set[int] = set()
    for token, weight in zip(ids.tolist(), weights.tolist(), strict=True):
        if token not in seen:
            assert weight == 0
        seen.add(token)


@given(seed=seeds, longest=longest)
def test_with_weight_the_token_follows_what_it_followed_before(seed, longest):
    ids, weights = drills.row(300, MANY, longest, Random(seed))
    follows: dict[int, int] = {}
    for i in range(1, 300):
        if weights[i]:
            assert follows[ids[i - 1]] == ids[i]
        follows[ids[i - 1]] = ids[i]
    assert weights.sum() > 50


@given(seed=seeds, longest=longest)
def test_of_a_repetition_only_the_first_token_has_no_weight(seed, longest):
    ids, weights = drills.row(300, MANY, longest, Random(seed))
    starts = [i for i in range(300) if not weights[i] and ids[i] in ids[:i]]
    for start in starts:
        before = int(np.flatnonzero(ids[:start] == ids[start])[-1])
        assert ids[start - 1] not in ids[before : start - 1], (
            "a sequence ends where it starts again"
        )


def test_the_seed_decides_the_row():
    one, two, other = (drills.row(100, MANY, 24, Random(seed))[0] for seed in (1, 1, 2))
    assert (one == two).all()
    assert (one != other).any()


def test_drills_leave_out_special_tokens_and_bare_bytes(small_tokenizer):
    words = drills.vocabulary(small_tokenizer)
    assert words.stop == len(small_tokenizer) == 700
    tokens = set(small_tokenizer.convert_ids_to_tokens(list(range(words.start))))
    assert len(tokens) == 3 + 256
    assert set(small_tokenizer.all_special_tokens) < tokens
    assert all(len(token) == 1 for token in tokens - set(small_tokenizer.all_special_tokens))
    assert all(len(token) > 1 for token in small_tokenizer.convert_ids_to_tokens(list(words)))
