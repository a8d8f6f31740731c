"""Lab 05, likelihood displacement: alike and unlike pairs at one rate, compared where they moved as far."""

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import PairSet, least_alike, near_duplicates
from lab_helpers.labs.lab05.arms import Arm, train_arm
from lab_helpers.labs.shared.preference_models import load_start_model, remove_adapter
from lab_helpers.tuning.trainers import Tuned

WATCHED = 8  # of the pairs that are trained on: what is asked so often must be few


def list_displacement_arms(run: Run, pairs: PairSet, rate: float | None = None) -> list[Arm]:
    """Alike and unlike pairs at the main rate and at a faster one; alike ones with an SFT term as well."""
    count, fast = run.settings["alike_pairs"], run.settings["arm_learning_rate"]
    slow = rate or run.settings["learning_rate"]
    slow = slow if slow < fast else fast / 3
    kinds = {
        "alike": near_duplicates(pairs.train, count),
        "unlike": least_alike(pairs.train, count),
    }
    plain = [
        Arm(f"{kind}, {rate:g}", rows, {"learning_rate": rate})
        for rate in (slow, fast)
        for kind, rows in kinds.items()
    ]
    held = {"learning_rate": fast, "loss_type": ["sigmoid", "sft"]}
    return [*plain, Arm(f"alike, {fast:g}, with sft", kinds["alike"], held)]


def train_displacement_arms(run: Run, pairs: PairSet, arms: list[Arm]) -> dict[str, dict]:
    """Each arm's :func:`ratio_curves` on its first pairs, from before the first step to after the last."""
    model, tokenizer = load_start_model(run, pairs.language)
    curves = {}
    for arm in arms:
        tuned = train_arm(run, model, tokenizer, arm, watched=arm.pairs[:WATCHED])
        curves[arm.name] = ratio_curves(tuned, run.settings["beta"])
        model = remove_adapter(tuned)
    return curves


def ratio_curves(tuned: Tuned, beta: float) -> dict[str, list[float]]:
    """``steps``, and after each the mean log-ratio of the ``chosen`` and the ``rejected`` answers.

    All on the same pairs, those of the trainer's evaluation. It logs implicit rewards; divided by β they
    are the log-ratios, 0 before the first step.
    """
    chosen, rejected = (tuned.curve(f"eval_rewards/{side}") for side in ("chosen", "rejected"))
    return {
        "steps": [step for step, _ in chosen],
        "chosen": [value / beta for _, value in chosen],
        "rejected": [value / beta for _, value in rejected],
    }


def chosen_at_margin(curve: dict[str, list[float]], margin: float) -> float:
    """The chosen answers' log-ratio where the margin first reached ``margin``, between two steps a line."""
    margins = [a - b for a, b in zip(curve["chosen"], curve["rejected"], strict=True)]
    for i in range(1, len(margins)):
        if margins[i] >= margin > margins[i - 1]:
            share = (margin - margins[i - 1]) / (margins[i] - margins[i - 1])
            return curve["chosen"][i - 1] + share * (curve["chosen"][i] - curve["chosen"][i - 1])
    return curve["chosen"][int(np.argmax(margins))]


def displacement_rows(curves: dict[str, dict]) -> list[dict]:
    """A row an arm: where it ended, and its chosen answers where alike and unlike arms of a rate were level."""
    ends = {name: c["chosen"][-1] - c["rejected"][-1] for name, c in curves.items()}
    rows = []
    for name, curve in curves.items():
        kind, rate, *with_sft = name.split(", ")
        level = min(end for other, end in ends.items() if other.split(", ")[1:] == [rate])
        rows.append(
            {
                "pairs": kind,
                "learning rate": rate,
                "loss": "sigmoid + sft" if with_sft else "sigmoid",
                "chosen": curve["chosen"][-1],
                "rejected": curve["rejected"][-1],
                "margin": ends[name],
                "same margin": level,
                "chosen at the same margin": chosen_at_margin(curve, level),
            }
        )
    return rows


def displacement_metrics(rows: list[dict]) -> dict[str, float]:
    """Alike and unlike pairs at both rates, and alike ones with the SFT term."""
    slow_alike, slow_unlike, alike, unlike, held = rows
    level = "chosen at the same margin"
    return {
        "chosen_logp_change": alike["chosen"],
        "rejected_logp_change": alike["rejected"],
        "chosen_logp_change_unlike": unlike["chosen"],
        "chosen_logp_change_slow": slow_alike["chosen"],
        "chosen_logp_change_unlike_slow": slow_unlike["chosen"],
        "chosen_at_same_margin_alike": alike[level],
        "chosen_at_same_margin_unlike": unlike[level],
        "chosen_logp_change_mended": held["chosen"],
    }
