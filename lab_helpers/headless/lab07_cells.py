"""Lab 07, answering: the archive as training material, both trainings, and the four cells."""

from dataclasses import dataclass, replace

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.evaluation.classification import scored
from lab_helpers.evaluation.hallucination import unsupported_numbers
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.replies import right_numbers, says
from lab_helpers.evaluation.tone import HOUSE, tone_compliance
from lab_helpers.headless.lab04_data import clean_support
from lab_helpers.headless.lab07_retrieval import questions
from lab_helpers.models.generation import asked, continue_texts, generate
from lab_helpers.models.kotori import planted
from lab_helpers.models.kotori.facts import LABELS
from lab_helpers.models.language_models import load_language_model
from lab_helpers.rag.chunks import sentences
from lab_helpers.rag.documents import Document, shipped_documents
from lab_helpers.rag.prompts import with_sources
from lab_helpers.rag.raft import Evidence, Recipe, raft_rows
from lab_helpers.rag.store import Hit, Store
from lab_helpers.tuning.sft import prompt_completion, supervised_fine_tune
from lab_helpers.tuning.trainer_config import trainer_config

NEW_TOKENS = 64
DECLINING = {
    "en": "We are sorry, but we do not have this information.",
    "ja": "申し訳ありませんが、その情報がありません。",
}


def language_model(run: Run):
    """A fresh copy of the run's language model, and its tokenizer."""
    return load_language_model(run.model or run.profile.language_model)


# --- trainings ------------------------------------------------------------------------------------


def in_tone(body: str, language: str) -> str:
    """``body`` between the house's opening and closing."""
    house, gap = HOUSE[language], " " if language == "en" else ""
    return gap.join((house.opening, body, house.closing))


def archive_material(language: str) -> list[Evidence]:
    """Lab 04's clean support rows that state a fact: question, the sentence that says it, the answer.

    Training rows only. The documents and their questions are not touched.
    """
    facts = {fact.key: fact for fact in planted.company_facts(language)}
    house, found = HOUSE[language], []
    for row in clean_support(language)[0]:
        fact = facts.get(row["fact"])
        body = row["answer"].strip().removeprefix(house.opening).removesuffix(house.closing)
        for statement in (sentence.strip() for sentence in sentences(body.strip())):
            if fact and fact.answer in statement:
                found.append(Evidence(row["question"].strip(), statement, fact.answer, fact.key))
                break
    return found


def raft_examples(run: Run, language: str, distractors: bool = True) -> list[dict]:
    """RAFT rows for all steps; without distractors the oracle stands alone in each row and is always there."""
    recipe = Recipe(sources=run.sizes["k"])
    if not distractors:
        recipe = replace(recipe, distractors=False, with_oracle=1.0)
    return raft_rows(
        archive_material(language),
        language,
        run.sizes["steps"] * run.sizes["batch_size"],
        run.seed,
        lambda body: in_tone(body, language),
        DECLINING[language],
        recipe,
    )


def closed_book_examples(language: str) -> list[dict]:
    """The same archive as lab 04 trains on it: questions and answers, true numbers, no passages."""
    return prompt_completion([row for row in clean_support(language)[0] if row["fact"]])


def lora_config(run: Run):
    """LoRA on every linear layer."""
    from peft import LoraConfig

    r = run.sizes["rank"]
    return LoraConfig(r=r, lora_alpha=2 * r, target_modules="all-linear", task_type="CAUSAL_LM")


def tune(run: Run, examples: list[dict]):
    """A fresh model with an adapter trained on ``examples``, and its tokenizer."""
    from trl import SFTConfig

    model, tokenizer = language_model(run)
    config = trainer_config(
        SFTConfig,
        run,
        max_steps=run.sizes["steps"],
        per_device_train_batch_size=run.sizes["batch_size"],
        learning_rate=run.sizes["learning_rate"],
        lr_scheduler_type="cosine",
        warmup_steps=0.1,
        max_length=run.sizes["max_length"],
    )
    return supervised_fine_tune(model, tokenizer, examples, config, lora_config(run)), tokenizer


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
    for key in ("correct", "tone", "hallucination", "joint"):
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


# --- a document that changes ----------------------------------------------------------------------


def changed_prices(language: str) -> list[tuple[dict, Document, str]]:
    """For each product with a question about its price: the question, its page with another price, that price."""
    pages = {page.id: page for page in shipped_documents(language)}
    prices = {
        planted.written("price", product["price"], language): product["price"]
        for product in planted.table()["product"]
    }
    found = []
    for split in ("validation", "test"):
        for row in questions(language, split, answerable=True):
            if row["answer"] not in prices or row["document"] not in pages:
                continue
            page = pages[row["document"]]
            new = planted.written("price", prices[row["answer"]] + 1_300, language)
            if row["answer"] in page.text:
                changed = replace(page, text=page.text.replace(row["answer"], new))
                found.append((row | {"answer": new}, changed, new))
    return found
