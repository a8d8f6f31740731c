"""A judge's quality: planted judges with a known taste are found out; length control against the optimum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.judge_quality import (
    GoldPair,
    by_length,
    by_reason,
    gold_pairs,
    length_controlled,
    quality,
    read_both_orders,
)
from lab_helpers.runtime.errors import BadInput

ROWS = load_shipped("preferences", "en", "test")
PAIRS = gold_pairs(ROWS)
GOLD = {(pair.prompt, pair.better, pair.worse) for pair in PAIRS}


def gold(prompt, first, second):
    return 0.9 if (prompt, first, second) in GOLD else 0.1


def first_place(prompt, first, second):
    return 0.6


def longer(prompt, first, second):
    return 0.5 + 0.4 * np.sign(len(first) - len(second))


def test_the_perfect_judge():
    found = quality(read_both_orders(gold, PAIRS))
    assert found["judge_agreement"] == found["judge_agreement_one_order"] == 1
    assert (found["judge_position_bias"], found["judge_consistency"]) == (0, 1)
    low, high = found["judge_agreement_ci"]
    assert 0.8 < low < high == 1, "never wrong so far is not never"


def test_the_judge_of_the_first_place():
    verdicts = read_both_orders(first_place, PAIRS)
    found = quality(verdicts)
    assert (found["judge_agreement"], found["judge_position_bias"], found["judge_consistency"]) == (0.5, 0.5, 0)  # fmt: skip
    # Read once, in places drawn by lot, its bias hides: it is right about half of the time.
    assert 0.35 < found["judge_agreement_one_order"] < 0.65
    assert found["judge_position_bias_ci"] == [0.5, 0.5]


def test_the_judge_of_the_second_place_is_biased_the_other_way():
    found = quality(read_both_orders(lambda p, a, b: 0.4, PAIRS))
    assert found["judge_position_bias"] == -0.5


def test_the_judge_of_lengths_is_right_where_the_better_reply_is_longer():
    verdicts = read_both_orders(longer, PAIRS)
    groups = {row["better reply"]: row["agreement"] for row in by_length(verdicts)}
    assert groups["longer"] == 1
    assert sum(row["pairs"] for row in by_length(verdicts)) == len(PAIRS)
    reasons = {row["reason"]: row["agreement"] for row in by_reason(verdicts)}
    assert set(reasons) == {"fact", "honesty", "length", "tone"}
    assert reasons["length"] == reasons["tone"] == 1
    assert reasons["fact"] == 0.5
    found = quality(verdicts)
    assert found["judge_agreement"] > 0.75
    assert found["judge_length_controlled_agreement"] < found["judge_agreement"] - 0.1
    assert found["judge_position_bias"] == 0


def test_ties_count_one_half_and_are_consistent():
    found = quality(read_both_orders(lambda p, a, b: 0.5, PAIRS[:9]), "tie")
    assert (found["tie_agreement"], found["tie_consistency"], found["tie_position_bias"]) == (0.5, 1, 0)  # fmt: skip


def test_every_pair_is_asked_in_both_orders():
    seen = []
    read_both_orders(lambda *row: seen.append(row) or 0.5, [GoldPair("p", "x", "y")])
    assert seen == [("p", "x", "y"), ("p", "y", "x")]


def test_shorter_and_equal_pairs_have_their_own_rows():
    pairs = [GoldPair("p", "short", "a much longer reply"), GoldPair("p", "12345", "54321")]
    rows = by_length(read_both_orders(longer, pairs))
    assert [(r["better reply"], r["agreement"]) for r in rows] == [("as long", 0.5), ("shorter", 0)]


def test_nothing_to_judge_and_missing_columns_are_refused():
    with pytest.raises(BadInput, match="no pairs"):
        read_both_orders(gold, [])
    with pytest.raises(BadInput, match="rejected"):
        gold_pairs([{"prompt": "p", "chosen": "c"}])


# --- length control -------------------------------------------------------------------------------


def optimum(won, difference, strength):
    """The same objective, minimised by scipy: Σ log-loss + φ² / (2 C)."""
    from scipy.optimize import minimize

    squashed = np.tanh(difference / difference.std())

    def objective(parameters):
        z = parameters[0] + parameters[1] * squashed
        return (won * np.logaddexp(0, -z) + (1 - won) * np.logaddexp(0, z)).sum() + parameters[1] ** 2 / (2 * strength)  # fmt: skip

    theta, phi = minimize(objective, [0.0, 0.0], tol=1e-10).x
    return 1 / (1 + np.exp(-theta)), phi


@pytest.mark.parametrize("strength", [0.5, 10.0])
def test_it_is_the_optimum_of_the_written_formula(strength):
    rng = np.random.default_rng(3)
    ours, theirs = rng.integers(50, 300, 80), rng.integers(50, 300, 80)
    won = rng.choice([0, 0.5, 1], 80)
    found = length_controlled(won, ours, theirs, strength)
    rate, phi = optimum(won, (ours - theirs).astype(float), strength)
    assert (found.win_rate, found.length_effect) == (pytest.approx(rate, abs=2e-4), pytest.approx(phi, abs=2e-3))  # fmt: skip
    assert found.raw == pytest.approx(won.mean())


def planted(theta: float, phi: float, n: int = 4000):
    """Verdicts of a judge with a known taste, of a side that writes longer."""
    rng = np.random.default_rng(0)
    theirs = rng.integers(50, 300, n)
    ours = theirs + rng.normal(60, 60, n).round()
    difference = ours - theirs
    chance = 1 / (1 + np.exp(-theta - phi * np.tanh(difference / difference.std())))
    return (rng.random(n) < chance).astype(float), ours, theirs


def test_a_win_by_length_alone_vanishes():
    found = length_controlled(*planted(theta=0, phi=2))
    assert found.raw > 0.7
    assert found.win_rate == pytest.approx(0.5, abs=0.05)
    assert found.length_effect == pytest.approx(2, abs=0.3)


def test_a_win_by_quality_stays():
    found = length_controlled(*planted(theta=1.2, phi=0))
    assert found.win_rate == pytest.approx(found.raw, abs=0.04)


@given(st.lists(st.tuples(st.sampled_from([0, 0.5, 1]), st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=30))  # fmt: skip
def test_it_is_a_chance_and_changes_sides_with_the_sides(rows):
    won, ours, theirs = (np.array(column) for column in zip(*rows, strict=True))
    found = length_controlled(won, ours, theirs)
    other = length_controlled(1 - won, theirs, ours)
    assert 0 <= found.win_rate <= 1
    assert found.win_rate + other.win_rate == pytest.approx(1, abs=1e-3)


def test_where_nothing_varies_nothing_is_controlled():
    assert length_controlled([1, 0, 1], [10, 20, 30], [10, 20, 30]).win_rate == pytest.approx(2 / 3)
    assert length_controlled([1, 1], [10, 20], [5, 30]).win_rate == 1
    with pytest.raises(BadInput, match="no verdicts"):
        length_controlled([], [], [])
    with pytest.raises(BadInput, match="equally many"):
        length_controlled([1], [1, 2], [1, 3])
