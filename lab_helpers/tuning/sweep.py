"""A study of settings that several workers share: every trial once, whoever dies, and the same by seed.

The search itself is Optuna's. What stands here keeps a study whole: it belongs to one search space and one
file of rows, the number of trials is exact with any number of workers, and a trial whose worker was killed
is put back with the settings that it had drawn.
"""

import os
import socket
import warnings
from collections.abc import Callable
from typing import Any

import optuna
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say
from lab_helpers.tuning.sweep_storage import lock_of, open_storage, plain_storage_errors, shown

RANDOM_TRIALS = 8
"""Drawn at random before the sampler believes what it has seen (Optuna's own default is 10)."""
TRIES = 3
"""A trial whose workers die so often is given up: its settings may be what kills them."""

_ABOUT = "about"
_WORKER = "worker"
_SURPLUS = "surplus"
_ORIGIN = "failed_trial"  # Optuna's own name for the trial that another one repeats
_HISTORY = "retry_history"

optuna.logging.set_verbosity(optuna.logging.CRITICAL)  # what goes wrong is an exception too


class Surplus(Exception):
    """Two workers took the last trial at once; this is the one too many."""


# --- drawing --------------------------------------------------------------------------------------


class SeededSampler(BaseSampler):
    """Optuna's TPE (Bergstra et al. 2011), with a seed for each trial in place of one for each process.

    ``TPESampler(seed=0)`` draws the same first settings in every process and after every resume, so that
    workers double each other. Here a trial's draws depend on ``seed`` and its place among the trials alone.
    """

    def __init__(self, seed: int, random_trials: int = RANDOM_TRIALS):
        self._seed, self._random_trials = seed, random_trials
        self._of_trial: BaseSampler = TPESampler(seed=seed)

    def before_trial(self, study, trial: FrozenTrial) -> None:
        place = place_of(trial, study.get_trials(deepcopy=False))
        self._of_trial = TPESampler(
            seed=(self._seed * 100_003 + place) % 2**32, n_startup_trials=self._random_trials
        )
        self._of_trial.before_trial(study, trial)

    def infer_relative_search_space(self, study, trial):
        return self._of_trial.infer_relative_search_space(study, trial)

    def sample_relative(self, study, trial, search_space):
        return self._of_trial.sample_relative(study, trial, search_space)

    def sample_independent(self, study, trial, param_name, param_distribution):
        return self._of_trial.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study, trial, state, values) -> None:
        self._of_trial.after_trial(study, trial, state, values)


def place_of(trial: FrozenTrial, trials: list[FrozenTrial]) -> int:
    """A trial's place among the settings drawn, from 0: repetitions have that of the trial they repeat."""
    number = trial.system_attrs.get(_ORIGIN, trial.number)
    return sum(one.number < number and _is_drawn(one) for one in trials)


def _is_drawn(trial: FrozenTrial) -> bool:
    return _ORIGIN not in trial.system_attrs and _SURPLUS not in trial.user_attrs


def make_pruner(name: str = "median", *, warmup_steps: int = 0):
    """``"median"``, ``"halving"`` or ``"none"``.

    The median rule stops a trial that is worse at a step than half of the finished ones were there; successive
    halving (Li et al. 2018) lets a quarter of the trials go on at each rung.
    """
    if name == "median":
        return optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=warmup_steps)
    if name == "halving":
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=max(1, warmup_steps))
    if name == "none":
        return optuna.pruners.NopPruner()
    raise BadInput(
        say(f"no pruner is called '{name}'", f"「{name}」という枝刈りはありません"),
        say(
            "Write median, halving or none.", "median、halving、none のいずれかを指定してください。"
        ),
    )


# --- the study ------------------------------------------------------------------------------------


def open_study(
    where: str,
    name: str,
    about: dict[str, Any],
    seed: int = 0,
    pruner=None,
    first: dict[str, Any] | None = None,
    **options,
):
    """The study ``name`` in ``where``, new or gone on with.

    ``about`` says what is searched and on what, as plain data (see
    :meth:`~lab_helpers.tuning.sweep_space.SweepSpace.as_json`): a study about something else is a
    :class:`BadInput`, since its trials cannot be compared with new ones. ``first`` are settings that a new
    study tries first. ``options`` go to :func:`~lab_helpers.tuning.sweep_storage.open_storage`.
    """
    storage = open_storage(where, put_back, **options)
    with plain_storage_errors(where), lock_of(where):
        study = optuna.create_study(
            storage=storage,
            study_name=name,
            sampler=SeededSampler(seed),
            pruner=pruner or make_pruner(),
            load_if_exists=True,
        )
        known = study.user_attrs.get(_ABOUT)
        if known is None and not study.get_trials(deepcopy=False):
            study.set_user_attr(_ABOUT, about)
            if first:
                study.enqueue_trial(first)
        elif known != about:
            raise _other_study(where, known or {}, about)
    return study


