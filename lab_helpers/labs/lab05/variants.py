"""Lab 05, one short training an arm: β, IPO, robust, likelihood displacement, length."""

from dataclasses import dataclass

import numpy as np

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import (
    Pair,
    PairSet,
    flip,
    longest_chosen,
    near_duplicates,
    select_length_matched,
)
from lab_helpers.labs.shared.preference_models import (
    choose_max_length,
    load_start_model,
    make_dpo_config,
    make_lora_config,
    remove_adapter,
)
from lab_helpers.labs.shared.preference_questions import answer_questions, select_questions
from lab_helpers.models.generation import Replies
from lab_helpers.tuning.dpo import dpo_trainer
from lab_helpers.tuning.pairs import pair_logps
from lab_helpers.tuning.preference_losses import reward_accuracy
from lab_helpers.tuning.trainers import Tuned

LONG_REPLY = 160  # tokens: room to grow, and an end for replies that have none


@dataclass(frozen=True)
class Arm:
    """A name, the ``DPOConfig`` settings that set it apart, and its pairs."""

    name: str
    pairs: list[Pair]
    settings: dict


def training_rows(pairs: list[Pair]) -> list[dict]:
    """Pairs in TRL's form."""
    return [pair.row() for pair in pairs]


def train_arm(run: Run, model, tokenizer, arm: Arm) -> Tuned:
    """A new adapter on the SFT model, trained as the arm says. Take it off again with ``unload()``."""
    config = make_dpo_config(
        run,
        model,
        **{"per_device_train_batch_size": run.settings["arm_batch_size"]} | arm.settings,
    )
    trainer = dpo_trainer(model, tokenizer, training_rows(arm.pairs), config, make_lora_config())
    return run.train(trainer, diverged="return")


def measure_drift_on(run: Run, model, tokenizer, pairs: list[Pair]) -> dict[str, float]:
    """On pairs: implicit-reward accuracy, mean margin, and how far both answers' log-probabilities moved."""
    logps = pair_logps(model, tokenizer, training_rows(pairs), choose_max_length(run, model))
    return {
        "accuracy": float(reward_accuracy(*logps.sides)),
        "margin": float(logps.margin.mean()),
        "chosen": float(logps.chosen_ratio.mean()),
        "rejected": float(logps.rejected_ratio.mean()),
    }


# --- the family of losses -------------------------------------------------------------------------


def list_variant_arms(run: Run, pairs: PairSet) -> list[Arm]:
    """The same pairs under three β and IPO; and with a quarter of the labels wrong, DPO and robust DPO."""
    count, wrong = run.settings["arm_pairs"], run.settings["flipped"]
    good = pairs.train[:count]
    bad = flip(good, wrong, run.seed)
    betas = {f"beta {beta:g}": {"beta": beta} for beta in run.settings["betas"]}
    faster = {"learning_rate": run.settings["arm_learning_rate"]}
    robust = {"loss_type": ["robust"], "label_smoothing": wrong}
    return [
        *(Arm(name, good, faster | settings) for name, settings in betas.items()),
        Arm("ipo", good, faster | {"loss_type": ["ipo"]}),
        Arm("noisy sigmoid", bad, faster),
        Arm("noisy robust", bad, faster | robust),
    ]


def train_variants(run: Run, pairs: PairSet, arms: list[Arm]) -> list[dict]:
    """Each arm's first and last loss, and its held-out accuracy, margin and drift."""
    model, tokenizer = load_start_model(run, pairs.language)
    rows = []
    for arm in arms:
        tuned = train_arm(run, model, tokenizer, arm)
        found = measure_drift_on(
            run, tuned.model, tokenizer, pairs.test[: run.settings["arm_test"]]
        )
        rows.append({"arm": arm.name, "first loss": tuned.losses[0], "last loss": tuned.losses[-1]} | found)  # fmt: skip
        model = remove_adapter(tuned)
    return rows


def variant_metrics(rows: list[dict]) -> dict[str, float]:
    """How the margin shrinks as β grows, IPO's accuracy, and what robust DPO changes under wrong labels."""
    by_name = {row["arm"]: row for row in rows}
    betas = [row for row in rows if row["arm"].startswith("beta")]
    return {
        "margin_lowest_beta": betas[0]["margin"],
        "margin_highest_beta": betas[-1]["margin"],
        "ipo_accuracy": by_name["ipo"]["accuracy"],
        "noisy_accuracy_sigmoid": by_name["noisy sigmoid"]["accuracy"],
        "noisy_accuracy_robust": by_name["noisy robust"]["accuracy"],
        "noisy_margin_sigmoid": by_name["noisy sigmoid"]["margin"],
        "noisy_margin_robust": by_name["noisy robust"]["margin"],
    }


