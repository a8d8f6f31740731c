"""Lab 05, one short training an arm: how it is set up, trained, and how far it moves both answers."""

from dataclasses import dataclass

from lab_helpers.course.record import Run
from lab_helpers.data.preferences import Pair
from lab_helpers.labs.shared.preference_models import (
    choose_max_length,
    make_dpo_config,
    make_lora_config,
)
from lab_helpers.tuning.dpo import dpo_trainer
from lab_helpers.tuning.pairs import pair_logps
from lab_helpers.tuning.preference_losses import reward_accuracy
from lab_helpers.tuning.trainers import Tuned


@dataclass(frozen=True)
class Arm:
    """A name, the ``DPOConfig`` settings that set it apart, and its pairs."""

    name: str
    pairs: list[Pair]
    settings: dict


def training_rows(pairs: list[Pair]) -> list[dict]:
    """Pairs in TRL's form."""
    return [pair.row() for pair in pairs]


def train_arm(run: Run, model, tokenizer, arm: Arm, watched: list[Pair] | None = None) -> Tuned:
    """A new adapter on the SFT model, trained as the arm says. Take it off again with ``unload()``.

    ``watched`` pairs are asked before the first step and after every second one, in whole batches: the
    trainer averages over batches.
    """
    size = 2 * run.settings["arm_batch_size"]
    watched = watched and (watched[: len(watched) // size * size] or watched)
    watching = {
        "eval_strategy": "steps",
        "eval_steps": 2,
        "eval_on_start": True,
        "per_device_eval_batch_size": size,
    }
    config = make_dpo_config(
        run,
        model,
        **{"per_device_train_batch_size": run.settings["arm_batch_size"]}
        | (watching if watched else {})
        | arm.settings,
    )
    trainer = dpo_trainer(
        model,
        tokenizer,
        training_rows(arm.pairs),
        config,
        make_lora_config(),
        evaluation=training_rows(watched) if watched else None,
    )
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
