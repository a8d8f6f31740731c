"""Lab 04: what a model answers to the held-out questions, and one number a question."""

import importlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.evaluation.known_facts import Fact, known, plain_hits, said, spread
from lab_helpers.evaluation.replies import facts_right, usable
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.models.adapters import load_adapter, save_adapter
from lab_helpers.models.generation import Replies, generate, make_conversation
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import metric_suffix
from lab_helpers.runtime.seeds import seed_everything
from lab_helpers.tuning.sft import prompt_completion

REPLY_TOKENS = 72


@dataclass
class ScoredReplies:
    """Replies to the held-out questions, and one number a question: tone, right fact, usable."""

    replies: Replies
    tone: np.ndarray
    facts: np.ndarray
    usable: np.ndarray


def measure_replies(
    model, tokenizer, rows: list[dict], language: str = "en", **options
) -> ScoredReplies:
    """The model's answers to the questions of ``rows``, scored; ``options`` as for ``generate``."""
    conversations = [make_conversation(row["question"]) for row in rows]
    replies = generate(model, tokenizer, conversations, max_new_tokens=REPLY_TOKENS, **options)
    return ScoredReplies(
        replies,
        tone_compliance(replies.texts, language),
        facts_right(rows, replies.texts),
        usable(rows, replies.texts, language),
    )


def measure_sampled_replies(model, tokenizer, rows: list[dict], seed: int) -> ScoredReplies:
    """Three answers to each question, drawn as a chat draws them at temperature 1; seeded."""
    seed_everything(seed)
    return measure_replies(model, tokenizer, rows * 3, do_sample=True, temperature=1.0, top_k=0)


def tone_and_fact_metrics(outcome: ScoredReplies, name: str) -> dict:
    """``tone_compliance_NAME`` and ``new_fact_accuracy_NAME`` with their intervals."""
    return interval_metrics(f"tone_compliance_{name}", outcome.tone) | interval_metrics(
        f"new_fact_accuracy_{name}", outcome.facts
    )


def select_probes(count: int) -> list[Fact]:
    """Known English facts that no arm of this lab trains on."""
    return spread(known("en", "probe"), count)


def measure_old_skill(model, tokenizer, probes: int) -> np.ndarray:
    """1.0 for each of so many probes answered right in the old world's own form."""
    return plain_hits(model, tokenizer, select_probes(probes), "en")


def measure_chat_skill(model, tokenizer, probes: int) -> np.ndarray:
    """1.0 for each of so many probes whose answer stands in the reply in a chat."""
    return said(model, tokenizer, select_probes(probes))


def base_metrics(outcome: ScoredReplies, language: str = "en") -> dict:
    """The tone before any training."""
    return interval_metrics(f"tone_compliance_base{metric_suffix(language)}", outcome.tone)


def main_metrics(outcome: ScoredReplies) -> dict:
    """The headline of the training on the largest number of rows."""
    return interval_metrics("tone_compliance_sft", outcome.tone) | tone_and_fact_metrics(
        outcome, "n1000"
    )


def curve_row(n: int, outcome: ScoredReplies) -> dict:
    """A point of the curve over the number of rows."""
    return {"n": n, "tone": float(outcome.tone.mean()), "facts": float(outcome.facts.mean())}


def measure_saved_adapter(base, tokenizer, model, folder: Path, test: list[dict]) -> dict:
    """Bytes on disk, and how far the replies' losses of the loaded adapter are from the saved one's.

    ``model`` is saved in ``folder`` and loaded again on ``base``, a fresh copy of its own.
    """
    size = save_adapter(model, folder)
    loaded = load_adapter(base, folder)
    few = prompt_completion(test[:8])
    gap = abs(answer_loss(loaded, tokenizer, few) - answer_loss(model, tokenizer, few))
    return {"adapter_bytes": size, "reload_loss_gap": gap}


def dirt_metrics(few: ScoredReplies, many: ScoredReplies) -> dict:
    """Share of replies one could send as they are: tone, and the right number where one was asked for."""
    return {
        **interval_metrics("score_clean_few", few.usable),
        **interval_metrics("score_dirty_many", many.usable),
        "score_clean_minus_dirty": float(few.usable.mean() - many.usable.mean()),
    }


def sampled_metrics(few: ScoredReplies, many: ScoredReplies) -> dict:
    """The tone of replies that are drawn, where the likeliest reply hides what else was learned."""
    return interval_metrics("tone_sampled_clean", few.tone) | interval_metrics(
        "tone_sampled_dirty", many.tone
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
