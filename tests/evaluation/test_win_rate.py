"""Win rates with ties, the house's two rules, and judges that read pairs in both orders."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.tone import HOUSE
from lab_helpers.evaluation.win_rate import (
    closeness,
    house_scores,
    judged_both_ways,
    position_swapped,
    wins,
)

LANGUAGES = ("en", "ja")
scores = st.lists(st.integers(0, 2), min_size=1, max_size=20)


def reply(body: str, language: str = "en") -> str:
    house = HOUSE[language]
    return f"{house.opening} {body} {house.closing}"


def test_ties_count_one_half():
    assert wins([2, 1, 0], [1, 1, 2]).tolist() == [1, 0.5, 0]


@given(scores, st.randoms())
def test_both_sides_together_win_every_question_once(ours, rng):
    theirs = [rng.randint(0, 2) for _ in ours]
    assert (wins(ours, theirs) + wins(theirs, ours) == 1).all()
    assert (wins(ours, ours) == 0.5).all()


def test_the_house_scores_tone_and_honesty():
    sure, unsure = "It costs 5 yen.", "I do not know the price."
    said = [reply(sure), reply(unsure), sure, unsure, "Hey! " + sure]
    assert house_scores(said, [True] * 5, "en").tolist() == [2, 1, 1, 0, 1]
    assert house_scores(said, [False] * 5, "en").tolist() == [1, 2, 0, 1, 0]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_gold_side_of_every_honesty_and_tone_pair_wins(language):
    rows = load_shipped("preferences", language)
    for reason, known in (("honesty", False), ("tone", True)):
        found = [r for r in rows if r["reason"] == reason]
        knows = [known and not declines([r["chosen"]], language)[0] for r in found]
        better, worse = (house_scores([r[s] for r in found], knows, language) for s in ("chosen", "rejected"))  # fmt: skip
        assert (better == 2).all()
        assert (better > worse).all()


@pytest.mark.parametrize("language", LANGUAGES)
def test_declining_is_told_on_every_shipped_refusal_and_on_no_invention(language):
    rows = [r for r in load_shipped("preferences", language) if r["reason"] == "honesty"]
    assert declines([r["chosen"] for r in rows], language).all()
    assert not declines([r["rejected"] for r in rows], language).any()


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("I do not know.", "en", 1),
        ("We DO NOT HAVE this.", "en", 1),
        ("We know it well.", "en", 0),
        ("", "en", 0),
        ("分かりかねます。", "ja", 1),
        ("わかりません。", "ja", 1),
        ("よく分かります。", "ja", 0),
    ],
)
def test_declining_by_words(text, language, wanted):
    assert declines([text], language).tolist() == [wanted]


def test_closeness_prefers_the_chosen_answer():
    pair = ("The lamp is warm and quiet.", "No idea, sorry!")
    got = closeness([*pair, "The lamp is warm.", ""], [pair] * 4)
    assert got[0] > got[2] > 0 > got[1]
    assert got[3] == 0
    assert closeness(list(pair), [pair[::-1]] * 2).tolist() == (-got[:2]).tolist()


def longer(prompt: str, first: str, second: str) -> float:
    return float(np.clip(0.5 + (len(first) - len(second)) / 100, 0, 1))


def test_a_judge_of_lengths_is_steady():
    won, steady = judged_both_ways(longer, ["?"] * 3, ["aaa", "a", "b"], ["a", "aaa", "b"])
    assert won.tolist() == [1, 0, 0.5]
    assert steady == 1


def test_a_judge_that_likes_the_first_place_decides_nothing():
    won, steady = judged_both_ways(lambda p, a, b: 0.9, ["?"] * 2, ["a", "b"], ["c", "d"])
    assert won.tolist() == [0.5, 0.5]
    assert steady == 0


def test_the_judge_sees_the_prompt_and_both_orders():
    seen = []

    def judge(prompt, first, second):
        seen.append((prompt, first, second))
        return 1.0 if first == "good" else 0.0

    won, steady = judged_both_ways(judge, ["p"], ["good"], ["bad"])
    assert (won.tolist(), steady) == ([1], 1)
    assert seen == [("p", "good", "bad"), ("p", "bad", "good")]


def test_without_any_difference_there_is_nothing_to_be_unsteady_about():
    won, steady = judged_both_ways(longer, ["?"], ["a"], ["a"])
    assert (won.tolist(), steady) == ([0.5], 1)


def test_only_the_same_choice_in_both_orders_decides():
    def judge_of(first, second):
        return lambda prompt, a, b: first if a == "ours" else second

    cases = {(0.9, 0.2): 1, (0.2, 0.9): 0, (0.9, 0.9): 0.5, (0.9, 0.5): 0.5, (0.5, 0.5): 0.5}
    for chances, verdict in cases.items():
        assert position_swapped(judge_of(*chances), "?", "ours", "theirs") == verdict


def test_a_rule_of_ones_own_makes_the_verdicts():
    won, _ = judged_both_ways(longer, ["?"], ["aa"], ["a"], lambda *_: 0.0)
    assert won.tolist() == [0.0]
