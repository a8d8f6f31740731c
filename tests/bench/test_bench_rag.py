"""``labs bench rag`` measures what it says, at small sizes; nothing here asserts on seconds."""

import numpy as np
import pytest

from lab_helpers.bench import rag as bench_rag
from lab_helpers.rag import tables
from lab_helpers.rag.embedders import load_embedder

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def minilm():
    return load_embedder("minilm")


def test_passages_differ_and_repeat():
    texts = [document.text for document in bench_rag.write_passages(300)]
    assert len(set(texts)) == 300
    assert texts == [document.text for document in bench_rag.write_passages(300)]
    assert texts != [document.text for document in bench_rag.write_passages(300, seed=1)]


def test_made_up_vectors_are_unit_and_near_real_ones(minilm, monkeypatch):
    monkeypatch.setattr(bench_rag, "EMBEDDED", 8)
    stand_in = bench_rag.StandInEmbedder(minilm)
    texts = [document.text for document in bench_rag.write_passages(40)]
    real = stand_in.encode(texts[:8])
    np.testing.assert_array_equal(real, minilm.encode(texts[:8]))
    made = stand_in.encode(texts[8:])
    assert stand_in.made == 32
    np.testing.assert_allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert 0.6 < (made @ real.T).max(axis=1).mean() < 0.85
    np.testing.assert_array_equal(stand_in.encode(["a"], "query"), minilm.encode(["a"], "query"))


@pytest.mark.slow
def test_figures(monkeypatch):
    monkeypatch.setattr(bench_rag, "SIZES", (40, 90))
    monkeypatch.setattr(bench_rag, "EMBEDDED", 32)
    monkeypatch.setattr(tables, "INDEXED_FROM", 80)
    figures = {figure.name: figure for figure in bench_rag.measure_rag(1)}
    assert all(figure.value > 0 for figure in figures.values())
    for said in ("passages indexed", "95th percentile", "memory that searching adds", "disk"):
        assert any(said in name for name in figures)
    small, large = (figures[f"RAG at {n} passages, {n - 32} vectors made up: disk"].value for n in (40, 90))  # fmt: skip
    assert small < large
    (recall,) = (figure.value for name, figure in figures.items() if "found by the index" in name)
    assert 0.5 < recall <= 1
