"""Lab 04: what a model answers to the held-out questions, and one number a question."""

import importlib
from dataclasses import dataclass

import numpy as np

from lab_helpers.evaluation.replies import facts_right, numbers
from lab_helpers.evaluation.significance import difference_metrics
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.models.generation import Replies, generate, make_conversation
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.seeds import seed_everything

REPLY_TOKENS = 72
DRAWS = 3


@dataclass
class ScoredReplies:
    """Replies to the held-out questions, and one number a question: tone, and the right number.

    ``facts`` has an item only for a question that asks for a number, ``tone_where_asked`` the tone of
    these same questions.
    """

    replies: Replies
    tone: np.ndarray
    facts: np.ndarray
    tone_where_asked: np.ndarray


def asks_number(row: dict) -> bool:
    """Whether the right answer of ``row`` is a fact of the company with a number in it."""
    return bool(row["fact"]) and bool(numbers(row["answer"]))


def measure_replies(model, tokenizer, rows: list[dict], language: str, **options) -> ScoredReplies:
    """The model's answers to the questions of ``rows``, scored; ``options`` as for ``generate``."""
    conversations = [make_conversation(row["question"]) for row in rows]
    replies = generate(model, tokenizer, conversations, max_new_tokens=REPLY_TOKENS, **options)
    tone = tone_compliance(replies.texts, language)
    return ScoredReplies(
        replies,
        tone=tone,
        facts=facts_right(rows, replies.texts),
        tone_where_asked=tone[[asks_number(row) for row in rows]],
    )


def measure_sampled_tone(model, tokenizer, rows: list[dict], language: str, seed: int):
    """Each question's share of three replies in tone, drawn at temperature 1; and the first replies."""
    seed_everything(seed)
    drawn = measure_replies(
        model, tokenizer, rows * DRAWS, language, do_sample=True, temperature=1.0, top_k=0
    )
    return drawn.tone.reshape(DRAWS, len(rows)).mean(axis=0), drawn.replies.texts[: len(rows)]


def tone_and_fact_metrics(outcome: ScoredReplies, name: str) -> dict:
    """``tone_compliance_NAME`` and ``new_fact_accuracy_NAME`` with their intervals."""
    return interval_metrics(f"tone_compliance_{name}", outcome.tone) | interval_metrics(
        f"new_fact_accuracy_{name}", outcome.facts
    )


def base_metrics(outcome: ScoredReplies, suffix: str = "") -> dict:
    """The tone before any training."""
    return interval_metrics(f"tone_compliance_base{suffix}", outcome.tone)


def main_metrics(outcome: ScoredReplies) -> dict:
    """The headline of the training on the largest number of rows; format against facts, paired."""
    return (
        interval_metrics("tone_compliance_sft", outcome.tone)
        | tone_and_fact_metrics(outcome, "n1000")
        | difference_metrics("format_minus_fact", outcome.tone_where_asked, outcome.facts)
    )


def curve_row(n: int, outcome: ScoredReplies) -> dict:
    """A point of the curve over the number of rows."""
    return {"n": n, "tone": float(outcome.tone.mean()), "facts": float(outcome.facts.mean())}


def dirt_metrics(few: np.ndarray, many: np.ndarray) -> dict:
    """Drawn replies in tone, a share a question: few clean rows, many dirty ones, their paired difference."""
    return (
        interval_metrics("score_clean_few", few)
        | interval_metrics("score_dirty_many", many)
        | difference_metrics("score_clean_minus_dirty", few, many)
    )


def template_metrics(outcomes: dict[str, ScoredReplies]) -> dict:
    """Drill 3: tone in the template of the training, and in the others."""
    found: dict = {}
    for name, outcome in outcomes.items():
        found |= interval_metrics(f"tone_template_{name}", outcome.tone)
    return found


def import_metrics() -> dict[str, int]:
    """Claim 20 as an import test: 1 where ``SFTTrainer`` can be imported from."""
    return {
        f"sft_trainer_in_{name}": int(hasattr(importlib.import_module(name), "SFTTrainer"))
        for name in ("transformers", "trl")
    }
