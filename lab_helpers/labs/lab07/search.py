"""Lab 07, searching: stores, how well they find, when not to answer, and chunks of the wrong size."""

from dataclasses import replace
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.known_facts import spread
from lab_helpers.evaluation.retrieval import ndcg_at_k, recall_at_k, reciprocal_rank
from lab_helpers.rag.answer import Threshold, best_score, choose_threshold
from lab_helpers.rag.chunks import by_tokens, find_truncated
from lab_helpers.rag.documents import Document, shipped_documents
from lab_helpers.rag.embedders import Embedder, load_embedder
from lab_helpers.rag.store import MODES, Hit, Store
from lab_helpers.runtime.intervals import bootstrap_interval, interval_metrics

DEPTH = 10
# English vectors find its page at once, Japanese ones far down.
EXAMPLE = "q-011-3"
MOST = 10
"""The largest k of the explorer."""
ENDINGS = {"hybrid": "", "vector": "_vector_only", "text": "_text_only"}
"""What ends a metric's name, by mode."""


def load_questions(language: str, split: str, answerable: bool | None = None) -> list[dict]:
    """Questions about the shipped documents; with or without an answer, or both."""
    rows = load_shipped("questions", language, split)
    return [row for row in rows if answerable in (None, bool(row["document"]))]


def select_questions(language: str, split: str, count: int) -> list[dict]:
    """``count`` of the questions, evenly spaced, with as large a share of unanswerable ones as in all."""
    rows = load_questions(language, split)
    silent = [row for row in rows if not row["document"]]
    share = round(min(count, len(rows)) * len(silent) / len(rows))
    answerable = [row for row in rows if row["document"]]
    kept = spread(silent, share) + spread(answerable, count - share)
    return [row for row in rows if row in kept]


def load_run_embedder(run: Run) -> Embedder:
    """The profile's embedder, with what it remembers from the cells before."""
    return _loaded(run.profile.encoder, run.settings["precision"])


@lru_cache(maxsize=1)
def _loaded(name: str, precision: str) -> Embedder:
    return load_embedder(name, precision=precision)


def open_store(run: Run, embedder: Embedder, language: str) -> Store:
    """The store of one language's documents in the run's folder; unchanged documents cost nothing."""
    other = "" if embedder.name == run.profile.encoder else f"_{embedder.name}"
    store = Store(run.folder / f"store_{language}{other}", embedder)
    store.add(shipped_documents(language))
    return store


def find_documents(store: Store, rows: list[dict], mode: str = "hybrid") -> list[list[str]]:
    """For each question the documents of its best chunks, best first, each once."""
    return [_documents(hits) for hits in search_all(store, rows, DEPTH, mode)]


def _documents(hits: list[Hit]) -> list[str]:
    return list(dict.fromkeys(hit.document for hit in hits))


def measure_retrieval(store: Store, language: str, split: str = "test") -> list[dict]:
    """A row a mode: recall@1, recall@5, MRR and nDCG@5 of the right page, over the answerable questions."""
    rows = load_questions(language, split, answerable=True)
    gold = [row["document"] for row in rows]
    table = []
    for mode in MODES:
        found = find_documents(store, rows, mode)
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
    metrics: dict = {}
    for row in table:
        ending = f"_{row['language']}{ENDINGS[row['mode']]}"
        names = (("recall@5", "recall_at_5"), ("MRR", "mrr"), ("nDCG@5", "ndcg_at_5"))
        for column, name in names:
            metrics |= interval_metrics(f"{name}{ending}", row[column])
    return metrics


def mean_rows(table: list[dict]) -> list[dict]:
    """The same rows with means in place of arrays, and the interval of recall@5."""
    return [
        {key: float(v.mean()) if isinstance(v, np.ndarray) else v for key, v in row.items()}
        | {"recall@5 ci": bootstrap_interval(row["recall@5"])}
        for row in table
    ]


def select_example(language: str, name: str = EXAMPLE) -> dict:
    """The question with the id ``name``."""
    return next(row for row in load_questions(language, "test") if row["id"] == name)


def rank_pages(store: Store, row: dict) -> tuple[np.ndarray, int]:
    """The cosine of a question with its best chunk of every page, highest first; the right page's place."""
    best: dict[str, float] = {}
    for hit in store.search(row["question"], store.count(), "vector", exact=True):
        best.setdefault(hit.document, hit.vector_score)
    return np.array(list(best.values())), list(best).index(row["document"])


def compare_two_questions(stores: dict[str, Store]) -> dict[str, tuple[np.ndarray, int]]:
    """For a figure: :data:`EXAMPLE`, asked in each language of that language's pages."""
    rows = {language: select_example(language) for language in stores}
    return {rows[lang]["question"]: rank_pages(store, rows[lang]) for lang, store in stores.items()}


def rank_both_ways(store: Store, question: str) -> list[list[str]]:
    """The pages by meaning and by words, best first, each once."""
    return [_documents(store.search(question, DEPTH, mode)) for mode in ("vector", "text")]


def open_equal_weights(run: Run, embedder: Embedder, language: str) -> Store:
    """The same store, but both searches count alike in the fusion, whatever the embedder can read."""
    return Store(run.folder / f"store_{language}", embedder, weights=(1.0, 1.0))


