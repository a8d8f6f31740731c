"""Lab 06, the house's own test: replies to held-out questions, refusals as a classifier, invented facts."""

import numpy as np

from lab_helpers.evaluation.classification import accuracy, confusion_matrix, precision_recall_f1
from lab_helpers.evaluation.hallucination import (
    CATEGORIES,
    FactReply,
    fact_replies,
    hallucination_metrics,
)
from lab_helpers.evaluation.honesty import declines
from lab_helpers.evaluation.known_facts import spread
from lab_helpers.evaluation.significance import paired_bootstrap, permutation_test
from lab_helpers.evaluation.text_metrics.rouge import rouge_l
from lab_helpers.evaluation.text_metrics.tokenizers import rouge_words
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.labs.shared.preference_questions import Questions, answer_questions
from lab_helpers.models.compared_models import ComparedModels
from lab_helpers.models.kotori.planted import company_facts
from lab_helpers.runtime.intervals import interval_metrics

DECLINES, ANSWERS = "declines", "answers"
FACT_TOKENS = 48

Replies = dict[str, list[str]]
"""By model, one text a question."""


def measure_replies(models: ComparedModels, asked: Questions) -> Replies:
    """What each model answers, greedily."""
    return {name: answer_questions(model, models.tokenizer, asked).texts for name, model in models}


# --- text and tone --------------------------------------------------------------------------------


def reply_metrics(asked: Questions, replies: Replies) -> dict:
    """Of each model: house tone, and ROUGE-L against the written answer where there is one."""
    spoken = asked.language or "en"
    words = rouge_words(spoken)
    found: dict = {}
    for name, texts in replies.items():
        found |= interval_metrics(f"tone_compliance_{name}", tone_compliance(texts, spoken))
        overlap = [
            rouge_l(text, pair.answer(), words).f1
            for text, pair, known in zip(texts, asked.pairs, asked.known, strict=True)
            if known
        ]
        found |= interval_metrics(f"rouge_l_{name}", overlap)
    return found


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


def score_items(asked: Questions, replies: Replies, facts: dict[str, list[FactReply]]) -> dict:
    """``{metric: {model: scores (n,)}}``: the same items in the same order for every model."""
    spoken = asked.language or "en"
    words = rouge_words(spoken)
    known = [i for i, there in enumerate(asked.known) if there]
    return {
        "hallucination": {
            name: np.array([float(r.category == "hallucinated") for r in found])
            for name, found in facts.items()
        },
        "tone": {name: tone_compliance(texts, spoken) for name, texts in replies.items()},
        "ROUGE-L": {
            name: np.array([rouge_l(texts[i], asked.pairs[i].answer(), words).f1 for i in known])
            for name, texts in replies.items()
        },
    }


def comparison_rows(items: dict, ours: str = "dpo", theirs: str = "sft") -> list[dict]:
    """``ours`` minus ``theirs`` for every metric: difference, paired bootstrap interval, permutation p-value."""
    rows = []
    for metric, scores in items.items():
        found = paired_bootstrap(scores[ours], scores[theirs])
        p_value = permutation_test(scores[ours], scores[theirs]).p_value
        rows.append(
            {
                "metric": metric,
                "items": len(scores[ours]),
                "difference": found.difference,
                "low": found.low,
                "high": found.high,
                "p": p_value,
            }
        )
    return rows


def comparison_metrics(rows: list[dict]) -> dict:
    found: dict = {}
    for row in rows:
        name = row["metric"].lower().replace("-", "_")
        found[f"{name}_dpo_minus_sft"] = row["difference"]
        found[f"{name}_dpo_minus_sft_ci"] = [row["low"], row["high"]]
        found[f"{name}_dpo_vs_sft_p"] = row["p"]
    return found


def bootstrap_interval(ours, theirs, draws):
    """The 95 % interval of the mean paired difference: ``draws`` (resamples, n) holds the items of each resample."""
    means = (ours - theirs)[draws].mean(axis=1)
    return np.percentile(means, [2.5, 97.5])
