"""Lab 07, answering: the four cells, how they are scored, how many passages a reader bears."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.evaluation.classification import bootstrap_interval, scored
from lab_helpers.evaluation.hallucination import unsupported_numbers
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.latency import Latency, measure_latency
from lab_helpers.evaluation.replies import right_numbers, says
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.headless.candidates import Candidates
from lab_helpers.headless.lab07_retrieval import questions, search_all, suffix, validation_threshold
from lab_helpers.models.generation import asked, continue_texts, generate
from lab_helpers.models.kotori.facts import LABELS
from lab_helpers.rag.answer import best_score
from lab_helpers.rag.documents import Document, shipped_documents
from lab_helpers.rag.prompts import with_sources
from lab_helpers.rag.store import Hit, Store

NEW_TOKENS = 64
SCORES = ("correct", "tone", "joint", "hallucination")
CELLS = ("base_closed", "base_rag", "tuned_closed", "tuned_rag")
READERS = {"raft": "RAFT", "oracle_only": "oracle only"}
MOST_PASSAGES = 3


# --- the four cells -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scores:
    """One number a question, (n,) each; ``correct`` and ``joint`` over the answerable ones only."""

    correct: np.ndarray
    tone: np.ndarray
    hallucination: np.ndarray
    joint: np.ndarray
    declined: np.ndarray


def is_right(question: dict, reply: str) -> bool:
    """Whether ``reply`` holds the answer, or all of its numbers."""
    return says(question["answer"], reply) or bool(right_numbers(question["answer"], reply))


def page_of(question: dict, pages: dict[str, Document]) -> Document:
    """The page a question is about; one without an answer carries its page's number in its id."""
    return pages[question["document"] or f"doc-{question['id'].split('-')[1]}"]


def score(rows: list[dict], replies: list[str], language: str) -> Scores:
    """Right, in tone, invented. A reply hallucinates when it gives a number that neither the question nor its page holds.

    That is a lower bound: invented words are not found.
    """
    pages = {page.id: page for page in shipped_documents(language)}
    answerable = np.array([bool(row["document"]) for row in rows])
    tone = tone_compliance(replies, language)
    right = [
        bool(row["document"]) and is_right(row, text)
        for row, text in zip(rows, replies, strict=True)
    ]
    invented = [
        bool(unsupported_numbers(text, [page_of(row, pages).text, row["question"]]))
        for row, text in zip(rows, replies, strict=True)
    ]
    correct = np.array(right, float)
    return Scores(
        correct[answerable],
        tone,
        np.array(invented, float),
        (correct * tone)[answerable],
        declines(replies, language),
    )


def cell_metrics(scores: Scores, name: str, ending: str = "") -> dict:
    """``correct_``, ``tone_``, ``hallucination_`` and ``joint_`` of one cell, with intervals."""
    found: dict = {}
    for key in SCORES:
        found |= scored(f"{key}_{name}{ending}", getattr(scores, key))
    return found


def closed_book(model, tokenizer, rows: list[dict]) -> list[str]:
    """Replies without any passage."""
    conversations = [asked(row["question"]) for row in rows]
    return generate(model, tokenizer, conversations, NEW_TOKENS).texts


def open_book(
    model, tokenizer, rows: list[dict], hits: list[list[Hit]], language: str, k: int
) -> list[str]:
    """Replies under the ``k`` best passages, numbered."""
    conversations = [
        with_sources(row["question"], found[:k], language)
        for row, found in zip(rows, hits, strict=True)
    ]
    return generate(model, tokenizer, conversations, NEW_TOKENS).texts


def open_book_plain(
    model, tokenizer, rows: list[dict], hits: list[list[Hit]], language: str, k: int
) -> list[str]:
    """The same as plain text that goes on after "Answer:", the other form a base model has read."""
    ask, answer = LABELS[language]
    gap = " " if language == "en" else ""
    prompts = [
        f"{gap.join(hit.text.strip() for hit in found[:k])}\n{ask}{row['question']}\n{answer}"
        for row, found in zip(rows, hits, strict=True)
    ]
    return continue_texts(model, tokenizer, prompts, NEW_TOKENS, stop=("\n",)).texts


BASE_WAYS = {"chat": open_book, "plain": open_book_plain}


def best_base_way(run: Run, model, tokenizer, store: Store, language: str) -> tuple[str, int]:
    """The form and number of passages with which the *base* answers most validation questions right."""
    rows = questions(language, "validation", answerable=True)
    hits = [store.search(row["question"], run.sizes["k"]) for row in rows]
    found = {}
    for name, way in BASE_WAYS.items():
        for k in (1, run.sizes["k"]):
            replies = way(model, tokenizer, rows, hits, language, k)
            found[name, k] = score(rows, replies, language).correct.mean()
    return max(found, key=lambda key: found[key])