def measure_equal_weights(run: Run, embedder: Embedder, language: str) -> dict:
    """What the plain formula finds: recall@5 with both weights 1."""
    rows = load_questions(language, "test", answerable=True)
    found = find_documents(open_equal_weights(run, embedder, language), rows)
    return interval_metrics(
        f"recall_at_5_{language}_equal_weights",
        recall_at_k(found, [row["document"] for row in rows], 5),
    )


# --- when not to answer ---------------------------------------------------------------------------


def search_all(store: Store, rows: list[dict], k: int, mode: str = "hybrid") -> list[list[Hit]]:
    """The ``k`` best chunks of each question."""
    return [store.search(row["question"], k, mode) for row in rows]


def choose_validation_threshold(store: Store, language: str, k: int) -> tuple[str, Threshold]:
    """Which score, and from which value on, tells answerable validation questions best."""
    rows = load_questions(language, "validation")
    hits, answerable = search_all(store, rows, k), [bool(row["document"]) for row in rows]
    found = {
        by: choose_threshold([best_score(one, by) for one in hits], answerable)
        for by in ("vector", "text")
    }
    return max(found.items(), key=lambda item: item[1].balanced_accuracy)


class Answerability(NamedTuple):
    """Best hits' scores of questions, (n,), whether they have an answer, (n,), the threshold and its score's name."""

    scores: np.ndarray
    answerable: np.ndarray
    threshold: float
    by: str


def measure_answerability(store: Store, language: str, k: int) -> Answerability:
    """The test questions under the threshold of the validation questions."""
    by, threshold = choose_validation_threshold(store, language, k)
    rows = load_questions(language, "test")
    scores = np.array([best_score(hits, by) for hits in search_all(store, rows, k)])
    answerable = np.array([bool(row["document"]) for row in rows])
    return Answerability(scores, answerable, threshold.value, by)


def answerability_metrics(found: Answerability, language: str) -> dict[str, float]:
    """How well the score tells the two kinds apart (area under the ROC curve), and the threshold's two rates."""
    from sklearn.metrics import roc_auc_score

    scores, answerable, threshold, _ = found
    return {
        f"answerable_auc_{language}": float(roc_auc_score(answerable, scores)),
        f"abstain_threshold_{language}": threshold,
        f"abstain_by_score_unanswerable_{language}": float((scores[~answerable] < threshold).mean()),
        f"abstain_by_score_answerable_{language}": float((scores[answerable] < threshold).mean()),
    }  # fmt: skip


# --- drill 12: chunks of the wrong size -----------------------------------------------------------


def merge_pages(language: str, pages: int = 8) -> list[Document]:
    """Long documents, ``pages`` of the shipped ones each: what a manual looks like to a chunker."""
    short = shipped_documents(language)
    groups = [short[i : i + pages] for i in range(0, len(short), pages)]
    return [
        replace(group[0], title="", text="\n\n".join(page.text for page in group))
        for group in groups
    ]


def measure_chunk_sizes(run: Run, embedder: Embedder, language: str = "en") -> list[dict]:
    """A row a chunk size and k: chunks, share that the embedder cuts off, answers among the k best, tokens to read.

    Long documents are cut by tokens; an answer is found when it stands in one of the k chunks.
    Vector search alone: it is what truncation blinds.
    """
    rows, table = load_questions(language, "validation", answerable=True), []
    for size in run.settings["chunk_tokens"]:
        cut = partial(by_tokens, tokenizer=embedder.tokenizer, size=size, overlap=0)
        store = Store(run.folder / f"chunks_{language}_{size}", embedder, chunker=cut)
        documents = merge_pages(language)
        store.add(documents)
        chunks = [chunk for document in documents for chunk in cut(document)]
        found = search_all(store, rows, MOST, "vector")
        holds = np.array([_holding(row["answer"], hits) for row, hits in zip(rows, found, strict=True)])  # fmt: skip
        tokens = np.array([_padded(embedder.token_counts([hit.text for hit in hits])) for hits in found])  # fmt: skip
        cut_off = len(find_truncated(chunks, embedder)) / len(chunks)
        table += [
            {
                "tokens": size,
                "k": k,
                "chunks": len(chunks),
                "truncated": cut_off,
                "answer found": float(holds[:, :k].any(axis=1).mean()),
                "tokens to read": float(tokens[:, :k].sum(axis=1).mean()),
            }
            for k in range(1, MOST + 1)
        ]
    return table


def _holding(answer: str, hits: list[Hit]) -> list[bool]:
    return _padded([answer in hit.text for hit in hits])


def _padded(values: list) -> list:
    """:data:`MOST` values, zeros for the hits that a store of fewer chunks does not have."""
    return values + [0] * (MOST - len(values))


def select_at_five(table: list[dict]) -> list[dict]:
    """The rows of k = 5."""
    return [row for row in table if row["k"] == 5]


def chunk_metrics(table: list[dict]) -> dict[str, float]:
    """The smallest, the best and the largest size, at k = 5."""
    table = select_at_five(table)
    best = max(table, key=lambda row: row["answer found"])
    return {
        "truncated_chunks_largest": table[-1]["truncated"],
        "answer_found_smallest_chunks": table[0]["answer found"],
        "answer_found_best_chunks": best["answer found"],
        "answer_found_largest_chunks": table[-1]["answer found"],
        "best_chunk_tokens": best["tokens"],
    }
