"""Accuracy, its bootstrap interval, and the table of precision, recall and F1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.evaluation.classification import accuracy
from lab_helpers.runtime.intervals import bootstrap_interval

hits = st.lists(st.integers(0, 1), min_size=1, max_size=120)


def test_accuracy_is_the_share_of_equal_entries():
    assert accuracy([0, 1, 2, 2], [0, 1, 1, 2]) == 0.75
    assert accuracy(np.array(["a", "b"]), ["b", "a"]) == 0
    assert isinstance(accuracy([1], [1]), float)


@given(values=hits, seed=st.integers(0, 5))
def test_the_interval_covers_the_mean_and_repeats(values, seed):
    low, high = bootstrap_interval(values, seed, resamples=300)
    assert bootstrap_interval(values, seed, resamples=300) == [low, high]
    assert 0 <= low <= sum(values) / len(values) <= high <= 1


def test_the_interval_is_about_the_normal_one_for_many_items():
    values = [1] * 700 + [0] * 300
    low, high = bootstrap_interval(values)
    half = 1.96 * np.sqrt(0.7 * 0.3 / 1000)
    assert (low, high) == pytest.approx((0.7 - half, 0.7 + half), abs=0.004)


def test_more_items_and_lower_levels_make_it_narrower():
    def width(*arguments, **options):
        low, high = bootstrap_interval(*arguments, **options)
        return high - low

    few, many = [0, 1] * 10, [0, 1] * 1000
    assert width(many) < 0.2 * width(few)
    assert width(few, level=0.5) < 0.6 * width(few)


def test_items_that_are_all_alike_leave_no_doubt():
    assert bootstrap_interval([1, 1, 1]) == [1, 1]
    assert bootstrap_interval([0]) == [0, 0]


def test_another_seed_moves_it_a_little():
    values = np.random.default_rng(0).normal(size=50)
    one, two = bootstrap_interval(values, 0), bootstrap_interval(values, 1)
    assert one != two
    assert one == pytest.approx(two, abs=0.1)


def test_it_covers_the_truth_about_as_often_as_promised():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        low, high = bootstrap_interval(rng.random(60) < 0.6, resamples=200)
        covered += low <= 0.6 <= high
    assert 0.88 <= covered / 200 <= 0.99
