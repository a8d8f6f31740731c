"""Lab 04: whether fine-tuning teaches facts, what that does to known ones, and what is forgotten."""

import numpy as np

from lab_helpers.data.shipped import load_shipped
from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.evaluation.known_facts import (
    Fact,
    chat_hits,
    chosen_right,
    known,
    plain_hits,
    said,
    spread,
)
from lab_helpers.evaluation.replies import facts_right, numbers
from lab_helpers.evaluation.significance import difference_metrics
from lab_helpers.models.generation import generate, make_conversation
from lab_helpers.models.kotori import planted
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.tuning.sft import prompt_completion
from lab_helpers.tuning.trainers import Tuned

FACT_TOKENS = 24


# --- new facts, and what they do to the old ones --------------------------------------------------


def new_facts(language: str, asked: list[dict], most: int) -> list[Fact]:
    """Facts of the company as questions and answers, those first that rows of ``asked`` ask for too.

    No text that the model has read mentions them.
    """
    wanted = {row["fact"] for row in asked}
    every = sorted(planted.company_facts(language), key=lambda fact: fact.key not in wanted)
    return [(fact.question, fact.answer) for fact in every][:most]


def old_facts(language: str, count: int) -> list[Fact]:
    """As many facts that the model has read; none of them is a probe."""
    return spread(known(language, "train"), count)


def select_probes(language: str, count: int) -> list[Fact]:
    """Known facts that no arm of this lab trains on."""
    return spread(known(language, "probe"), count)


def fact_examples(facts: list[Fact]) -> list[dict]:
    """Short questions with short answers, without any house tone: knowledge and nothing else."""
    return prompt_completion([{"question": q, "answer": a} for q, a in facts])


def asked_otherwise(rows: list[dict], facts: list[Fact], language: str) -> list[dict]:
    """The hand-written ``rows`` that ask for a number among ``facts``, in other words."""
    taught = set(facts)
    keys = {
        fact.key
        for fact in planted.company_facts(language)
        if (fact.question, fact.answer) in taught
    }
    return [row for row in rows if row["fact"] in keys and numbers(row["answer"])]


def measure_facts(model, tokenizer, facts: list[Fact], otherwise: list[dict], probes: list[Fact]):
    """One number an item: ``facts`` in the training's wording and ``otherwise``, and the known ``probes``."""
    replies = generate(
        model,
        tokenizer,
        [make_conversation(row["question"]) for row in otherwise],
        max_new_tokens=FACT_TOKENS,
    )
    return {
        "trained": chat_hits(model, tokenizer, facts),
        "otherwise": facts_right(otherwise, replies.texts),
        "probes": said(model, tokenizer, probes),
    }


def measure_movement(model) -> float:
    """‖ΔW‖ / ‖W‖ over all matrices that the adapter of ``model`` sits beside (Frobenius)."""
    moved = stood = 0.0
    for module in model.modules():
        if "default" in getattr(module, "lora_A", {}):
            moved += float(module.get_delta_weight("default").detach().float().square().sum())
            stood += float(module.base_layer.weight.detach().float().square().sum())
    return (moved / stood) ** 0.5 if stood else 0.0


def fact_row(name: str, passes: int, found: dict, moved: float) -> dict:
    """A row of the table: what was learned in which wording, and what it cost."""
    return {
        "taught": name,
        "passes": passes,
        "training wording": float(found["trained"].mean()),
        "other words": float(found["otherwise"].mean()),
        "error on known facts": float(1 - found["probes"].mean()),
        "weights moved": moved,
    }


def wording_metrics(name: str, found: dict) -> dict:
    """Facts of an arm in the training's wording and in other words, with intervals."""
    return interval_metrics(f"facts_trained_{name}", found["trained"]) | interval_metrics(
        f"facts_otherwise_{name}", found["otherwise"]
    )


def closest_arm(movements: dict, to: float):
    """The arm whose weights have moved most nearly as far as ``to``, by the ratio of the two."""
    return min(movements, key=lambda name: abs(np.log(max(movements[name], 1e-9) / max(to, 1e-9))))


def teaching_metrics(before: np.ndarray, unknown: np.ndarray, control: np.ndarray) -> dict:
    """Errors on the same probes before, after new facts and after the matched control; paired differences."""
    return (
        interval_metrics("known_fact_error_before", 1 - before)
        | interval_metrics("known_fact_error_after_unknown", 1 - unknown)
        | interval_metrics("known_fact_error_after_known", 1 - control)
        | difference_metrics("known_fact_error_rise", 1 - unknown, 1 - before)
        | difference_metrics("known_fact_error_unknown_minus_known", 1 - unknown, 1 - control)
    )


# --- forgetting -----------------------------------------------------------------------------------


def measure_old_skill(model, tokenizer, probes: list[Fact], language: str) -> np.ndarray:
    """1.0 for each probe answered right in the old world's own form, "Question: … Answer:"."""
    return plain_hits(model, tokenizer, probes, language)


def measure_knowledge(model, tokenizer, language: str, facts: int) -> np.ndarray:
    """1.0 for each fact whose right answer is likelier than three wrong ones: known, said or not."""
    return chosen_right(model, tokenizer, language, facts)


def validation_rows(language: str) -> list[dict]:
    """The hand-written rows that choose settings; nothing is reported on them."""
    return load_shipped("support", language, "validation")


def measure_rate(
    tuned: Tuned, tokenizer, validation: list[dict], probes: list[Fact], language: str
) -> dict:
    """Of one training: the loss on the validation rows, and which probes of the old skill are left."""
    return {
        "validation loss": answer_loss(tuned.model, tokenizer, prompt_completion(validation)),
        "old skill": measure_old_skill(tuned.model, tokenizer, probes, language),
        "stopped": tuned.stopped,
    }


def choose_rates(arms):
    """The learning rate of each method with the lowest validation loss: ``{method: rate}``."""
    best = {}
    for arm in arms:
        found = best.get(arm["method"])
        if found is None or arm["validation loss"] < found["validation loss"]:
            best[arm["method"]] = arm
    return {method: arm["learning rate"] for method, arm in best.items()}


def find_arm(arms: list[dict], method: str, rate: float) -> dict:
    """The arm of ``method`` at ``rate``."""
    return next(a for a in arms if a["method"] == method and a["learning rate"] == rate)


def forgetting_metrics(arms: list[dict], rates: dict[str, float], before: np.ndarray) -> dict:
    """Old skill lost at each method's chosen rate and at LoRA's highest; paired differences on the probes."""
    found = interval_metrics("old_skill_before", before)
    chosen = {method: find_arm(arms, method, rate)["old skill"] for method, rate in rates.items()}
    for method, rate in rates.items():
        found |= difference_metrics(f"forgetting_{method}", before, chosen[method])
        found[f"chosen_rate_{method}"] = rate
    lora = [a for a in arms if a["method"] == "lora"]
    high = max(lora, key=lambda arm: arm["learning rate"])["old skill"]
    found |= difference_metrics("forgetting_lora_high_lr", before, high)
    found |= difference_metrics("forgetting_lora_rate_effect", chosen["lora"], high)
    if "full" in chosen:
        found |= difference_metrics("forgetting_full_minus_lora", chosen["lora"], chosen["full"])
    return found
