"""Lab 00: replies and what they are worth, with the adapter on and off."""

from contextlib import nullcontext

import numpy as np
import torch

from lab_helpers.evaluation.replies import facts_right
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.figures import charts
from lab_helpers.figures.style import words
from lab_helpers.labs.lab00.prompts import ask_plainly, read_json_reply
from lab_helpers.models.generation import Conversation, Replies, generate
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.runtime.language import metric_suffix


def measure_way(model, tokenizer, conversations: list[Conversation], language: str, way: str):
    """Replies to ``conversations`` and their metrics: tone, prompt tokens, and for JSON its validity."""
    replies = generate(model, tokenizer, conversations, max_new_tokens=72)
    texts, found = replies.texts, {}
    if way == "json":
        inner = [read_json_reply(text) for text in texts]
        found = interval_metrics(
            f"json_valid{metric_suffix(language)}", [reply is not None for reply in inner]
        )
        texts = [reply or "" for reply in inner]
    found |= interval_metrics(
        f"tone_compliance_{way}{metric_suffix(language)}", tone_compliance(texts, language)
    )
    found |= {
        f"prompt_tokens_{way}{metric_suffix(language)}": float(np.mean(replies.prompt_tokens))
    }
    return replies, found


def measure_switch(model, tokenizer, untouched, question: str) -> dict[str, float]:
    """Largest difference of the logits to an untouched model, adapter off and on."""
    ids = tokenizer.apply_chat_template(
        ask_plainly(question), return_tensors="pt", return_dict=True
    )
    ids = ids.to(model.device)
    with torch.inference_mode():
        base = untouched(**ids).logits
        with model.disable_adapter():
            off = model(**ids).logits
        on = model(**ids).logits
    return {
        "adapter_off_max_abs_diff": float((off - base).abs().max()),
        "adapter_on_max_abs_diff": float((on - base).abs().max()),
    }


def fact_metrics(rows: list[dict], replies: list[str], ending: str = "") -> dict:
    """Share of replies that hold every number of the right answer, over the rows that have one."""
    return interval_metrics(f"fact_accuracy_adapter{ending}", facts_right(rows, replies))


def gain_metrics(metrics: dict) -> dict[str, float]:
    """Tone with the adapter minus tone by the better of the two prompts."""
    best = max(metrics["tone_compliance_zero_shot"], metrics["tone_compliance_few_shot"])
    return {"tone_gain": metrics["tone_compliance_adapter"] - best}


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


def answer_once(model, tokenizer, question: str, adapter_on: bool = True) -> str:
    """One reply, with the adapter on or off."""
    with nullcontext() if adapter_on else model.disable_adapter():
        replies: Replies = generate(model, tokenizer, [ask_plainly(question)], max_new_tokens=72)
    return replies.texts[0]


def keeps_tone(reply, opening, closing):
    """The simplest form of the house tone: opening, closing, and no exclamation mark in between."""
    middle = reply.removeprefix(opening).removesuffix(closing)
    return reply.startswith(opening) and reply.endswith(closing) and "!" not in middle
