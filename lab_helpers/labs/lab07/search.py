"""Lab 07, searching: stores, how well they find, and when not to answer."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.known_facts import spread
from lab_helpers.evaluation.retrieval import ndcg_at_k, recall_at_k, reciprocal_rank
from lab_helpers.evaluation.significance import PairedBootstrap, paired_bootstrap
from lab_helpers.rag.answer import best_score, choose_threshold
from lab_helpers.rag.documents import shipped_documents
from lab_helpers.rag.embedders import Embedder, load_embedder
from lab_helpers.rag.store import MODES, Hit, Store
from lab_helpers.runtime.intervals import interval_metrics

DEPTH = 10
# English vectors find its page at once, Japanese ones far down.
EXAMPLE = "q-011-3"
ENDINGS = {"hybrid": "", "vector": "_vector_only", "text": "_text_only"}
"""What ends a metric's name, by mode."""


_FOUND_BY = {"hybrid": "both, fused", "vector": "vectors", "text": "words (BM25)"}


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


def measure_retrieval(
    store: Store, language: str, recall=recall_at_k, rank=reciprocal_rank
) -> list[dict]:
    """A row a mode: recall@1, recall@5, MRR and nDCG@5 of the right page, over the answerable test questions.

    ``recall`` and ``rank`` give one number a question: the library's, or a learner's own.
    """
    rows = load_questions(language, "test", answerable=True)
    gold = [[row["document"]] for row in rows]
    table = []
    for mode in MODES:
        found = find_documents(store, rows, mode)
        table.append(
            {
                "language": language,
                "mode": mode,
                "recall@1": np.asarray(recall(found, gold, 1), float),
                "recall@5": np.asarray(recall(found, gold, 5), float),
                "MRR": np.asarray(rank(found, gold), float),
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


def rate_interval(per_item) -> list[float]:
    """Wilson's interval of rights and wrongs, else the bootstrap's."""
    return interval_metrics("rate", per_item)["rate_ci"]


def judge(gap: PairedBootstrap) -> str:
    """Where the interval of a paired difference lies; two ways differ only if it leaves zero out."""
    if gap.low > 0:
        return "above 0"
    return "below 0" if gap.high < 0 else "around 0"


def gap_rows(table: list[dict], column: str = "MRR") -> list[dict]:
    """Hybrid search minus each of the others on the same questions, with the interval of that difference."""
    rows = []
    for language in dict.fromkeys(row["language"] for row in table):
        found = {row["mode"]: row[column] for row in table if row["language"] == language}
        for other in ("vector", "text"):
            gap = paired_bootstrap(found["hybrid"], found[other])
            rows.append(
                {
                    "language": language,
                    "both, fused, minus": _FOUND_BY[other],
                    f"{column} gap": gap.difference,
                    "95 %": [gap.low, gap.high],
                    "the gap is": judge(gap),
                }
            )
    return rows


def mean_rows(table: list[dict]) -> list[dict]:
    """The same rows with means in place of arrays, how it was found in words, and the interval of recall@5."""
    return [
        {"language": row["language"], "found by": _FOUND_BY[row["mode"]]}
        | {key: float(v.mean()) if isinstance(v, np.ndarray) else v for key, v in row.items()}
        | {"recall@5 ci": rate_interval(row["recall@5"])}
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


def equal_weights_metrics(found: list[list[str]], rows: list[dict], language: str) -> dict:
    """recall@5 of a fusion in which both searches count alike, whatever the embedder can read."""
    gold = [row["document"] for row in rows]
    return interval_metrics(f"recall_at_5_{language}_equal_weights", recall_at_k(found, gold, 5))


# --- when not to answer ---------------------------------------------------------------------------


def search_all(store: Store, rows: list[dict], k: int, mode: str = "hybrid") -> list[list[Hit]]:
    """The ``k`` best chunks of each question."""
    return [store.search(row["question"], k, mode) for row in rows]


def score_validation_questions(store: Store, language: str, k: int) -> tuple[dict, list[bool]]:
    """The best hit's score of each validation question, by cosine and by BM25, and whether it has an answer."""
    rows = load_questions(language, "validation")
    hits = search_all(store, rows, k)
    scores = {by: [best_score(one, by) for one in hits] for by in ("vector", "text")}
    return scores, [bool(row["document"]) for row in rows]


class Limit(NamedTuple):
    """Answer where the best hit's score ``by`` "vector" or "text" is at least ``value``."""

    by: str
    value: float


def choose_limit(store: Store, language: str, k: int, choose=choose_threshold) -> Limit:
    """The score and the threshold that tell answerable validation questions best."""
    scores, answerable = score_validation_questions(store, language, k)
    found = {by: choose(values, answerable) for by, values in scores.items()}
    by = max(found, key=lambda one: found[one][1] + found[one][2])
    return Limit(by, float(found[by][0]))


class Answerability(NamedTuple):
    """Best hits' scores of questions, (n,), whether they have an answer, (n,), the threshold and its score's name."""

    scores: np.ndarray
    answerable: np.ndarray
    threshold: float
    by: str


def measure_answerability(store: Store, language: str, k: int, limit: Limit) -> Answerability:
    """The test questions under the threshold of the validation questions."""
    by = limit.by
    rows = load_questions(language, "test")
    scores = np.array([best_score(hits, by) for hits in search_all(store, rows, k)])
    answerable = np.array([bool(row["document"]) for row in rows])
    return Answerability(scores, answerable, limit.value, by)


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
