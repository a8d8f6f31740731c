"""One trial: a LoRA trained with the settings drawn, its validation loss told to the study as it falls."""

import math
from collections.abc import Callable
from typing import Any

import optuna
from transformers import TrainerCallback

from lab_helpers.tuning.sft import sft_trainer
from lab_helpers.tuning.sweep_results import SECONDS, STEPS
from lab_helpers.tuning.sweep_space import SweepSpace, lora_settings
from lab_helpers.tuning.trainers import Tuned, run_trainer


class StopBadTrial(TrainerCallback):
    """Tells an ``optuna`` trial each validation loss, and ends the training if the study's pruner says so.

    ``others`` is all that the pruner compares with. It makes a training that is remembered
    (:mod:`~lab_helpers.tuning.training_store`) one of this very moment of the study.
    """

    def __init__(self, trial: optuna.Trial):
        self._trial = trial
        self.others = other_losses(trial)

    def on_evaluate(self, args, state, control, metrics=None, **kwargs):
        self._trial.report(metrics["eval_loss"], state.global_step)
        if self._trial.should_prune():
            control.should_training_stop = True


def other_losses(trial: optuna.Trial) -> list:
    """State and validation losses of every other trial of the study: all that a pruner compares with."""
    known = trial.study.get_trials(deepcopy=False)
    return [
        [one.state.name, one.intermediate_values] for one in known if one.number != trial.number
    ]


def finish_trial(trial: optuna.Trial, tuned: Tuned, steps: int) -> float:
    """The last validation loss of a training that :class:`StopBadTrial` watched; raises ``TrialPruned``.

    What a training from memory saw is told to the trial here. One that diverged counts as pruned.
    """
    curve = tuned.curve("eval_loss")
    told = trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values
    for step, loss in curve:
        if step not in told:
            trial.report(loss, step)
    trial.set_user_attr(SECONDS, tuned.seconds)
    trial.set_user_attr(STEPS, steps)
    reached = tuned.log[-1]["step"] if tuned.log else 0
    if (
        not curve
        or reached < steps
        or tuned.stopped == "diverged"
        or not math.isfinite(curve[-1][1])
    ):
        raise optuna.TrialPruned
    return curve[-1][1]


def sweep_objective(
    load_model: Callable[[], tuple],
    train: list[dict],
    validation: list[dict],
    space: SweepSpace,
    machine: dict[str, Any],
    training: dict[str, Any],
    evaluations: int = 5,
    learn: Callable[..., Tuned] = run_trainer,
) -> Callable[[optuna.Trial], float]:
    """The objective of a sweep: train on ``train``, return the loss on ``validation``.

    ``load_model()`` gives a fresh model and its tokenizer, ``machine`` comes from
    :func:`~lab_helpers.tuning.trainer_config.machine_settings`, ``training`` are further settings of
    ``SFTConfig``, ``max_steps`` among them. The validation loss is told ``evaluations`` times.
    """
    from peft import LoraConfig
    from trl import SFTConfig

    from lab_helpers.tuning.trainer_config import trainer_config

    steps = training["max_steps"]
    watch = {"eval_strategy": "steps", "eval_steps": math.ceil(steps / evaluations)}

    def objective(trial: optuna.Trial) -> float:
        found = space.suggest(trial)
        model, tokenizer = load_model()
        rate = {"learning_rate": found["learning_rate"]}
        config = trainer_config(SFTConfig, machine, **training, **watch, **rate)
        adapter = LoraConfig(**lora_settings(found))
        trainer = sft_trainer(model, tokenizer, train, config, adapter, evaluation=validation)
        trainer.add_callback(StopBadTrial(trial))
        return finish_trial(trial, learn(trainer, f"trial {trial.number}", diverged="return"), steps)  # fmt: skip

    return objective
