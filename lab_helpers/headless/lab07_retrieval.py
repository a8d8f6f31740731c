"""Lab 07, searching: stores, how well they find, when not to answer, and chunks of the wrong size."""

from dataclasses import replace
from functools import partial

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.classification import scored
from lab_helpers.evaluation.retrieval import ndcg_at_k, recall_at_k, reciprocal_rank
from lab_helpers.rag.answer import Threshold, best_score, choose_threshold
from lab_helpers.rag.chunks import by_tokens, truncated
from lab_helpers.rag.documents import Document, shipped_documents
from lab_helpers.rag.embedders import Embedder, load_embedder
from lab_helpers.rag.store import MODES, Hit, Store

LANGUAGES = ("en", "ja")
DEPTH = 10


def questions(language: str, split: str, answerable: bool | None = None) -> list[dict]:
    """Questions about the shipped documents; with or without an answer, or both."""
    rows = load_shipped("questions", language, split)
    return [row for row in rows if answerable in (None, bool(row["document"]))]


def embedder(run: Run) -> Embedder:
    """The profile's embedder."""
    return load_embedder(run.profile.encoder)


def open_store(run: Run, embedder: Embedder, language: str) -> Store:
    """The store of one language's documents in the run's folder; unchanged documents cost nothing."""
    store = Store(run.folder / f"store_{language}", embedder)
    store.add(shipped_documents(language))
    return store


def documents_found(store: Store, rows: list[dict], mode: str = "hybrid") -> list[list[str]]:
    """For each question the documents of its best chunks, best first."""
    return [[hit.document for hit in store.search(row["question"], DEPTH, mode)] for row in rows]


def retrieval_rows(store: Store, language: str, split: str = "test") -> list[dict]:
    """A row a mode: recall@1, recall@5, MRR and nDCG@5 of the right page, over the answerable questions."""
    rows = questions(language, split, answerable=True)
    gold = [row["document"] for row in rows]
    table = []
    for mode in MODES:
        found = documents_found(store, rows, mode)
        table.append(
            {
                "language": language,
                "mode": mode,
                "recall@1": recall_at_k(found, gold, 1),
                "recall@5": recall_at_k(found, gold, 5),
                "MRR": reciprocal_rank(found, gold),
                "nDCG@5": ndcg_at_k(found, gold, 5),
            }
        )
    return table


def retrieval_metrics(table: list[dict]) -> dict:
    """Hybrid search under its plain names, the other two with ``_vector_only`` and ``_text_only``."""
    endings = {"hybrid": "", "vector": "_vector_only", "text": "_text_only"}
    metrics: dict = {}
    for row in table:
        ending = f"_{row['language']}{endings[row['mode']]}"
        names = (("recall@5", "recall_at_5"), ("MRR", "mrr"), ("nDCG@5", "ndcg_at_5"))
        for column, name in names:
            metrics |= scored(f"{name}{ending}", row[column])
    return metrics


def means(table: list[dict]) -> list[dict]:
    """The same rows with means in place of arrays, for showing."""
    return [
        {key: float(v.mean()) if isinstance(v, np.ndarray) else v for key, v in row.items()}
        for row in table
    ]


# --- when not to answer ---------------------------------------------------------------------------


def search_all(store: Store, rows: list[dict], k: int) -> list[list[Hit]]:
    """The ``k`` best chunks of each question."""
    return [store.search(row["question"], k) for row in rows]


def validation_threshold(store: Store, language: str, k: int) -> tuple[str, Threshold]:
    """Which score, and from which value on, tells answerable validation questions best."""
    rows = questions(language, "validation")
    hits, answerable = search_all(store, rows, k), [bool(row["document"]) for row in rows]
    found = {
        by: choose_threshold([best_score(one, by) for one in hits], answerable)
        for by in ("vector", "text")
    }
    return max(found.items(), key=lambda item: item[1].balanced_accuracy)


# --- drill 12: chunks of the wrong size -----------------------------------------------------------


def merged_pages(language: str, pages: int = 8) -> list[Document]:
    """Long documents, ``pages`` of the shipped ones each: what a manual looks like to a chunker."""
    short = shipped_documents(language)
    groups = [short[i : i + pages] for i in range(0, len(short), pages)]
    return [
        replace(group[0], title="", text="\n\n".join(page.text for page in group))
        for group in groups
    ]


def chunk_rows(run: Run, embedder: Embedder, language: str = "en") -> list[dict]:
    """A row a chunk size: chunks, share that the embedder cuts off, answers among the 5 best, their tokens.

    Long documents are cut by tokens; a hit counts when the answer stands in one of the five chunks.
    Vector search alone: it is what truncation blinds.
    """
    rows, table = questions(language, "validation", answerable=True), []
    for size in run.sizes["chunk_tokens"]:
        cut = partial(by_tokens, tokenizer=embedder.tokenizer, size=size, overlap=0)
        store = Store(run.folder / f"chunks_{language}_{size}", embedder, chunker=cut)
        documents = merged_pages(language)
        store.add(documents)
        chunks = [chunk for document in documents for chunk in cut(document)]
        found = [store.search(row["question"], 5, "vector") for row in rows]
        hit = [
            any(row["answer"] in one.text for one in hits)
            for row, hits in zip(rows, found, strict=True)
        ]
        read = [sum(embedder.token_counts([one.text for one in hits])) for hits in found]
        table.append(
            {
                "tokens": size,
                "chunks": len(chunks),
                "truncated": len(truncated(chunks, embedder)) / len(chunks),
                "answer in top 5": float(np.mean(hit)),
                "tokens to read": float(np.mean(read)),
            }
        )
    return table


def chunk_metrics(table: list[dict]) -> dict[str, float]:
    """The smallest, the best and the largest size."""
    best = max(table, key=lambda row: row["answer in top 5"])
    return {
        "truncated_chunks_largest": table[-1]["truncated"],
        "answer_found_smallest_chunks": table[0]["answer in top 5"],
        "answer_found_best_chunks": best["answer in top 5"],
        "answer_found_largest_chunks": table[-1]["answer in top 5"],
        "best_chunk_tokens": best["tokens"],
    }
