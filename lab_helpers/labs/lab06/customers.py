"""Lab 06, the house's own test: replies to held-out questions, refusals as a classifier, invented facts."""

import numpy as np

from lab_helpers.evaluation.classification import accuracy, confusion_matrix, precision_recall_f1
from lab_helpers.evaluation.flips import Answered, Flips, find_flips
from lab_helpers.evaluation.hallucination import (
    CATEGORIES,
    FactReply,
    fact_replies,
    hallucination_metrics,
)
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.known_facts import spread
from lab_helpers.evaluation.significance import paired_interval, permutation_test
from lab_helpers.evaluation.text_metrics.rouge import rouge_l
from lab_helpers.evaluation.text_metrics.tokenizers import rouge_words
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.labs.shared.preference_questions import Questions, answer_questions
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.models.kotori.planted import company_facts
from lab_helpers.runtime.intervals import interval_metrics

DECLINES, ANSWERS = "declines", "answers"
DECLINING = "right to decline"
FACT_TOKENS = 48
RESAMPLES = 2000

Replies = dict[str, list[str]]
"""By model, one text a question."""


def measure_replies(models: ComparedModels, asked: Questions) -> Replies:
    """What each model answers, greedily."""
    return {name: answer_questions(model, models.tokenizer, asked).texts for name, model in models}


# --- text and tone --------------------------------------------------------------------------------


def reply_metrics(asked: Questions, replies: Replies, overlap=rouge_l) -> dict:
    """Of each model: house tone, and ROUGE-L against the written answer where there is one.

    ``overlap`` gives precision, recall and F1 of two texts: the library's ROUGE-L, or a learner's.
    """
    spoken = asked.language or "en"
    found: dict = {}
    for name, texts in replies.items():
        found |= interval_metrics(f"tone_compliance_{name}", tone_compliance(texts, spoken))
        found |= interval_metrics(f"rouge_l_{name}", _overlaps(asked, texts, overlap))
    return found


def _overlaps(asked: Questions, texts: list[str], overlap) -> np.ndarray:
    """F1 of each reply against the written answer, where there is one."""
    words = rouge_words(asked.language or "en")
    return np.array(
        [
            overlap(text, pair.answer(), words)[2]
            for text, pair, known in zip(texts, asked.pairs, asked.known, strict=True)
            if known
        ]
    )


def reply_rows(asked: Questions, replies: Replies, count: int = 3) -> list[dict]:
    """Questions with every model's reply, for reading: first with an answer, then without."""
    places = [i for i, known in enumerate(asked.known) if known][:count]
    places += [i for i, known in enumerate(asked.known) if not known][:count]
    return [
        {"question": asked.texts[i], "answer": "known" if asked.known[i] else "unknown"}
        | {name: texts[i] for name, texts in replies.items()}
        for i in places
    ]


# --- declining as a classifier --------------------------------------------------------------------


def read_decisions(asked: Questions, replies: Replies) -> tuple[list[str], dict[str, list[str]]]:
    """What would be right for each question, and what each model did: :data:`DECLINES` or :data:`ANSWERS`."""
    right = [ANSWERS if known else DECLINES for known in asked.known]
    spoken = asked.language or "en"
    done = {
        name: [DECLINES if said_no else ANSWERS for said_no in declines(texts, spoken)]
        for name, texts in replies.items()
    }
    return right, done


def decision_rows(right: list[str], done: dict[str, list[str]]) -> list[dict]:
    """Accuracy of each model, and precision, recall and F1 of "declines"; a model that never declines first."""
    rows = []
    for name, said in {"always answers": [ANSWERS] * len(right), **done}.items():
        by_label = {row["label"]: row for row in precision_recall_f1(said, right, average=None)}
        row = {"model": name, "accuracy": accuracy(said, right)}
        rows.append(row | {k: by_label[DECLINES][k] for k in ("precision", "recall", "f1")})
    return rows


def decision_metrics(right: list[str], done: dict[str, list[str]]) -> dict[str, float]:
    rows = {row["model"]: row for row in decision_rows(right, done)}
    found = {"decline_accuracy_always_answers": rows["always answers"]["accuracy"]}
    for name in done:
        found[f"decline_accuracy_{name}"] = rows[name]["accuracy"]
        for key in ("precision", "recall", "f1"):
            found[f"decline_{key}_{name}"] = rows[name][key]
    return found


