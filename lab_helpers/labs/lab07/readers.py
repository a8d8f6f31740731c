"""Lab 07, readers: how a model is asked, how its reply is scored, and which reader bears how many passages."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lab_helpers.evaluation.hallucination import unsupported_numbers
from lab_helpers.evaluation.known_facts import spread
from lab_helpers.evaluation.replies import right_numbers, says
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.labs.lab07.search import load_questions, rate_interval, search_all
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.models.generation import continue_texts, generate, make_conversation
from lab_helpers.models.kotori.facts import LABELS
from lab_helpers.rag.documents import Document, shipped_documents
from lab_helpers.rag.prompts import with_sources
from lab_helpers.rag.store import Hit, Store
from lab_helpers.runtime.language import metric_suffix

NEW_TOKENS = 64
MOST_PASSAGES = 3

# --- asking ---------------------------------------------------------------------------------------


def answer_closed_book(model, tokenizer, rows: list[dict]) -> list[str]:
    """Replies without any passage."""
    conversations = [make_conversation(row["question"]) for row in rows]
    return generate(model, tokenizer, conversations, NEW_TOKENS).texts


def answer_open_book(
    model, tokenizer, rows: list[dict], hits: list[list[Hit]], language: str, k: int
) -> list[str]:
    """Replies under the ``k`` best passages, numbered."""
    conversations = [
        with_sources(row["question"], found[:k], language)
        for row, found in zip(rows, hits, strict=True)
    ]
    return generate(model, tokenizer, conversations, NEW_TOKENS).texts


def answer_open_book_plain(
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


class Reader(NamedTuple):
    """An adapter of :class:`ComparedModels` ("base" is none) and the form in which it is asked."""

    adapter: str
    ask: Callable


READERS = {
    "base, chat": Reader("base", answer_open_book),
    "base, plain": Reader("base", answer_open_book_plain),
    "RAFT": Reader("raft", answer_open_book),
    "oracle only": Reader("oracle_only", answer_open_book),
}


class Setting(NamedTuple):
    """A reader of :data:`READERS` and the number of passages it is shown."""

    name: str
    k: int

    def __str__(self) -> str:
        return f"{self.name}, k = {self.k}"


class Chosen(NamedTuple):
    """What reads best on the validation questions: of the base, of each training, and of both trainings."""

    base: Setting
    raft: Setting
    oracle: Setting
    tuned: Setting


def read_passages(
    model, tokenizer, setting: Setting, rows: list[dict], hits: list[list[Hit]], language: str
) -> list[str]:
    """Replies of ``model``, which wears the reader's adapter, under the passages of ``setting``."""
    return READERS[setting.name].ask(model, tokenizer, rows, hits, language, setting.k)


# --- scoring --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scores:
    """One number a question, (n,) each; ``correct`` and ``joint`` over the answerable ones only.

    ``named`` is 1 where the reply names any number, ``hallucination`` where it names one that it made up.
    """

    correct: np.ndarray
    tone: np.ndarray
    hallucination: np.ndarray
    joint: np.ndarray
    named: np.ndarray


def is_right(question: dict, reply: str) -> bool:
    """Whether ``reply`` holds the answer, or all of its numbers."""
    return says(question["answer"], reply) or bool(right_numbers(question["answer"], reply))


def find_page(question: dict, pages: dict[str, Document]) -> Document:
    """The page a question is about; one without an answer carries its page's number in its id."""
    return pages[question["document"] or f"doc-{question['id'].split('-')[1]}"]


def score_replies(
    rows: list[dict], replies: list[str], language: str, unsupported=unsupported_numbers
) -> Scores:
    """Right, in tone, invented. A reply hallucinates when it gives a number that neither the question nor its page holds.

    That is a lower bound: invented words are not found. ``unsupported`` is
    :func:`~lab_helpers.evaluation.hallucination.unsupported_numbers`, or a learner's own.
    """
    pages = {page.id: page for page in shipped_documents(language)}
    answerable = np.array([bool(row["document"]) for row in rows])
    tone = tone_compliance(replies, language)
    right = [
        bool(row["document"]) and is_right(row, text)
        for row, text in zip(rows, replies, strict=True)
    ]
    invented = [
        bool(unsupported(text, [find_page(row, pages).text, row["question"]]))
        for row, text in zip(rows, replies, strict=True)
    ]
    correct = np.array(right, float)
    return Scores(
        correct[answerable],
        tone,
        np.array(invented, float),
        (correct * tone)[answerable],
        np.array([bool(unsupported(text, [])) for text in replies], float),
    )


def holds_answer(row: dict, hits: list[Hit], k: int) -> bool:
    """Whether one of the ``k`` best passages is from the answer's page and says it."""
    return any(hit.document == row["document"] and row["answer"] in hit.text for hit in hits[:k])


# --- choosing -------------------------------------------------------------------------------------


def measure_readers(
    models: ComparedModels, store: Store, language: str, questions: int
) -> list[dict]:
    """Every reader under 1 to :data:`MOST_PASSAGES` passages, on so many answerable validation questions."""
    rows = spread(load_questions(language, "validation", answerable=True), questions)
    hits, table = search_all(store, rows, MOST_PASSAGES), []
    for adapter, model in models:
        for name in (name for name, reader in READERS.items() if reader.adapter == adapter):
            for k in range(1, MOST_PASSAGES + 1):
                replies = read_passages(
                    model, models.tokenizer, Setting(name, k), rows, hits, language
                )
                right = score_replies(rows, replies, language).correct
                found = [holds_answer(row, one, k) for row, one in zip(rows, hits, strict=True)]
                table.append(
                    {
                        "reader": name,
                        "k": k,
                        "passage found": float(np.mean(found)),
                        "right": float(right.mean()),
                        "right ci": rate_interval(right),
                    }
                )
    return table


def choose_readers(table: list[dict]) -> Chosen:
    """The setting with the most right answers of the base, of each tuned reader and of both; of equals the first."""

    def best(*adapters: str) -> Setting:
        rows = [row for row in table if READERS[row["reader"]].adapter in adapters]
        row = max(rows, key=lambda row: row["right"])
        return Setting(row["reader"], row["k"])

    return Chosen(best("base"), best("raft"), best("oracle_only"), best("raft", "oracle_only"))


def chosen_rows(chosen: Chosen) -> list[dict]:
    """A row a kind of reader: which one was chosen on the validation questions, with how many passages."""
    kinds = (("untuned", chosen.base), ("RAFT", chosen.raft), ("oracle only", chosen.oracle), ("best of both trainings", chosen.tuned))  # fmt: skip
    return [{"group": kind, "reader": one.name, "passages (k)": one.k} for kind, one in kinds]


def reading_metrics(table: list[dict], language: str) -> dict:
    """``reading_raft_k1`` and so on, and which settings were chosen."""
    ending, chosen = metric_suffix(language), choose_readers(table)
    metrics: dict = {f"reader_{kind}{ending}": str(one) for kind, one in chosen._asdict().items()}
    for row in table:
        name = row["reader"].replace(", ", "_").replace(" ", "_").lower()
        metrics[f"reading_{name}_k{row['k']}{ending}"] = row["right"]
    return metrics
