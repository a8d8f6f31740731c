"""Lab 07: an English embedder beside one that reads Japanese, by what they find and how fast they are."""

import time

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.evaluation.significance import difference_metrics
from lab_helpers.labs.lab07.search import (
    ENDINGS,
    load_questions,
    measure_retrieval,
    rate_interval,
)
from lab_helpers.labs.shared.models import MULTILINGUAL, has_multilingual
from lab_helpers.rag.embedders import Embedder, load_embedder
from lab_helpers.rag.store import Store
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import LANGUAGES, say


def load_multilingual_embedder(run: Run, own: Embedder) -> Embedder | None:
    """:data:`MULTILINGUAL`, to set beside an English one; None where the run's ``own`` reads Japanese too.

    And None where it cannot be used, which one sentence says.
    """
    if not own.english_only or not has_multilingual():
        return None
    return load_embedder(MULTILINGUAL, precision=run.settings["precision"])


def measure_all_stores(stores: dict[str, Store]) -> list[dict]:
    """:func:`measure_retrieval` in every language; the questions are embedded in batches first, which is faster."""
    table = []
    for language, store in stores.items():
        rows = load_questions(language, "test", answerable=True)
        store.embedder.encode([row["question"] for row in rows], kind="query")
        table += measure_retrieval(store, language)
    return table


def embedder_rows(english: list[dict], multilingual: list[dict]) -> list[dict]:
    """recall@5 and its interval per language: by words alone, and by vectors and hybrid of both embedders.

    Both tables are :func:`measure_retrieval`'s. The words are searched in the English embedder's chunks.
    """
    ways = (
        (say("words alone", "全文検索のみ"), english, "text"),
        (say("MiniLM, vectors", "MiniLM、ベクトル"), english, "vector"),
        (say("MiniLM, hybrid", "MiniLM、ハイブリッド"), english, "hybrid"),
        (say("e5, vectors", "e5、ベクトル"), multilingual, "vector"),
        (say("e5, hybrid", "e5、ハイブリッド"), multilingual, "hybrid"),
    )
    rows = []
    for language in dict.fromkeys(row["language"] for row in english):
        for way, table, mode in ways:
            found = _select_recall(table, language, mode)
            rows.append(
                {
                    "language": language,
                    "found by": way,
                    "recall@5": float(found.mean()),
                    "95 %": rate_interval(found),
                }
            )
    return rows


def _select_recall(table: list[dict], language: str, mode: str) -> np.ndarray:
    return next(r["recall@5"] for r in table if r["language"] == language and r["mode"] == mode)


def embedder_metrics(english: list[dict], multilingual: list[dict]) -> dict:
    """The multilingual embedder's recall@5, and its lead over the English one with a paired interval."""
    metrics: dict = {}
    for language in dict.fromkeys(row["language"] for row in english):
        for mode in ("vector", "hybrid"):
            ours = _select_recall(multilingual, language, mode)
            ending = ENDINGS[mode]
            metrics |= interval_metrics(f"recall_at_5_{language}_e5{ending}", ours)
            theirs = _select_recall(english, language, mode)
            metrics |= difference_metrics(_lead_name(language, mode), ours, theirs)
    return metrics


def _lead_name(language: str, mode: str) -> str:
    return f"recall_at_5_{language}_e5_over_minilm{ENDINGS[mode]}"


def select_lead(metrics: dict, language: str, mode: str) -> tuple[float, list[float]]:
    """The multilingual embedder's lead in recall@5, and its interval."""
    name = _lead_name(language, mode)
    return metrics[name], metrics[f"{name}_ci"]


def measure_query_speed(embedder: Embedder, questions: int = 24) -> float:
    """Questions a second, embedded one after another as they would come, so many of each language."""
    rows = [row for language in LANGUAGES for row in load_questions(language, "test")[:questions]]
    embedder = embedder.fresh()
    started = time.perf_counter()
    for row in rows:
        embedder.encode([row["question"]], kind="query")
    return len(rows) / (time.perf_counter() - started)
