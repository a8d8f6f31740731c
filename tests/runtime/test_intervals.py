"""Intervals: Wilson's for rates of zeros and ones, the bootstrap's for anything else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.runtime.intervals import bootstrap_interval, interval_metrics, wilson_interval


def by_formula(successes: int, count: int) -> list[float]:
    """Wilson 1927, written out; z of 95 %."""
    z, rate = 1.959963984540054, successes / count
    middle = (rate + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * (rate * (1 - rate) / count + z * z / (4 * count**2)) ** 0.5
    return [middle - half, middle + half]


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_the_formula(found):
    assert wilson_interval(*found) == pytest.approx(by_formula(*found), abs=1e-9)


def test_nothing_of_fifty_does_not_prove_never():
    found = interval_metrics("tone", [0.0] * 50)
    assert found == {"tone": 0.0, "tone_ci": pytest.approx([0.0, 0.0713], abs=1e-3)}
    assert interval_metrics("tone", [True] * 50)["tone_ci"] == pytest.approx(
        [0.9287, 1.0], abs=1e-3
    )


def test_ties_and_means_keep_the_bootstrap():
    values = [0.0, 0.5, 1.0, 1.0]
    assert interval_metrics("win", values)["win_ci"] == bootstrap_interval(values)
