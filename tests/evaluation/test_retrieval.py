"""Ranking scores: by brute force, and scikit-learn's nDCG."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from lab_helpers.evaluation.retrieval import ndcg_at_k, recall_at_k, reciprocal_rank
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.intervals import interval_metrics

RANKING = st.permutations(range(8)).map(list)
GRADES = st.dictionaries(st.integers(0, 7), st.integers(1, 3), min_size=1, max_size=8)


@given(RANKING, GRADES, st.integers(1, 10))
def test_ndcg_is_scikit_learns(ranking, grades, k):
    relevance = np.array([[grades.get(item, 0) for item in range(8)]])
    scores = np.array([[8 - ranking.index(item) for item in range(8)]])
    ours = ndcg_at_k([ranking], [grades], k)
    assert ours[0] == pytest.approx(ndcg_score(relevance, scores, k=k))


@given(RANKING, st.sets(st.integers(0, 9), min_size=1), st.integers(1, 10))
def test_recall_and_reciprocal_rank_by_brute_force(ranking, gold, k):
    found = sum(1 for item in gold if item in ranking and ranking.index(item) < k)
    assert recall_at_k([ranking], [gold], k)[0] == pytest.approx(found / len(gold))
    ranks = [ranking.index(item) + 1 for item in gold if item in ranking]
    assert reciprocal_rank([ranking], [gold])[0] == pytest.approx(1 / min(ranks) if ranks else 0)


@given(RANKING, st.integers(0, 7), st.integers(1, 8))
def test_one_right_item(ranking, gold, k):
    rank = ranking.index(gold) + 1
    assert recall_at_k([ranking], [gold], k)[0] == float(rank <= k)
    expected = 1 / math.log2(rank + 1) if rank <= k else 0
    assert ndcg_at_k([ranking], [gold], k)[0] == pytest.approx(expected)


@given(st.lists(RANKING, min_size=1, max_size=5), st.data())
def test_recall_grows_with_k(rankings, data):
    gold = [data.draw(st.sets(st.integers(0, 9), min_size=1)) for _ in rankings]
    curves = np.array([recall_at_k(rankings, gold, k) for k in range(1, 9)])
    assert (np.diff(curves, axis=0) >= 0).all()


@given(RANKING, GRADES)
def test_best_ranking_scores_one(ranking, grades):
    best = sorted(ranking, key=lambda item: -grades.get(item, 0))
    assert ndcg_at_k([best], [grades], 5)[0] == pytest.approx(1)
    worst = best[::-1]
    assume(len(grades) <= 4)
    assert ndcg_at_k([worst], [grades], 4)[0] == 0


def test_chunks_of_one_document_count_once():
    ranked = [["a", "a", "b", "c"]]
    assert recall_at_k(ranked, ["b"], 2)[0] == 1
    assert reciprocal_rank(ranked, ["b"])[0] == 0.5


def test_with_an_interval():
    hits = recall_at_k([["a"], ["b"], ["x"], ["d"]], list("abcd"), 1)
    result = interval_metrics("recall", hits)
    assert result["recall"] == 0.75
    low, high = result["recall_ci"]
    assert low < 0.75 < high


@pytest.mark.parametrize(
    ("ranked", "gold", "k"),
    [([["a"]], [], 1), ([["a"]], ["a"], 0), ([["a"]], [None], 1), ([["a"]], [[]], 1), ([["a"]], [{"a": 0}], 1)],
)  # fmt: skip
def test_bad_input(ranked, gold, k):
    with pytest.raises(BadInput):
        ndcg_at_k(ranked, gold, k)
    with pytest.raises(BadInput):
        recall_at_k(ranked, gold, k)
