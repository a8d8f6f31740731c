"""A trial's training as the study hears of it: whole, stopped, diverged, or loaded from memory."""

import optuna
import pytest

from lab_helpers.tuning.sweep_results import SECONDS, STEPS
from lab_helpers.tuning.sweep_training import finish_trial, other_losses
from lab_helpers.tuning.trainers import Tuned


def tuned(*seen: tuple[int, float], ended: int, stopped: str = "finished") -> Tuned:
    log = [{"step": step, "eval_loss": loss} for step, loss in seen]
    return Tuned(None, [], 2.0, [*log, {"step": ended, "train_runtime": 2.0}], stopped)


@pytest.fixture
def trial():
    return optuna.create_study().ask()


def test_a_whole_training_gives_its_last_validation_loss_and_tells_all_of_them(trial):
    assert finish_trial(trial, tuned((3, 4.0), (6, 2.0), ended=7), 7) == 2.0
    (told,) = trial.study.get_trials()
    assert told.intermediate_values == {3: 4.0, 6: 2.0}
    assert told.user_attrs == {SECONDS: 2.0, STEPS: 7}


@pytest.mark.parametrize(
    "stopped",
    [
        tuned((3, 4.0), ended=3),
        tuned((3, 4.0), (6, float("nan")), ended=6),
        tuned((3, 4.0), (6, 9.0), ended=6, stopped="diverged"),
        tuned(ended=2, stopped="diverged"),
    ],
)
def test_a_training_that_was_stopped_or_diverged_counts_as_pruned(trial, stopped):
    with pytest.raises(optuna.TrialPruned):
        finish_trial(trial, stopped, 6)


def test_what_the_pruner_compares_with_is_every_other_trial(trial):
    finish_trial(trial, tuned((3, 4.0), ended=3), 3)
    assert other_losses(trial) == []
    assert other_losses(trial.study.ask()) == [["RUNNING", {3: 4.0}]]
