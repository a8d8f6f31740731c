"""Lab 04: what fine-tuning does to what the model knew, and whether it can be taught new facts."""

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.evaluation.answer_loss import answer_loss
from lab_helpers.evaluation.known_facts import chat_hits, chosen_right, known, spread, unknown
from lab_helpers.evaluation.replies import says
from lab_helpers.evaluation.tone import tone_compliance
from lab_helpers.labs.lab04.scoring import (
    measure_chat_skill,
    measure_old_skill,
    measure_replies,
    select_probes,
)
from lab_helpers.labs.lab04.training import train_on_rows
from lab_helpers.models.generation import generate, make_conversation
from lab_helpers.runtime.intervals import interval_metrics
from lab_helpers.tuning.sft import prompt_completion
from lab_helpers.tuning.trainers import Tuned

# --- new facts, and what they do to the old ones --------------------------------------------------


def fact_rows(facts: list[tuple[str, str]]) -> list[dict]:
    """Questions with their short answers, without any house tone: knowledge and nothing else."""
    return [{"question": question, "answer": answer} for question, answer in facts]


def select_fact_sets(language: str = "en") -> dict[str, list[tuple[str, str]]]:
    """As many facts that the model has read as facts that it has never read."""
    new = unknown(language)
    return {"known": spread(known(language, "train"), len(new)), "unknown": new}


def train_on_facts(run: Run, facts: list[tuple[str, str]]) -> dict[str, np.ndarray]:
    """A model trained on ``facts``: which of them it answers, and which probes it still answers."""
    tuned, tokenizer = train_on_rows(
        run,
        fact_rows(facts),
        run.settings["fact_steps"],
        per_device_train_batch_size=2 * run.settings["batch_size"],
    )
    return {
        "learned": chat_hits(tuned.model, tokenizer, facts),
        "probes": measure_chat_skill(tuned.model, tokenizer, run.settings["probes"]),
    }


def teaching_metrics(before: np.ndarray, after: dict[str, dict[str, np.ndarray]]) -> dict:
    """Errors on the probes before, after known facts and after unknown ones; what was learned."""
    found = interval_metrics("known_fact_error_before", 1 - before)
    for name, arm in after.items():
        found |= interval_metrics(f"known_fact_error_after_{name}", 1 - arm["probes"])
        found |= interval_metrics(f"{name}_facts_learned", arm["learned"])
    unknown_error = found["known_fact_error_after_unknown"]
    return found | {
        "known_fact_error_rise": unknown_error - found["known_fact_error_before"],
        "known_fact_error_unknown_minus_known": unknown_error
        - found["known_fact_error_after_known"],
    }


# --- format × fact --------------------------------------------------------------------------------


def measure_format_and_fact(model, tokenizer, new_rows: list[dict], probes: int) -> list[dict]:
    """The 2 × 2 of claim 19: questions whose answer was read in pre-training, and the company's.

    A row a kind: share of replies in the new format, share that hold the right answer.
    """
    old = select_probes(probes)[: len(new_rows)]
    replies = generate(
        model, tokenizer, [make_conversation(question) for question, _ in old], 72
    ).texts
    outcome = measure_replies(model, tokenizer, new_rows)
    return [
        {
            "fact": "known before",
            "format": float(tone_compliance(replies, "en").mean()),
            "right": float(np.mean([says(a, r) for (_, a), r in zip(old, replies, strict=True)])),
        },
        {
            "fact": "new",
            "format": float(outcome.tone.mean()),
            "right": float(outcome.facts.mean()),
        },
    ]


# --- forgetting -----------------------------------------------------------------------------------


def train_forgetting_arm(
    run: Run, rows: list[dict], test: list[dict], method: str, rate: float
) -> dict:
    """One training at one rate: what it learned (tone, held-out loss) and what is left of the old skill."""
    adapter = "lora" if method == "lora" else None
    tuned, tokenizer = train_on_rows(
        run, rows, run.settings["arm_steps"], adapter=adapter, learning_rate=rate
    )
    sizes = run.settings["probes"], run.settings["choices"]
    return {"method": method, "learning_rate": rate} | measure_forgetting(
        tuned, tokenizer, test, *sizes
    )


