"""Reciprocal rank fusion: LanceDB's own reranker, and its definition."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.rag.fusion import reciprocal_rank_fusion
from lab_helpers.runtime.errors import BadInput

RANKING = st.lists(st.integers(0, 20), unique=True, max_size=15)


def lancedb_fused(first, second, k):
    import pyarrow as pa
    from lancedb.rerankers import RRFReranker

    vector = pa.table({"_rowid": pa.array(first, pa.uint64()), "_distance": pa.array([0.5] * len(first), pa.float32())})  # fmt: skip
    text = pa.table({"_rowid": pa.array(second, pa.uint64()), "_score": pa.array([0.5] * len(second), pa.float32())})  # fmt: skip
    fused = RRFReranker(K=k).rerank_hybrid("", vector, text)
    return dict(
        zip(fused["_rowid"].to_pylist(), fused["_relevance_score"].to_pylist(), strict=True)
    )


@given(RANKING.filter(bool), RANKING.filter(bool), st.integers(1, 100))
def test_scores_are_lancedbs(first, second, k):
    ours = reciprocal_rank_fusion([first, second], k)
    theirs = lancedb_fused(first, second, k)
    assert dict(ours) == pytest.approx(theirs, rel=1e-6)
    assert [score for _, score in ours] == sorted((s for _, s in ours), reverse=True)


@given(st.lists(RANKING, max_size=4), st.integers(1, 100), st.data())
def test_definition(rankings, k, data):
    weights = data.draw(st.lists(st.floats(0, 4), min_size=len(rankings), max_size=len(rankings)))
    for item, score in reciprocal_rank_fusion(rankings, k, weights):
        expected = sum(
            w / (k + r.index(item) + 1) for r, w in zip(rankings, weights, strict=True) if item in r
        )
        assert score == pytest.approx(expected)


def test_by_hand():
    fused = reciprocal_rank_fusion([["a", "b"], ["b", "c"]])
    assert fused == [("b", 1 / 62 + 1 / 61), ("a", 1 / 61), ("c", 1 / 62)]
    assert [i for i, _ in reciprocal_rank_fusion([["a", "b"], ["b", "c"]], weights=(0, 1))] == ["b", "c", "a"]  # fmt: skip


def test_equal_scores_keep_the_order_of_the_first_ranking():
    assert [i for i, _ in reciprocal_rank_fusion([["a"], ["b"]])] == ["a", "b"]


def test_nothing_to_fuse():
    assert reciprocal_rank_fusion([]) == []
    assert reciprocal_rank_fusion([[], []]) == []


@pytest.mark.parametrize(("k", "weights"), [(0, None), (60, (1,)), (60, (1, -1))])
def test_bad_arguments(k, weights):
    with pytest.raises(BadInput):
        reciprocal_rank_fusion([["a"], ["b"]], k, weights)
