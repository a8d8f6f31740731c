"""Paired tests against scipy and by what they must find in planted differences."""

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.evaluation.significance import (
    difference_metrics,
    paired_bootstrap,
    paired_interval,
    permutation_test,
)
from lab_helpers.evaluation.text_metrics.bleu import bleu_counts, bleu_of, corpus_bleu
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.intervals import bootstrap_interval

# Sums of these are exact, so that both sides see the same ties.
SCORE = st.integers(-8, 8).map(lambda n: n / 4) | st.integers(-2048, 2048).map(lambda n: n / 1024)
FEW = st.lists(st.tuples(SCORE, SCORE), min_size=2, max_size=9)
MANY = st.lists(st.tuples(SCORE, SCORE), min_size=1, max_size=40)


def sum_of_differences(a, b, axis):
    return np.sum(a - b, axis=axis)


@given(pairs=FEW)
def test_the_exact_permutation_test_is_scipys(pairs):
    ours, theirs = map(np.array, zip(*pairs, strict=True))
    found = permutation_test(ours, theirs)
    theirs_p = scipy.stats.permutation_test(
        (ours, theirs),
        sum_of_differences,
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert found.exact
    assert found.difference == pytest.approx(theirs_p.statistic / len(pairs), abs=1e-12)
    assert found.p_value == pytest.approx(theirs_p.pvalue, abs=1e-9)


def test_with_many_items_it_is_scipys_within_the_noise_of_random_signs():
    rng = np.random.default_rng(1)
    theirs = rng.normal(size=80)
    ours = theirs + rng.normal(0.15, 0.6, size=80)
    found = permutation_test(ours, theirs, resamples=20_000)
    reference = scipy.stats.permutation_test(
        (ours, theirs),
        sum_of_differences,
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=np.random.default_rng(2),
    )
    assert not found.exact
    assert 0.005 < found.p_value < 0.5
    assert found.p_value == pytest.approx(reference.pvalue, abs=0.015)


@pytest.mark.parametrize(("won", "lost"), [(9, 1), (6, 4), (12, 0), (5, 5)])
def test_for_right_and_wrong_it_is_mcnemars_exact_test(won, lost):
    """Items on which both are right, or both wrong, say nothing about which is better."""
    ours = [1] * won + [0] * lost + [1, 0] * 30
    theirs = [0] * won + [1] * lost + [1, 0] * 30
    found = permutation_test(ours, theirs)
    assert found.exact
    assert found.p_value == pytest.approx(scipy.stats.binomtest(won, won + lost).pvalue, abs=1e-12)


@given(pairs=MANY, seed=st.integers(0, 3))
def test_turning_the_systems_round_turns_only_the_signs(pairs, seed):
    ours, theirs = map(np.array, zip(*pairs, strict=True))
    there = paired_bootstrap(ours, theirs, seed, resamples=200)
    back = paired_bootstrap(theirs, ours, seed, resamples=200)
    assert (back.difference, back.low, back.high) == pytest.approx(
        (-there.difference, -there.high, -there.low)
    )
    assert (back.p_value, 1 - back.better) == pytest.approx((there.p_value, there.better))
    one, other = permutation_test(ours, theirs, seed), permutation_test(theirs, ours, seed)
    assert one.p_value == pytest.approx(other.p_value)
    assert one.difference == -other.difference
    assert 0 < one.p_value <= 1
    assert 0 < there.p_value <= 1


@given(pairs=MANY, seed=st.integers(0, 3))
def test_the_bootstraps_interval_is_that_of_the_differences(pairs, seed):
    ours, theirs = map(np.array, zip(*pairs, strict=True))
    found = paired_bootstrap(ours, theirs, seed, resamples=150)
    wanted = bootstrap_interval(ours - theirs, seed, resamples=150)
    assert [found.low, found.high] == pytest.approx(wanted)
    written_out = paired_bootstrap(ours, theirs, seed, resamples=150, score=np.mean)
    assert written_out.difference == pytest.approx(found.difference)
    assert (written_out.low, written_out.high) == pytest.approx((found.low, found.high))


def test_pairing_finds_a_small_difference_that_two_intervals_hide():
    rng = np.random.default_rng(3)
    ease = rng.random(200)
    ours, theirs = ease + 0.02 + 0.02 * rng.random(200), ease + 0.02 * rng.random(200)
    found = paired_bootstrap(ours, theirs)
    assert found.low > 0
    assert found.better == 1
    assert found.p_value < 0.002
    assert permutation_test(ours, theirs).p_value < 0.001
    assert bootstrap_interval(ours)[0] < bootstrap_interval(theirs)[1]


@pytest.mark.parametrize("test", [paired_bootstrap, permutation_test])
def test_without_a_difference_one_in_twenty_is_called_significant(test):
    """Both keep their promise: p < 0.05 in about 5 % of 300 comparisons of equal systems (binomial ± 4 sd)."""
    rng = np.random.default_rng(4)
    found = [
        test(*rng.normal(size=(2, 40)), seed=i, resamples=400).p_value < 0.05 for i in range(300)
    ]
    assert 0.0 < np.mean(found) < 0.10


def test_equal_systems_and_single_items():
    for found in (paired_bootstrap([1, 0, 1], [1, 0, 1]), permutation_test([1, 0, 1], [1, 0, 1])):
        assert (found.difference, found.p_value) == (0, 1)
    assert paired_bootstrap([1, 0], [1, 0]).better == 0.5
    assert permutation_test([1], [0]).p_value == 1


def test_bleu_is_resampled_as_a_set_not_as_a_mean():
    references = [[f"the lamp number {i} is warm and old"] for i in range(40)]
    good = [r[0].replace("old", "new") for r in references]
    bad = [r[0].replace("warm and", "cold or") for r in references]
    found = paired_bootstrap(
        bleu_counts(good, references, str.split),
        bleu_counts(bad, references, str.split),
        resamples=200,
        score=lambda rows: bleu_of(rows.sum(axis=0)).score,
    )
    scores = [corpus_bleu(texts, references, str.split).score for texts in (good, bad)]
    assert found.difference == pytest.approx(scores[0] - scores[1])
    assert found.better == 1


@pytest.mark.parametrize("test", [paired_bootstrap, permutation_test])
@pytest.mark.parametrize(
    ("ours", "theirs", "message"),
    [
        ([1, 2], [1], "do not pair"),
        ([], [], "do not pair"),
        (3, 4, "do not pair"),
        ([1, None], [1, 2], "not a number"),
        ([1, float("inf")], [1, 2], "not a number"),
    ],
)
def test_scores_that_cannot_be_compared_are_refused(test, ours, theirs, message):
    with pytest.raises(BadInput, match=message):
        test(ours, theirs)


def test_the_permutation_test_takes_one_number_an_item():
    with pytest.raises(BadInput, match="one number an item"):
        permutation_test(np.ones((3, 2)), np.zeros((3, 2)))


def test_ties_hold_in_spite_of_rounding():
    """0.1 + 0.2 - 0.3 is not 0 for a computer; a difference of 0 must still give p = 1."""
    assert permutation_test([0.1, 0.2, 0.0], [0.0, 0.0, 0.3]).p_value == 1


def test_the_interval_of_given_draws_is_the_bootstraps_own():
    ours, theirs = np.array([1.0, 0.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0, 0.0, 1.0])
    draws = np.random.default_rng(0).integers(0, 5, (2000, 5))
    found = paired_bootstrap(ours, theirs)
    assert paired_interval(ours, theirs, draws).tolist() == [found.low, found.high]


def test_a_difference_becomes_metrics_with_both_ends_of_its_interval():
    found = difference_metrics("gap", [1, 1, 1, 1], [0, 0, 0, 0])
    assert found == {"gap": 1.0, "gap_ci": [1.0, 1.0], "gap_low": 1.0, "gap_high": 1.0}
    turned = difference_metrics("gap", [1, 0, 1, 0], [0, 1, 0, 1])
    assert turned["gap"] == 0
    assert turned["gap_low"] < 0 < turned["gap_high"]
    last = difference_metrics("gap", [1, 2], [0, 0], score=lambda drawn: float(drawn.max()))
    assert last["gap"] == 2.0


@pytest.mark.parametrize(
    ("ours", "decided"), [([1, 1, 1, 1], True), ([-1, -1, -1, -1], True), ([1, -1, 1, -1], False)]
)
def test_a_difference_is_decided_where_its_interval_leaves_zero_out(ours, decided):
    assert paired_bootstrap(ours, [0, 0, 0, 0]).decided is decided
