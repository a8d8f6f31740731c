"""Lab 07, two by two: {base, tuned} × {closed book, passages}; what silence costs; how long it takes."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.latency import Latency, measure_latency
from lab_helpers.labs.lab07.readers import (
    MOST_PASSAGES,
    NEW_TOKENS,
    READERS,
    Chosen,
    Scores,
    answer_closed_book,
    read_passages,
    score_replies,
)
from lab_helpers.labs.lab07.search import choose_validation_threshold, search_all, select_questions
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.models.generation import make_conversation
from lab_helpers.rag.answer import best_score
from lab_helpers.rag.prompts import with_sources
from lab_helpers.rag.store import Hit, Store
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import metric_suffix

SCORES = ("correct", "tone", "joint", "hallucination")
CELLS = ("base_closed", "base_rag", "tuned_closed", "tuned_rag")


def cell_metrics(scores: Scores, name: str, ending: str = "") -> dict:
    """``correct_``, ``tone_``, ``hallucination_`` and ``joint_`` of one cell, with intervals."""
    found: dict = {}
    for key in SCORES:
        found |= interval_metrics(f"{key}_{name}{ending}", getattr(scores, key))
    return found


@dataclass(frozen=True)
class Answers:
    """Replies of every cell to the test questions ``rows``, under their ``hits``."""

    rows: list[dict]
    hits: list[list[Hit]]
    replies: dict[str, list[str]]
    chosen: Chosen


def measure_answers(
    models: ComparedModels, store: Store, chosen: Chosen, language: str, questions: int
) -> Answers:
    """Every cell answers so many test questions, those with passages as chosen on the validation questions."""
    rows = select_questions(language, "test", questions)
    hits = search_all(store, rows, MOST_PASSAGES)
    replies = {}
    for name, model in models:
        if name == "base":
            replies["base_closed"] = answer_closed_book(model, models.tokenizer, rows)
            replies["base_rag"] = read_passages(
                model, models.tokenizer, chosen.base, rows, hits, language
            )
        if name == "sft":
            replies["tuned_closed"] = answer_closed_book(model, models.tokenizer, rows)
        if name == READERS[chosen.tuned.name].adapter:
            replies["tuned_rag"] = read_passages(
                model, models.tokenizer, chosen.tuned, rows, hits, language
            )
    return Answers(rows, hits, {cell: replies[cell] for cell in CELLS}, chosen)


def answer_metrics(found: Answers, language: str) -> dict:
    """The four scores of every cell with their intervals."""
    ending = metric_suffix(language)
    metrics: dict = {}
    for cell, texts in found.replies.items():
        metrics |= cell_metrics(score_replies(found.rows, texts, language), cell, ending)
    return metrics


def cell_rows(metrics: dict, ending: str = "") -> list[dict]:
    """A row a cell: right, in tone, both, invented, each with its interval."""
    return [
        {"cell": cell}
        | {
            f"{key}{shown}": metrics[f"{key}_{cell}{ending}{part}"]
            for key in SCORES
            for shown, part in (("", ""), (" ci", "_ci"))
        }
        for cell in CELLS
    ]


def reply_rows(found: Answers, count: int = 6) -> list[dict]:
    """Some questions with the right answer and what each cell said."""
    places = range(0, len(found.rows), max(1, len(found.rows) // count))
    return [
        {"question": found.rows[i]["question"], "right": found.rows[i]["answer"] or "—"}
        | {cell: texts[i] for cell, texts in found.replies.items()}
        for i in places
    ]


def gain_metrics(metrics: dict) -> dict[str, float]:
    """What passages take off invention, and what the pair adds to the better single one."""
    best = max(metrics["correct_base_rag"], metrics["correct_tuned_closed"])
    others = [metrics[f"joint_{cell}_ci"][1] for cell in CELLS[:-1]]
    return {
        "hallucination_drop_rag": metrics["hallucination_base_closed"]
        - metrics["hallucination_base_rag"],
        "hybrid_correct_gain": metrics["correct_tuned_rag"] - best,
        "hybrid_joint_lead": metrics["joint_tuned_rag_ci"][0] - max(others),
    }


# --- when to say nothing --------------------------------------------------------------------------


def measure_abstention(store: Store, found: Answers, language: str, k: int) -> dict:
    """The hybrid behind the validation threshold: it abstains by score, or the reader declines by itself."""
    by, threshold = choose_validation_threshold(store, language, k)
    answerable = np.array([bool(row["document"]) for row in found.rows])
    by_score = np.array([best_score(hits[:k], by) < threshold.value for hits in found.hits])
    silent = (by_score | (declines(found.replies["tuned_rag"], language) > 0)).astype(float)
    ending = metric_suffix(language)
    return interval_metrics(
        f"abstain_rate_unanswerable{ending}", silent[~answerable]
    ) | interval_metrics(f"abstain_rate_answerable{ending}", silent[answerable])


# --- how long a customer waits --------------------------------------------------------------------


def measure_latencies(
    models: ComparedModels, found: Answers, language: str, questions: int
) -> dict[str, Latency]:
    """Each cell on so many of the first test questions, one at a time, without the search; the base in the chat form too."""
    some, k = slice(questions), found.chosen.tuned.k
    closed = [make_conversation(row["question"]) for row in found.rows[some]]
    opened = [
        with_sources(row["question"], hits[:k], language)
        for row, hits in zip(found.rows[some], found.hits[some], strict=True)
    ]
    wanted = {
        "base": {"base_closed": closed, "base_rag": opened},
        "sft": {"tuned_closed": closed},
        READERS[found.chosen.tuned.name].adapter: {"tuned_rag": opened},
    }
    return {
        cell: measure_latency(model, models.tokenizer, asking, NEW_TOKENS)
        for name, model in models
        for cell, asking in wanted.get(name, {}).items()
    }


def latency_metrics(found: dict[str, Latency]) -> dict[str, float]:
    """Milliseconds to a whole reply, half of them within."""
    return {f"latency_p50_ms_{cell}": 1000 * latency.p50 for cell, latency in found.items()}
