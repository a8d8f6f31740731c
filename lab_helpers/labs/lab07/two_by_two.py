"""Lab 07, two by two: {base, tuned} × {closed book, passages}; differences; what silence costs; how long it takes."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.evaluation.hallucination import unsupported_numbers
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.latency import Latency, measure_latency
from lab_helpers.evaluation.significance import (
    PairedBootstrap,
    difference_metrics,
    paired_bootstrap,
)
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
from lab_helpers.labs.lab07.search import Limit, judge, search_all, select_questions
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.models.generation import make_conversation
from lab_helpers.rag.answer import best_score
from lab_helpers.rag.prompts import with_sources
from lab_helpers.rag.store import Hit, Store
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import metric_suffix

SCORES = ("correct", "tone", "joint", "hallucination")
CELLS = ("base_closed", "base_rag", "tuned_closed", "tuned_rag")
READERS_OF_PASSAGES = ("raft_rag", "oracle_rag")
"""Both trainings that read passages, each at its own best k; ``tuned_rag`` is one of them."""
DIFFERENCES = (
    ("hallucination", "base_rag", "base_closed"),
    ("hallucination", "tuned_closed", "base_closed"),
    ("hallucination", "tuned_rag", "base_rag"),
    ("correct", "tuned_rag", "base_rag"),
    ("joint", "tuned_rag", "base_rag"),
    ("correct", "raft_rag", "oracle_rag"),
    ("hallucination", "raft_rag", "oracle_rag"),
    ("declined", "raft_rag", "oracle_rag"),
)
"""What is compared: a score, and two cells on the same questions."""


def cell_metrics(scores: Scores, name: str, ending: str = "") -> dict:
    """``correct_``, ``tone_``, ``hallucination_`` and ``joint_`` of one cell, with intervals.

    ``named_`` is the share of replies that name a number, ``hallucination_named_`` the rate among those.
    """
    found: dict = {}
    for key in (*SCORES, "named"):
        found |= interval_metrics(f"{key}_{name}{ending}", getattr(scores, key))
    among = scores.hallucination[scores.named > 0]
    return found | (interval_metrics(f"hallucination_named_{name}{ending}", among) if len(among) else {})  # fmt: skip


@dataclass(frozen=True)
class Answers:
    """Replies of every cell to the test questions ``rows``, under their ``hits``."""

    rows: list[dict]
    hits: list[list[Hit]]
    replies: dict[str, list[str]]
    chosen: Chosen


_CLOSED = {"base": "base_closed", "sft": "tuned_closed"}
_OPEN = {"base": "base_rag", "raft": "raft_rag", "oracle_only": "oracle_rag"}


def measure_answers(
    models: ComparedModels, store: Store, chosen: Chosen, language: str, questions: int
) -> Answers:
    """Every cell answers so many test questions, those with passages as chosen on the validation questions."""
    rows = select_questions(language, "test", questions)
    hits = search_all(store, rows, MOST_PASSAGES)
    replies = {}
    for name, model in models:
        if name in _CLOSED:
            replies[_CLOSED[name]] = answer_closed_book(model, models.tokenizer, rows)
        if name in _OPEN:
            setting = getattr(chosen, name.removesuffix("_only"))
            texts = read_passages(model, models.tokenizer, setting, rows, hits, language)
            replies[_OPEN[name]] = texts
    replies["tuned_rag"] = replies[_OPEN[READERS[chosen.tuned.name].adapter]]
    return Answers(rows, hits, {c: replies[c] for c in (*CELLS, *READERS_OF_PASSAGES)}, chosen)


def score_answers(
    found: Answers, language: str, unsupported=unsupported_numbers
) -> dict[str, Scores]:
    """The scores of every cell, one number a question."""
    return {
        cell: score_replies(found.rows, texts, language, unsupported)
        for cell, texts in found.replies.items()
    }


def answer_metrics(scores: dict[str, Scores], language: str) -> dict:
    """The scores of every cell with their intervals."""
    ending = metric_suffix(language)
    metrics: dict = {}
    for cell, one in scores.items():
        metrics |= cell_metrics(one, cell, ending)
    return metrics


def invention_rows(metrics: dict, ending: str = "") -> list[dict]:
    """A row a cell: invented numbers among all replies, and among those that name a number at all."""
    return [
        {
            "cell": cell,
            "names a number": metrics[f"named_{cell}{ending}"],
            "invents, of all": metrics[f"hallucination_{cell}{ending}"],
            "95 %": metrics[f"hallucination_{cell}{ending}_ci"],
            "of those that name one": metrics.get(f"hallucination_named_{cell}{ending}", float("nan")),
            "95 % of these": metrics.get(f"hallucination_named_{cell}{ending}_ci", "—"),
        }
        for cell in (*CELLS, "raft_rag")
    ]  # fmt: skip


def compare_cells(
    found: Answers, scores: dict[str, Scores], language: str
) -> dict[tuple[str, str, str], PairedBootstrap]:
    """:data:`DIFFERENCES` on the same questions; "declined" counts the unanswerable ones."""
    silent = np.array([not row["document"] for row in found.rows])
    declined = {cell: declines(found.replies[cell], language)[silent] for cell in READERS_OF_PASSAGES}  # fmt: skip
    return {
        (key, ours, theirs): paired_bootstrap(
            *(declined[c] if key == "declined" else getattr(scores[c], key) for c in (ours, theirs))
        )
        for key, ours, theirs in DIFFERENCES
    }


def cell_gap_rows(found: dict[tuple[str, str, str], PairedBootstrap]) -> list[dict]:
    """For a table: what was compared, the difference, its interval, and whether it excludes zero."""
    return [
        {
            "quality": key,
            "first": ours,
            "second": theirs,
            "first minus second": gap.difference,
            "95 %": [gap.low, gap.high],
            "the gap is": judge(gap),
        }
        for (key, ours, theirs), gap in found.items()
    ]


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
        | {cell: found.replies[cell][i] for cell in CELLS}
        for i in places
    ]


def gain_metrics(
    scores: dict[str, Scores], differences: dict[tuple[str, str, str], PairedBootstrap]
) -> dict:
    """What passages take off invention, and what the pair adds to the better single one, with paired intervals."""
    drop = differences["hallucination", "base_rag", "base_closed"]
    better = max(("base_rag", "tuned_closed"), key=lambda cell: scores[cell].correct.mean())
    gain = difference_metrics(
        "hybrid_correct_gain", scores["tuned_rag"].correct, scores[better].correct
    )
    rivals = [cell for cell in CELLS if cell != "tuned_rag"]
    leads = [paired_bootstrap(scores["tuned_rag"].joint, scores[cell].joint) for cell in rivals]
    closed, opened = (_pairs(scores[cell]) for cell in ("base_closed", "base_rag"))
    named = paired_bootstrap(opened, closed, score=_among_named)
    return {
        "hallucination_drop_rag": -drop.difference,
        "hallucination_drop_rag_low": -drop.high,
        "hallucination_drop_rag_high": -drop.low,
        "hallucination_named_drop_rag": -named.difference,
        "hallucination_named_drop_rag_low": -named.high,
        "hallucination_named_drop_rag_high": -named.low,
        "hallucination_named_ratio": _among_named(opened) / max(_among_named(closed), 1e-9),
        "hybrid_joint_lead": min(lead.low for lead in leads),
        **gain,
    }


def _pairs(scores: Scores) -> np.ndarray:
    """(n, 2): whether a reply invents a number, and whether it names one."""
    return np.stack([scores.hallucination, scores.named], axis=1)


def _among_named(pairs: np.ndarray) -> float:
    """Of the replies that name a number the share that invents one."""
    return float(pairs[:, 0].sum() / max(pairs[:, 1].sum(), 1.0))


# --- when to say nothing --------------------------------------------------------------------------


def abstention_metrics(found: Answers, limit: Limit, language: str, k: int) -> dict:
    """Shares refused by the threshold, by RAFT's own words, and by the hybrid behind the threshold."""
    answerable = np.array([bool(row["document"]) for row in found.rows])
    below = np.array([best_score(hits[:k], limit.by) < limit.value for hits in found.hits])
    words = {cell: declines(found.replies[cell], language) > 0 for cell in ("tuned_rag", "raft_rag")}  # fmt: skip
    ways = {
        "abstain_rate": below | words["tuned_rag"],
        "abstain_threshold_rate": below,
        "abstain_raft_rate": words["raft_rag"],
    }
    ending = metric_suffix(language)
    metrics: dict = {}
    for name, silent in ways.items():
        metrics |= interval_metrics(f"{name}_unanswerable{ending}", silent[~answerable])
        metrics |= interval_metrics(f"{name}_answerable{ending}", silent[answerable])
    return metrics


def abstention_rows(metrics: dict, ending: str = "") -> list[dict]:
    """Who refuses how many of each kind of question."""
    ways = (
        ("threshold", "abstain_threshold_rate"),
        ("RAFT by itself", "abstain_raft_rate"),
        ("threshold, then the hybrid", "abstain_rate"),
    )
    return [
        {
            "refused by": way,
            "without an answer": metrics[f"{name}_unanswerable{ending}"],
            "95 %": metrics[f"{name}_unanswerable{ending}_ci"],
            "with an answer": metrics[f"{name}_answerable{ending}"],
            "95 % of these": metrics[f"{name}_answerable{ending}_ci"],
        }
        for way, name in ways
    ]


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
