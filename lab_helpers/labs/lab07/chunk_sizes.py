"""Lab 07, chunks of the wrong size (drill 12): what is cut off, what is found, what it costs to read."""

from dataclasses import replace
from functools import partial

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.labs.lab07.search import load_questions, search_all
from lab_helpers.rag.chunks import by_tokens, find_truncated
from lab_helpers.rag.documents import Document, shipped_documents
from lab_helpers.rag.embedders import Embedder
from lab_helpers.rag.store import Store

MOST = 10
"""The largest k of the explorer."""


def merge_pages(language: str, pages: int = 8) -> list[Document]:
    """Long documents, ``pages`` of the shipped ones each: what a manual looks like to a chunker."""
    short = shipped_documents(language)
    groups = [short[i : i + pages] for i in range(0, len(short), pages)]
    return [
        replace(group[0], title="", text="\n\n".join(page.text for page in group))
        for group in groups
    ]


def measure_chunk_sizes(run: Run, embedder: Embedder, language: str) -> list[dict]:
    """A row a chunk size and k: chunks, share that the embedder cuts off, answers among the k best, tokens to read.

    Long documents are cut by tokens. "answer found": one of the k chunks holds the answer where its own page
    says it. "same words": one of them holds the same words, on whatever page. By vectors alone, which is what
    truncation blinds; by words alone where the embedder cannot read the language.
    """
    mode = "text" if embedder.english_only and language == "ja" else "vector"
    rows, table = load_questions(language, "validation", answerable=True), []
    documents = merge_pages(language)
    places = locate_answers(rows, language)
    for size in run.settings["chunk_tokens"]:
        cut = partial(by_tokens, tokenizer=embedder.tokenizer, size=size, overlap=0)
        store = Store(run.folder / f"chunks_{language}_{size}", embedder, chunker=cut)
        store.add(documents)
        chunks = [chunk for document in documents for chunk in cut(document)]
        spans = _spans(documents, chunks)
        found = search_all(store, rows, MOST, mode)
        holds = np.array([_padded([_covers(spans[hit.id], place) for hit in hits]) for place, hits in zip(places, found, strict=True)])  # fmt: skip
        words = np.array([_padded([row["answer"] in hit.text for hit in hits]) for row, hits in zip(rows, found, strict=True)])  # fmt: skip
        tokens = np.array([_padded(embedder.token_counts([hit.text for hit in hits])) for hits in found])  # fmt: skip
        cut_off = len(find_truncated(chunks, embedder)) / len(chunks)
        table += [
            {
                "tokens": size,
                "k": k,
                "chunks": len(chunks),
                "truncated": cut_off,
                "answer found": float(holds[:, :k].any(axis=1).mean()),
                "same words": float(words[:, :k].any(axis=1).mean()),
                "tokens to read": float(tokens[:, :k].sum(axis=1).mean()),
            }
            for k in range(1, MOST + 1)
        ]
    return table


def count_pages(rows: list[dict], language: str) -> list[int]:
    """On how many pages the words of each answer stand."""
    pages = shipped_documents(language)
    return [sum(row["answer"] in page.text for page in pages) for row in rows]


def locate_answers(rows: list[dict], language: str) -> list[tuple[str, int, int]]:
    """(merged document, start, end) of each answer, where its own page says it."""
    pages = {page.id: page for page in shipped_documents(language)}
    merged, places = merge_pages(language), []
    for row in rows:
        page = pages[row["document"]]
        inside = page.text.index(row["evidence"]) + row["evidence"].index(row["answer"])
        document = next(one for one in merged if page.text in one.text)
        start = document.text.index(page.text) + inside
        places.append((document.id, start, start + len(row["answer"])))
    return places


def _spans(documents: list[Document], chunks: list) -> dict[str, tuple[str, int, int]]:
    """(document, start, end) of each chunk by its id; chunks follow one another in their document."""
    texts = {one.id: one.text for one in documents}
    ends: dict[str, int] = {}
    spans: dict[str, tuple[str, int, int]] = {}
    for chunk in chunks:
        start = texts[chunk.document].index(chunk.text, ends.get(chunk.document, 0))
        ends[chunk.document] = start + len(chunk.text)
        spans[chunk.id] = (chunk.document, start, ends[chunk.document])
    return spans


def _covers(span: tuple[str, int, int], place: tuple[str, int, int]) -> bool:
    return span[0] == place[0] and span[1] <= place[1] and place[2] <= span[2]


def _padded(values: list) -> list:
    """:data:`MOST` values, zeros for the hits that a store of fewer chunks does not have."""
    return values + [0] * (MOST - len(values))


def select_at_five(table: list[dict]) -> list[dict]:
    """The rows of k = 5."""
    return [row | {"ends cut off": row["truncated"]} for row in table if row["k"] == 5]


def chunk_metrics(table: list[dict]) -> dict[str, float]:
    """The smallest, the best and the largest size, at k = 5."""
    table = select_at_five(table)
    best = max(table, key=lambda row: row["answer found"])
    return {
        "truncated_chunks_largest": table[-1]["truncated"],
        "answer_found_smallest_chunks": table[0]["answer found"],
        "answer_found_best_chunks": best["answer found"],
        "same_words_found_best_chunks": best["same words"],
        "answer_found_largest_chunks": table[-1]["answer found"],
        "best_chunk_tokens": best["tokens"],
    }