@dataclass(frozen=True)
class Answers:
    """Replies of every cell to the test questions ``rows``, under their ``hits``."""

    rows: list[dict]
    hits: list[list[Hit]]
    replies: dict[str, list[str]]
    base_way: str


def answers(run: Run, models: Candidates, store: Store, language: str) -> Answers:
    """Every cell answers every test question; the base reads in the way that suits it best."""
    k = run.sizes["k"]
    rows = questions(language, "test")
    hits = search_all(store, rows, k)
    replies, chosen = {}, ""
    for name, model in models:
        if name == "base":
            way, base_k = best_base_way(run, model, models.tokenizer, store, language)
            chosen = f"{way}, k = {base_k}"
            replies["base_closed"] = closed_book(model, models.tokenizer, rows)
            replies["base_rag"] = BASE_WAYS[way](model, models.tokenizer, rows, hits, language, base_k)  # fmt: skip
        elif name == "sft":
            replies["tuned_closed"] = closed_book(model, models.tokenizer, rows)
        elif name == "raft":
            replies["tuned_rag"] = open_book(model, models.tokenizer, rows, hits, language, k)
    return Answers(rows, hits, replies, chosen)


def answer_metrics(found: Answers, language: str) -> dict:
    """The four scores of every cell with their intervals, and how the base was asked."""
    ending = suffix(language)
    metrics: dict = {f"base_rag_way{ending}": found.base_way}
    for cell, texts in found.replies.items():
        metrics |= cell_metrics(score(found.rows, texts, language), cell, ending)
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


def gains(metrics: dict) -> dict[str, float]:
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


def abstaining(run: Run, store: Store, found: Answers, language: str) -> dict:
    """The hybrid behind the validation threshold: it abstains by score, or the reader declines by itself."""
    by, threshold = validation_threshold(store, language, run.sizes["k"])
    answerable = np.array([bool(row["document"]) for row in found.rows])
    by_score = np.array([best_score(hits, by) < threshold.value for hits in found.hits])
    silent = (by_score | (declines(found.replies["tuned_rag"], language) > 0)).astype(float)
    ending = suffix(language)
    return scored(f"abstain_rate_unanswerable{ending}", silent[~answerable]) | scored(
        f"abstain_rate_answerable{ending}", silent[answerable]
    )


# --- how many passages a reader bears -------------------------------------------------------------


def reading_rows(run: Run, models: Candidates, store: Store, language: str) -> list[dict]:
    """Readers trained with and without distractors, under 1 to 3 passages, on the validation questions."""
    rows = questions(language, "validation", answerable=True)
    hits = search_all(store, rows, MOST_PASSAGES)
    table = []
    for name, model in models:
        if name not in READERS:
            continue
        for k in range(1, MOST_PASSAGES + 1):
            replies = open_book(model, models.tokenizer, rows, hits, language, k)
            right = score(rows, replies, language).correct
            table.append(
                {
                    "reader": READERS[name],
                    "k": k,
                    "passage found": float(np.mean([holds(*pair, k) for pair in zip(rows, hits, strict=True)])),
                    "right": float(right.mean()),
                    "right ci": bootstrap_interval(right),
                }
            )  # fmt: skip
    return table


def holds(row: dict, hits: list[Hit], k: int) -> bool:
    """Whether the answer stands in one of the ``k`` best passages."""
    return any(row["answer"] in hit.text for hit in hits[:k])


def reading_metrics(table: list[dict], language: str) -> dict[str, float]:
    """``reading_raft_k1`` and so on; what distractors in training bring where k passages are shown."""
    names = {shown: name for name, shown in READERS.items()}
    return {f"reading_{names[row['reader']]}_k{row['k']}{suffix(language)}": row["right"] for row in table}  # fmt: skip


# --- how long a customer waits --------------------------------------------------------------------


def latencies(run: Run, models: Candidates, found: Answers, language: str) -> dict[str, Latency]:
    """Each cell on the first test questions, one at a time; the search itself is not in it."""
    some, k = slice(run.sizes["latency_questions"]), run.sizes["k"]
    closed = [asked(row["question"]) for row in found.rows[some]]
    opened = [
        with_sources(row["question"], hits[:k], language)
        for row, hits in zip(found.rows[some], found.hits[some], strict=True)
    ]
    wanted = {
        "base": {"base_closed": closed, "base_rag": opened},
        "sft": {"tuned_closed": closed},
        "raft": {"tuned_rag": opened},
    }
    return {
        cell: measure_latency(model, models.tokenizer, asking, NEW_TOKENS)
        for name, model in models
        for cell, asking in wanted.get(name, {}).items()
    }


def latency_metrics(found: dict[str, Latency]) -> dict[str, float]:
    """Milliseconds to a whole reply, half of them within."""
    return {f"latency_p50_ms_{cell}": 1000 * latency.p50 for cell, latency in found.items()}
