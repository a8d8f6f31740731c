"""Lab 03's two measures, taken of every model alike: what was trained, and what the base could do before."""

import numpy as np

from lab_helpers.evaluation import significance
from lab_helpers.evaluation.answer_loss import answer_losses
from lab_helpers.models.kotori.skills import perplexity

OLD_SKILL = "stories"


def story_perplexity(model, tokenizer, language: str) -> float:
    """Perplexity on held-out stories of ``language``: the fluency that no adapter of this lab trains."""
    return perplexity(model, tokenizer, language, OLD_SKILL)


def reply_losses(model, tokenizer, rows: list[dict]) -> np.ndarray:
    """The mean loss on the answer of each row, shape (n,): paired, so that two models can be compared."""
    return answer_losses(model, tokenizer, rows)


def measure_both(name: str, model, tokenizer, rows: list[dict], language: str) -> dict:
    """One line of the lab's table: story perplexity and mean loss on the answers of ``rows``."""
    return {
        "model": name,
        "story perplexity": story_perplexity(model, tokenizer, language),
        "reply loss": float(reply_losses(model, tokenizer, rows).mean()),
    }


def difference_metrics(name: str, ours: list[np.ndarray], theirs: list[np.ndarray]) -> dict:
    """The mean paired difference over the rows as metrics, each row's mean over the seeds taken first.

    The interval speaks of other rows, with the seeds as they are.
    """
    return significance.difference_metrics(name, np.mean(ours, axis=0), np.mean(theirs, axis=0))
