"""A study of settings: shared by processes without losing or doubling a trial, resumed, pruned, the same by seed."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState
from sweep_worker import ABOUT, make_objective, open_toy

from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning import sweep
from lab_helpers.tuning.sweep_results import (
    FEWEST_TO_RANK,
    SECONDS,
    STEPS,
    best_trial,
    importances,
    pruning_savings,
    trial_rows,
)

WORKER = Path(__file__).with_name("sweep_worker.py")
ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


@pytest.fixture
def folder(tmp_path):
    """A folder in memory where there is one: SQLite waits for the disk a dozen times a trial."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as made:
        yield Path(made)


def start_worker(where, trials: int, seconds: float) -> subprocess.Popen:
    root = Path(__file__).parents[2]
    paths = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.Popen(
        [sys.executable, str(WORKER), str(where), str(trials), str(seconds)],
        env=os.environ | {"PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        text=True,
    )


def settings_of(study) -> list[dict]:
    return [t.params for t in study.get_trials(deepcopy=False) if t.state in ENDED]


def run_toy(where, trials: int, **options):
    study = open_toy(where, **options)
    sweep.run_trials(study, make_objective(), trials, str(where))
    return study


def test_the_same_seed_draws_the_same_trials_and_another_seed_others(folder):
    first, again, other = (
        settings_of(run_toy(folder / f"{number}.db", 10, seed=seed))
        for number, seed in enumerate((0, 0, 1))
    )
    assert len(first) == 10
    assert first == again
    assert first != other


def test_a_search_that_stopped_goes_on_as_if_it_had_not(folder):
    whole = settings_of(run_toy(folder / "whole.db", 10))
    run_toy(folder / "parts.db", 5)
    assert settings_of(run_toy(folder / "parts.db", 10)) == whole


def test_two_processes_share_one_study_without_losing_or_doubling_a_trial(folder):
    where = folder / "shared.db"
    workers = [start_worker(where, 12, 0.15) for _ in range(2)]
    assert [worker.wait(60) for worker in workers] == [0, 0]
    study = open_toy(where)
    found = settings_of(study)
    assert len(found) == 12
    assert len({str(one) for one in found}) == 12
    pids = {t.user_attrs["worker"][1] for t in study.trials if t.state in ENDED}
    assert pids == {worker.pid for worker in workers}


def test_a_killed_worker_s_trial_is_tried_again_with_its_settings(folder):
    where = folder / "killed.db"
    worker = start_worker(where, 6, 3.0)
    worker.stdout.readline()
    study = open_toy(where)
    until = time.monotonic() + 30
    while not any(t.params.get("learning_rate") for t in study.get_trials()):
        assert time.monotonic() < until
        time.sleep(0.05)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    (lost,) = [t for t in study.get_trials() if t.state == TrialState.RUNNING]

    sweep.run_trials(study, make_objective(), 6, str(where))
    trials = study.get_trials()
    assert trials[lost.number].state == TrialState.FAIL
    (again,) = [t for t in trials if t.system_attrs.get("failed_trial") == lost.number]
    assert again.state in ENDED
    assert again.params == lost.params
    assert settings_of(study) == settings_of(run_toy(folder / "whole.db", 6))


def test_a_trial_that_a_person_interrupts_is_put_back(folder):
    study = open_toy(folder / "ctrl-c.db")

    def interrupted(trial):
        make_objective()(trial)
        if trial.number == 2:
            raise KeyboardInterrupt
        return 1.0

    with pytest.raises(KeyboardInterrupt):
        sweep.run_trials(study, interrupted, 6)
    assert [t.state.name for t in study.trials] == ["COMPLETE", "COMPLETE", "FAIL", "WAITING"]
    sweep.run_trials(study, make_objective(), 6)
    assert len(settings_of(study)) == 6


def test_settings_that_kill_every_worker_are_given_up(folder):
    study = open_toy(folder / "poison.db")

    def poison(trial):
        raise MemoryError

    for _ in range(sweep.TRIES):
        with pytest.raises(MemoryError):
            sweep.run_trials(study, poison, 1)
    sweep.run_trials(study, poison, 1)  # nothing is left to try
    assert [t.state for t in study.trials] == [TrialState.FAIL] * sweep.TRIES


def test_the_last_trial_is_not_run_twice(folder):
    """Two workers that both see one trial missing: the one that comes second gives its own up."""
    study = open_toy(folder / "last.db")
    run_toy(folder / "last.db", 3)
    with pytest.MonkeyPatch.context() as patch:
        answers = iter([True, False])
        patch.setattr(sweep, "_has_work", lambda *_: next(answers))
        sweep.run_trials(study, make_objective(), 3)
    assert study.trials[-1].state == TrialState.FAIL
    assert len(settings_of(study)) == 3
    assert len(settings_of(run_toy(folder / "last.db", 5))) == 5


def test_the_first_trial_can_be_given(folder):
    usual = {"r": 16, "alpha_over_r": 2, "targets": "all-linear", "dropout": 0.0, "learning_rate": 2e-4}  # fmt: skip
    study = run_toy(folder / "first.db", 3, first=usual)
    assert study.trials[0].params == usual
    open_toy(folder / "first.db", first=usual)
    assert len(study.get_trials()) == 3


@pytest.mark.parametrize("name", ["median", "halving"])
def test_pruning_stops_the_worse_trials(folder, name):
    study = open_toy(folder / "pruned.db", pruner=sweep.make_pruner(name))
    rates = iter([1e-3, 1.1e-3, 0.9e-3, 9e-3, 8e-3, 1e-3])

    def objective(trial):
        rate = next(rates)
        for step in range(1, 9):
            trial.report(abs(rate - 1e-3) + 0.001 / step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return abs(rate - 1e-3)

    sweep.run_trials(study, objective, 6)
    states = [t.state.name for t in study.trials]
    assert states[3:5] == ["PRUNED", "PRUNED"]
    assert states[0] == "COMPLETE"
    assert len(study.trials[3].intermediate_values) < 8
    never = open_toy(folder / "never.db", pruner=sweep.make_pruner("none"))
    rates = iter([1e-3, 1.1e-3, 0.9e-3, 9e-3, 8e-3, 1e-3])
    sweep.run_trials(never, objective, 6)
    assert all(t.state == TrialState.COMPLETE for t in never.trials)


def test_an_unknown_pruner_is_named():
    with pytest.raises(BadInput, match="no pruner is called 'guess'"):
        sweep.make_pruner("guess")


def test_a_study_about_something_else_is_refused(folder):
    run_toy(folder / "study.db", 1)
    other = ABOUT | {"data": "other rows"}
    with pytest.raises(BadInput, match=r"about something else .*data: toy → other rows"):
        sweep.open_study(str(folder / "study.db"), "toy", other)


def test_a_study_that_says_nothing_about_itself_is_refused(folder):
    address = f"sqlite:///{folder / 'plain.db'}"
    plain = optuna.create_study(storage=address, study_name="toy")
    plain.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(BadInput, match="nothing that says what it is about"):
        open_toy(folder / "plain.db")


def test_rows_importance_and_savings(folder):
    study = run_toy(folder / "rows.db", 12)
    rows = trial_rows(study)
    assert [row["trial"] for row in rows] == list(range(12))
    assert {row["state"] for row in rows} == {"complete", "pruned"}
    best = best_trial(study)
    assert best.value == min(row["loss"] for row in rows if row["state"] == "complete")
    shares = importances(study)
    assert max(shares, key=shares.get) == "learning_rate"
    assert sum(shares.values()) == pytest.approx(1)


def test_what_pruning_saved_is_the_steps_left_out_at_the_trial_s_pace(folder):
    study = open_toy(folder / "saved.db")
    for reached, seconds in ((2, 4.0), (5, 5.0)):
        stopped = optuna.create_trial(
            state=TrialState.PRUNED,
            intermediate_values={reached: 1.0},
            user_attrs={SECONDS: seconds, STEPS: 10},
        )
        study.add_trial(stopped)
    saved = pruning_savings(study)
    assert (saved.trials, saved.steps, saved.seconds) == (2, 8 + 5, 8 * 2.0 + 5 * 1.0)


def test_a_handful_of_trials_ranks_nothing(folder):
    study = run_toy(folder / "few.db", FEWEST_TO_RANK - 1)
    assert importances(study) == {}
    with pytest.raises(BadInput, match="no trial of this study is complete"):
        best_trial(open_toy(folder / "empty.db"))
