"""Lab 00: replies and what they are worth."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.evaluation.replies import facts_right
from lab_helpers.evaluation.significance import difference_metrics
from lab_helpers.evaluation.tone import House, tone_compliance
from lab_helpers.figures import charts
from lab_helpers.figures.style import words
from lab_helpers.labs.lab00.prompts import read_json_reply
from lab_helpers.models.generation import Conversation, Replies, generate
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import metric_suffix


@dataclass(frozen=True)
class Way:
    """One way of asking: the replies, 1.0 or 0.0 for the tone of each, and the metrics."""

    replies: Replies
    tone: np.ndarray
    metrics: dict


def measure_way(
    model, tokenizer, conversations: list[Conversation], language: str, way: str
) -> Way:
    """Replies to ``conversations`` and their metrics: tone, prompt tokens, and for JSON its validity."""
    replies = generate(model, tokenizer, conversations, max_new_tokens=72)
    texts, found, ending = replies.texts, {}, metric_suffix(language)
    if way == "json":
        inner = [read_json_reply(text) for text in texts]
        found = interval_metrics(f"json_valid{ending}", [reply is not None for reply in inner])
        texts = [reply or "" for reply in inner]
    tone = tone_compliance(texts, language)
    found |= interval_metrics(f"tone_compliance_{way}{ending}", tone)
    found |= {f"prompt_tokens_{way}{ending}": float(np.mean(replies.prompt_tokens))}
    return Way(replies, tone, found)


def gain_metrics(adapter: Way, *prompts: Way) -> dict:
    """Tone with the adapter minus tone by the better of the prompts, on the same questions, paired."""
    best = max(prompts, key=lambda way: way.tone.mean())
    return difference_metrics("tone_gain", adapter.tone, best.tone)


def fact_metrics(rows: list[dict], replies: list[str], language: str | None = None) -> dict:
    """Share of replies that hold every number of the right answer, over the rows that have one."""
    name = f"fact_accuracy_adapter{metric_suffix(language)}"
    return interval_metrics(name, facts_right(rows, replies))


def remove_frame(text: str, house: House) -> str:
    """A reply without the house's opening and closing: what it says."""
    return text.strip().removeprefix(house.opening).removesuffix(house.closing).strip()


def comparison_figure(metrics: dict):
    """Tone compliance of every way to get it, with intervals."""
    names = [
        n
        for n in ("plain", "zero_shot", "few_shot", "adapter")
        if f"tone_compliance_{n}" in metrics
    ]
    values = {name.replace("_", "-"): metrics[f"tone_compliance_{name}"] for name in names}
    intervals = {name.replace("_", "-"): metrics[f"tone_compliance_{name}_ci"] for name in names}
    return charts.bars(values, intervals, ylabel=words("tone compliance", "口調の遵守率"))


def keeps_tone(reply, opening, closing):
    """The simplest form of the house tone: opening, closing, and no exclamation mark in between."""
    middle = reply.removeprefix(opening).removesuffix(closing)
    return reply.startswith(opening) and reply.endswith(closing) and "!" not in middle