# --- likelihood displacement ----------------------------------------------------------------------


def list_displacement_arms(run: Run, pairs: PairSet) -> list[Arm]:
    """Answers that differ in a few characters: DPO as it is, and with an SFT term that holds the chosen one up."""
    alike = near_duplicates(pairs.train, run.settings["alike_pairs"])
    faster = {"learning_rate": run.settings["arm_learning_rate"]}
    return [
        Arm("sigmoid", alike, faster),
        Arm("sigmoid + sft", alike, faster | {"loss_type": ["sigmoid", "sft"]}),
    ]


def train_displacement_arms(run: Run, pairs: PairSet, arms: list[Arm]) -> tuple[list[dict], dict]:
    """A row an arm, and its curves: mean log-ratio of chosen and rejected answers, step by step.

    The trainer logs implicit rewards; divided by β they are the log-ratios, 0 at the start. Unlike
    ``logps/chosen`` they do not jump with each batch's texts.
    """
    model, tokenizer = load_start_model(run, pairs.language)
    rows, curves = [], {}
    for arm in arms:
        tuned = train_arm(run, model, tokenizer, arm)
        rows.append({"arm": arm.name} | measure_drift_on(run, tuned.model, tokenizer, arm.pairs))
        curves[arm.name] = compute_ratio_curves(tuned, run.settings["beta"])
        model = remove_adapter(tuned)
    return rows, curves


def compute_ratio_curves(tuned: Tuned, beta: float) -> dict[str, list[tuple[int, float]]]:
    """``{"chosen" | "rejected": [(step, log-ratio), …]}`` from the trainer's log."""
    return {
        side: [(step, value / beta) for step, value in tuned.curve(f"rewards/{side}")]
        for side in ("chosen", "rejected")
    }


def displacement_metrics(rows: list[dict]) -> dict[str, float]:
    plain, mended = rows[0], rows[1]
    return {
        "chosen_logp_change": plain["chosen"],
        "rejected_logp_change": plain["rejected"],
        "displacement_accuracy": plain["accuracy"],
        "chosen_logp_change_mended": mended["chosen"],
        "displacement_accuracy_mended": mended["accuracy"],
    }


# --- length ---------------------------------------------------------------------------------------


def list_length_arms(run: Run, pairs: PairSet) -> list[Arm]:
    """Pairs in which the longer answer wins, as they are and with two remedies; then length-matched pairs."""
    count, slower = (
        run.settings["length_pairs"],
        {"learning_rate": run.settings["length_learning_rate"]},
    )
    padded = [p for p in pairs.train if p.reason == "length"] if pairs.language else []
    biased = (padded or longest_chosen(pairs.train, count))[:count]
    others = [p for p in pairs.train if p.reason != "length"]
    normed = {"loss_type": ["sigmoid_norm"], "beta": run.settings["norm_beta"]}
    return [
        Arm("biased", biased, slower),
        Arm("ld_alpha", biased, slower | {"ld_alpha": run.settings["ld_alpha"]}),
        Arm("sigmoid_norm", biased, slower | normed),
        Arm("matched", (select_length_matched(others) or others)[:count], slower),
    ]


def train_length_arms(run: Run, pairs: PairSet, arms: list[Arm]) -> list[dict]:
    """Replies before any arm and after each: mean length in characters, how many end, and one of them."""
    model, tokenizer = load_start_model(run, pairs.language)
    questions = select_questions(pairs, run.settings["length_questions"])
    rows = [length_row("SFT", answer_questions(model, tokenizer, questions, LONG_REPLY))]
    for arm in arms:
        tuned = train_arm(run, model, tokenizer, arm)
        rows.append(
            length_row(arm.name, answer_questions(tuned.model, tokenizer, questions, LONG_REPLY))
        )
        model = remove_adapter(tuned)
    for row in rows:
        row["ratio"] = row["characters"] / rows[0]["characters"]
    return rows


def length_row(name: str, replies: Replies) -> dict:
    return {
        "arm": name,
        "characters": float(np.mean([len(reply) for reply in replies.texts])),
        "ended": float(np.mean(replies.ended)),
        "a reply": replies.texts[0],
    }


def length_metrics(rows: list[dict]) -> dict[str, float]:
    ratio = {row["arm"]: row["ratio"] for row in rows}
    return {
        "length_ratio": ratio["biased"],
        "length_ratio_ld_alpha": ratio["ld_alpha"],
        "length_ratio_sigmoid_norm": ratio["sigmoid_norm"],
        "length_ratio_matched": ratio["matched"],
        "ended_rate_biased": next(row["ended"] for row in rows if row["arm"] == "biased"),
    }