def count_decisions(right: list[str], done: dict[str, list[str]]) -> dict[str, np.ndarray]:
    """Of each model a confusion matrix (2, 2): rows what would be right, columns what it did."""
    return {name: confusion_matrix(said, right, [ANSWERS, DECLINES]) for name, said in done.items()}


def answered_decisions(asked: Questions, replies: Replies) -> dict[str, list[Answered]]:
    """Of each model and question: is it right to decline, or to answer? What the answer says is not judged."""
    right, done = read_decisions(asked, replies)
    return {
        name: [
            Answered(question, wanted, text, decided == wanted)
            for question, wanted, text, decided in zip(asked.texts, right, replies[name], decisions, strict=True)
        ]
        for name, decisions in done.items()
    }  # fmt: skip


def find_decision_flips(asked: Questions, replies: Replies, before: str, after: str) -> Flips:
    """The questions on which two models decided differently, answer or decline, with both replies."""
    answered = answered_decisions(asked, replies)
    return find_flips(DECLINING, (before, after), answered[before], answered[after])


# --- hallucination --------------------------------------------------------------------------------


def measure_facts(models: ComparedModels, spoken: str, count: int) -> dict[str, list[FactReply]]:
    """Every model asked for facts of the planted table, none of which it can know."""
    facts = spread(company_facts(spoken), count)
    return {
        name: fact_replies(model, models.tokenizer, spoken, facts, FACT_TOKENS)
        for name, model in models
    }


def fact_metrics(found: dict[str, list[FactReply]]) -> dict:
    """Hallucination, refusal, right and empty rates of every model, with intervals."""
    metrics: dict = {}
    for name, replies in found.items():
        metrics |= hallucination_metrics(replies, name)
    return metrics


def share_by_category(found: dict[str, list[FactReply]]) -> dict[str, dict[str, float]]:
    """Of each model the share of each category."""
    return {
        name: {kind: float(np.mean([r.category == kind for r in replies])) for kind in CATEGORIES}
        for name, replies in found.items()
    }


def fact_rows(found: dict[str, list[FactReply]], count: int = 4) -> list[dict]:
    """Facts with every model's reply and what it was counted as, spread over the table."""
    places = spread(list(range(len(next(iter(found.values()))))), count)
    return [
        {"question": r.fact.question, "table": r.fact.answer, "model": name, "reply": r.reply, "counted as": r.category}
        for i in places
        for name, r in ((name, replies[i]) for name, replies in found.items())
    ]  # fmt: skip


# --- is the difference more than chance? ----------------------------------------------------------


def score_items(
    asked: Questions, replies: Replies, facts: dict[str, list[FactReply]], overlap=rouge_l
) -> dict:
    """``{metric: {model: scores (n,)}}``: the same items in the same order for every model."""
    spoken = asked.language or "en"
    return {
        "hallucination": {
            name: np.array([float(r.category == "hallucinated") for r in found])
            for name, found in facts.items()
        },
        "tone": {name: tone_compliance(texts, spoken) for name, texts in replies.items()},
        DECLINING: {
            name: np.array([float(item.right) for item in answered])
            for name, answered in answered_decisions(asked, replies).items()
        },
        "ROUGE-L": {name: _overlaps(asked, texts, overlap) for name, texts in replies.items()},
    }


def comparison_rows(
    items: dict, ours: str = "dpo", theirs: str = "sft", interval=paired_interval
) -> list[dict]:
    """``ours`` minus ``theirs`` for every metric: difference, paired bootstrap interval, permutation p-value."""
    rows = []
    for metric, scores in items.items():
        a, b = scores[ours], scores[theirs]
        draws = np.random.default_rng(0).integers(0, len(a), (RESAMPLES, len(a)))
        low, high = (float(end) for end in interval(a, b, draws))
        row = {"metric": metric, "items": len(a), "difference": float((a - b).mean())}
        rows.append(row | {"low": low, "high": high, "p": permutation_test(a, b).p_value})
    return rows


def comparison_metrics(rows: list[dict]) -> dict:
    found: dict = {}
    for row in rows:
        name = row["metric"].lower().replace("-", "_").replace(" ", "_")
        found[f"{name}_dpo_minus_sft"] = row["difference"]
        found[f"{name}_dpo_minus_sft_ci"] = [row["low"], row["high"]]
        found[f"{name}_dpo_vs_sft_p"] = row["p"]
    return found
