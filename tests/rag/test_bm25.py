"""BM25 by hand is LanceDB's to the third decimal, and its two factors do what their names say."""

import pytest

from lab_helpers.rag.bm25 import bm25_parts, cut_terms, rarity, saturation
from lab_helpers.rag.documents import Document
from lab_helpers.rag.embedders import load_embedder
from lab_helpers.rag.store import Store

PAGES = [
    Document("a", "シズク", "シズクの重さは3.1 kgです。"),
    Document("b", "ナガレ", "洗濯機ナガレは47 kgあります。お二人で運んでください。"),
    Document("c", "送料", "通常配送の送料は660円です。"),
]


def test_by_hand_equals_the_stores_text_search(tmp_path):
    store = Store(tmp_path / "store", load_embedder("minilm"))
    store.add(PAGES)
    hits = store.search("シズクの重さは", 3, "text")
    texts = [cut_terms(f"{page.title}\n{page.text}", "ja") for page in PAGES]
    parts = bm25_parts(cut_terms("シズクの重さは", "ja"), texts)
    wanted = {page.id: sum(one.values()) for page, one in zip(PAGES, parts, strict=True)}
    assert len(hits) >= 2
    assert hits[0].document == "a"
    for hit in hits:
        assert hit.text_score == pytest.approx(wanted[hit.document], abs=1e-3)


def test_a_term_of_every_text_counts_least_and_never_below_zero():
    assert rarity(100, 1) > rarity(100, 50) > rarity(100, 100) > 0


def test_more_uses_count_more_but_less_and_less_and_in_a_long_text_less():
    once, twice, many = (saturation(count, 1.0) for count in (1, 2, 1000))
    assert once == pytest.approx(1.0)
    assert once < twice < many < 2.2
    assert twice - once < once
    assert saturation(1, 2.0) < once


def test_only_terms_of_the_text_have_a_part():
    assert cut_terms("A lamp, 12 W", "en") == ["a", "lamp", "12", "w"]
    assert cut_terms("重さ", "ja") == ["重", "重さ", "さ"]
    first, second = bm25_parts(["lamp", "heavy"], [["lamp", "red"], ["heavy"]])
    assert list(first) == ["lamp"]
    assert list(second) == ["heavy"]
