"""A worker of a shared study, as a process of its own: ``python sweep_worker.py STUDY TRIALS SECONDS``."""

import sys
import time

import optuna

from lab_helpers.tuning import sweep
from lab_helpers.tuning.sweep_space import SweepSpace

SPACE = SweepSpace(learning_rates=(1e-5, 1e-2))
ABOUT = {"space": SPACE.as_json(), "data": "toy"}


def toy_loss(found: dict) -> float:
    """Best at a rate of 1e-3 and a high rank."""
    return abs(found["learning_rate"] - 1e-3) * 100 + 1 / found["r"]


def make_objective(seconds: float = 0.0):
    """Three "evaluations" that come down to :func:`toy_loss`; the trial may be pruned at each."""

    def objective(trial):
        found = SPACE.suggest(trial)
        for step in (1, 2, 3):
            time.sleep(seconds / 3)
            trial.report(toy_loss(found) + 1 / step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return toy_loss(found)

    return objective


def open_toy(where, **options):
    return sweep.open_study(str(where), "toy", ABOUT, **options)


if __name__ == "__main__":
    study = open_toy(sys.argv[1])
    print("open", flush=True)
    sweep.run_trials(study, make_objective(float(sys.argv[3])), int(sys.argv[2]), sys.argv[1])