def _other_study(where: str, known: dict, about: dict) -> BadInput:
    names = sorted(key for key in known.keys() | about.keys() if known.get(key) != about.get(key))
    inside = say("nothing that says what it is about", "内容を示す情報がないスタディ")
    changed = "; ".join(f"{key}: {known.get(key)} → {about.get(key)}" for key in names)
    return BadInput(
        say(
            f"the study {shown(where)} is about something else ({changed if known else inside})",
            f"スタディ {shown(where)} は別の探索のものです（{changed if known else inside}）",
        ),
        say(
            "Its trials cannot be compared with new ones: give another --study, or the options it began with.",
            "新しい試行とは比べられません。別の --study を指定するか、始めたときと同じ設定で実行してください。",
        ),
    )


def put_back(study, trial: FrozenTrial) -> bool:
    """Queue the settings of a trial that did not end; whether that was done (at most :data:`TRIES` times)."""
    tries = [*trial.system_attrs.get(_HISTORY, []), trial.number]
    if len(tries) >= TRIES:
        return False
    study.add_trial(
        optuna.create_trial(
            state=TrialState.WAITING,
            params=trial.params,
            distributions=trial.distributions,
            system_attrs={**trial.system_attrs, _ORIGIN: tries[0], _HISTORY: tries},
        )
    )
    return True


def put_back_lost(study) -> int:
    """Put back the trials whose worker on this machine is gone; how many there were.

    Those of other machines are found by Optuna's heartbeat, after a minute; a process of one's own machine
    that was killed is known to be gone at once.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)  # calls put_back; does nothing for a journal
    lost = 0
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if _is_gone(trial.user_attrs.get(_WORKER)):
            try:
                study.tell(trial.number, state=TrialState.FAIL)
            except (ValueError, RuntimeError):  # another worker was faster
                continue
            put_back(study, trial)
            lost += 1
    return lost


def _me() -> list:
    import psutil

    return [socket.gethostname(), os.getpid(), psutil.Process().create_time()]


def _is_gone(worker: list | None) -> bool:
    """Whether a process of this machine has ended; one that took no name is told apart by nobody."""
    import psutil

    if not worker or worker[0] != socket.gethostname():
        return False
    try:
        return psutil.Process(worker[1]).create_time() != worker[2]
    except psutil.Error:
        return True


# --- working --------------------------------------------------------------------------------------


def run_trials(
    study, objective: Callable[[Trial], float], trials: int, where: str = "", after=None
) -> None:
    """Work on ``study`` until ``trials`` settings were drawn and none of this machine's waits.

    Any number of processes may call it at once, on one file or server: together they run each trial once.
    ``after(study)`` is called after each. Ctrl-C, and an error of ``objective``, put the trial back first.
    """
    worker = _me()

    def once(trial: Trial) -> float:
        trial.set_user_attr(_WORKER, worker)
        frozen = study.get_trials(deepcopy=False)
        if place_of(frozen[trial.number], frozen) >= trials:
            trial.set_user_attr(_SURPLUS, True)
            raise Surplus
        return objective(trial)

    with plain_storage_errors(where):
        while _has_work(study, trials):
            _run_one(study, once, worker)
            if after:
                after(study)


def _has_work(study, trials: int) -> bool:
    put_back_lost(study)
    known = study.get_trials(deepcopy=False)
    waiting = any(trial.state == TrialState.WAITING for trial in known)
    return waiting or sum(map(_is_drawn, known)) < trials


def _run_one(study, objective, worker) -> None:
    try:
        study.optimize(objective, n_trials=1, catch=(Surplus,))
    except BaseException:
        mine = [t for t in study.get_trials(deepcopy=False) if t.user_attrs.get(_WORKER) == worker]
        if mine and mine[-1].state in (TrialState.FAIL, TrialState.RUNNING):
            if mine[-1].state == TrialState.RUNNING:
                study.tell(mine[-1].number, state=TrialState.FAIL)
            put_back(study, mine[-1])
        raise
