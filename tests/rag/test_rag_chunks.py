"""Cutting: nothing lost, order kept, sizes kept, overlap exact; sentences whole."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.data.shipped import load_shipped
from lab_helpers.models.kotori.shipped import kotori_folder
from lab_helpers.rag.chunks import (
    Chunk,
    by_sentences,
    by_tokens,
    find_truncated,
    sentences,
    token_starts,
    windows,
)
from lab_helpers.rag.documents import Document, shipped_documents
from lab_helpers.runtime.errors import BadInput

# Pieces that sentences are made of, beside anything else that is text.
PROSE = st.lists(
    st.sampled_from(
        [
            "The lamp is warm",
            "修理は無料です",
            ". ",
            "。",
            "！",
            "?\n",
            "\n\n",
            " ",
            "3.5",
            "「はい。」",
            "Dr. X",
            "、",
            "😀",
            "é",
        ]
    ),
    max_size=30,
).map("".join)
TEXTS = st.one_of(PROSE, st.text(max_size=200))


@pytest.fixture(scope="module")
def tokenizers(tiny_bert):
    """WordPiece, and bytes: there one character can be several tokens."""
    from transformers import AutoTokenizer

    return [AutoTokenizer.from_pretrained(folder) for folder in (tiny_bert, kotori_folder())]


def document(text):
    return Document("d", "", text)


@given(TEXTS)
def test_sentences_joined_are_the_text(text):
    pieces = sentences(text)
    assert "".join(pieces) == text
    assert all(pieces)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It costs 3.5 yen. Ask Dr. Sato! \"Why?\" No. 5.", ["It costs 3.5 yen. ", "Ask Dr. Sato! ", '"Why?" ', "No. 5."]),
        ("無料です。「本当？」はい！3.5円です。", ["無料です。", "「本当？」", "はい！", "3.5円です。"]),
        ("Heading\n\n- one\n- two", ["Heading\n\n", "- one\n", "- two"]),
        ("a line\nthat goes on. End", ["a line\nthat goes on. ", "End"]),
        ("e.g. this, i.e. that. Done.", ["e.g. this, i.e. that. ", "Done."]),
    ],
)  # fmt: skip
def test_where_sentences_end(text, expected):
    assert sentences(text) == expected


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_gold_evidence_is_whole_sentences(language):
    """The evidence of the shipped questions begins and ends where a sentence does."""
    texts = {d.id: d.text for d in shipped_documents(language)}
    cut = 0
    for row in load_shipped("questions", language):
        if row["document"]:
            pieces = sentences(texts[row["document"]])
            cut += not any(row["evidence"].strip() in piece for piece in pieces)
    assert cut <= 10  # evidence of two sentences, or half of one


@given(TEXTS, st.integers(1, 12), st.data())
def test_by_tokens(tokenizers, text, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    for tokenizer in tokenizers:
        starts = token_starts(tokenizer, text)
        edges = [*starts, len(text)] if starts else [0, len(text)]
        spans = windows(len(edges) - 1, size, overlap)
        expected = [text[edges[a] : edges[b]] for a, b in spans]
        chunks = by_tokens(document(text), tokenizer, size, overlap)
        assert [c.text for c in chunks] == [piece for piece in expected if piece.strip()]
        assert [c.number for c in chunks] == list(range(len(chunks)))
        # without the overlap the pieces are the text
        alone = by_tokens(document(text), tokenizer, size)
        assert "".join("".join(c.text for c in alone).split()) == "".join(text.split())


@given(st.integers(0, 60), st.integers(1, 12), st.data())
def test_windows(count, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    spans = windows(count, size, overlap)
    assert sorted({i for a, b in spans for i in range(a, b)}) == list(range(count))
    assert all(b - a <= size for a, b in spans)
    assert all(b - a == size for a, b in spans[:-1])
    assert all(later[0] == earlier[1] - overlap for earlier, later in itertools.pairwise(spans))  # fmt: skip
    assert len({b for _, b in spans}) == len(spans)  # none lies inside the one before


@given(TEXTS, st.integers(1, 60), st.integers(0, 3))
def test_by_sentences_in_characters(text, size, overlap):
    chunks = by_sentences(document(text), size, overlap)
    assert all(0 < len(chunk.text) <= size for chunk in chunks)
    assert "".join("".join(c.text for c in by_sentences(document(text), size)).split()) == "".join(text.split())  # fmt: skip
    # each is a piece of the text, and each begins behind the beginning of the last
    position = -1
    for chunk in chunks:
        position = text.find(chunk.text, position + 1)
        assert position >= 0


@given(PROSE, st.integers(30, 60))
def test_no_sentence_is_cut_that_fits(text, size):
    joined = {c.text for c in by_sentences(document(text), size)}
    for sentence in sentences(text):
        if sentence.strip() and len(sentence) <= size:
            assert any(sentence in chunk for chunk in joined)


@given(TEXTS, st.integers(4, 20), st.integers(0, 2))
def test_by_sentences_in_tokens(tokenizers, text, size, overlap):
    for tokenizer in tokenizers:
        starts = token_starts(tokenizer, text)
        position = -1
        for chunk in by_sentences(document(text), size, overlap, tokenizer):
            position = text.find(chunk.text, position + 1)
            inside = [s for s in starts if position <= s < position + len(chunk.text)]
            assert len(inside) <= size


def test_overlap_repeats_whole_sentences():
    text = "One is here. Two is here. Three is. Four is. "
    texts = [c.text for c in by_sentences(document(text), 28, overlap=1)]
    assert texts == ["One is here. Two is here. ", "Two is here. Three is. ", "Three is. Four is. "]


def test_long_sentence_is_cut_at_a_space():
    words = "word " * 30
    chunks = by_sentences(document(words.strip()), 22)
    assert all(set(chunk.text.split()) == {"word"} for chunk in chunks)


def test_size_and_overlap_are_checked(tokenizers):
    for size, overlap in ((0, 0), (-1, 0), (4, 4), (4, -1)):
        with pytest.raises(BadInput):
            by_tokens(document("a"), tokenizers[0], size, overlap)
    with pytest.raises(BadInput):
        by_sentences(document("a"), 4, -1)


def test_truncated_names_what_the_embedder_never_reads(minilm):
    """Drill 12: a fact behind the embedder's last token changes no vector, and nobody is told."""
    start = "The lamp is warm and quiet. " * 60
    long = [Chunk("d", n, start + end, "Lamps") for n, end in enumerate(("It is red.", "Tea."))]
    short = Chunk("d", 2, "It is red.", "Lamps")
    assert find_truncated([*long, short], minilm) == long
    a, b = minilm.encode([chunk.embedded for chunk in long])
    assert (a == b).all()
    assert find_truncated([], minilm) == []