def measure_forgetting(
    tuned: Tuned, tokenizer, test: list[dict], probes: int, choices: int
) -> dict:
    """Of a training that is done: tone and loss on ``test``, the old skill on so many ``probes`` and known ``choices``."""
    return {
        "tone": float(measure_replies(tuned.model, tokenizer, test).tone.mean()),
        "answer_loss": answer_loss(tuned.model, tokenizer, prompt_completion(test)),
        "old_skill": float(measure_old_skill(tuned.model, tokenizer, probes).mean()),
        "knowledge": float(measure_knowledge(tuned.model, tokenizer, choices).mean()),
        "stopped": tuned.stopped,
    }


def measure_knowledge(model, tokenizer, facts: int) -> np.ndarray:
    """For each of so many facts 1.0 where the right answer is likelier than three wrong ones: known, said or not."""
    return chosen_right(model, tokenizer, "en", facts)


def choose_kept_arm(rows: list[dict], method: str, target: float) -> dict:
    """Of the arms whose tone reaches ``target`` the one that forgot least; if none does, the best tone.

    Methods are compared at the same new skill: whoever learns nothing forgets nothing.
    """
    arms = [row for row in rows if row["method"] == method]
    good = [row for row in arms if row["tone"] >= target]
    return max(good, key=lambda r: r["old_skill"]) if good else max(arms, key=lambda r: r["tone"])


def forgetting_metrics(rows: list[dict], before: float, knew: float, target: float) -> dict:
    """Old skill lost by each method's :func:`choose_kept_arm`, by LoRA's highest rate, and the knowledge lost.

    A method without arms (full fine-tuning where memory does not allow it) has no metrics.
    """
    found = {"old_skill_before": before, "knowledge_before": knew}
    for method in dict.fromkeys(row["method"] for row in rows):
        kept = choose_kept_arm(rows, method, target)
        found |= {
            f"forgetting_{method}": before - kept["old_skill"],
            f"knowledge_lost_{method}": knew - kept["knowledge"],
            f"kept_rate_{method}": kept["learning_rate"],
            f"tone_at_kept_rate_{method}": kept["tone"],
        }
    highest = max((r for r in rows if r["method"] == "lora"), key=lambda r: r["learning_rate"])
    found["forgetting_lora_high_lr"] = before - highest["old_skill"]
    found["forgetting_lora_rate_effect"] = (
        found["forgetting_lora_high_lr"] - found["forgetting_lora"]
    )
    if "forgetting_full" in found:
        found["forgetting_full_minus_lora"] = found["forgetting_full"] - found["forgetting_lora"]
    return found


def grid_metrics(grid: list[dict]) -> dict[str, float]:
    """Claim 19: the new format against the new facts, after one and the same training."""
    old, new = grid
    return {
        "new_format_score": new["format"],
        "new_fact_score": new["right"],
        "format_minus_fact": new["format"] - new["right"],
        "format_on_known_facts": old["format"],
        "known_fact_in_new_format": old["right"],
    }


def wrong_rate_metrics(arms: list[dict]) -> dict[str, float]:
    """Drill 6: LoRA at the rate of full fine-tuning, at its own, and far above."""
    tone = {row["learning_rate"]: row["tone"] for row in arms if row["method"] == "lora"}
    low, *_, high = sorted(tone)
    return {
        "tone_lora_full_rate": tone[low],
        "tone_lora_own_rate": max(tone.values()),
        "tone_lora_high_rate": tone[high],
    }


def list_other_rates(settings: dict) -> list[tuple[str, float]]:
    """Methods and rates without LoRA at its usual one, which the 100 clean rows have had already."""
    every = [(method, rate) for method in ("full", "lora") for rate in settings[f"{method}_rates"]]
    return [arm for arm in every if arm != ("lora", settings["learning_rate"])]
