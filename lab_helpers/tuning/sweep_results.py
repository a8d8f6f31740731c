"""What a study found: its trials as rows, what mattered, what pruning saved."""

import warnings
from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.language import say

SECONDS, STEPS = "seconds", "steps"
"""User attributes of a trial: what its training took, and how many steps it was allowed."""
FEWEST_TO_RANK = 4
"""Complete trials below which "what mattered" would be a guess."""


def trial_rows(study) -> list[dict]:
    """A row a trial that ended: its settings, ``"state"`` (complete or pruned), last loss, step, seconds, and
    the whole ``"curve"`` of its validation loss."""
    rows = []
    for trial in _ended(study):
        seen = trial.intermediate_values
        rows.append(
            {
                "trial": trial.number,
                "state": trial.state.name.lower(),
                **trial.params,
                "loss": trial.value if trial.value is not None else seen.get(max(seen, default=0)),
                "step": max(seen, default=0),
                "seconds": trial.user_attrs.get(SECONDS, 0.0),
                "curve": sorted(seen.items()),
            }
        )
    return rows


def best_trial(study) -> FrozenTrial:
    """The complete trial with the lowest validation loss; :class:`BadInput` where none is complete."""
    found = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not found:
        raise BadInput(
            say("no trial of this study is complete", "このスタディには、完了した試行がありません"),
            say("Run more trials (--trials).", "試行を増やしてください（--trials）。"),
        )
    return min(found, key=lambda trial: trial.value)


def importances(study) -> dict[str, float]:
    """How much of the losses' spread each setting explains, summing to 1, largest first; ``{}`` for few trials.

    Optuna's PED-ANOVA (Watanabe et al. 2023) asks how far a setting's values among the better trials differ from
    those among all. Only complete trials count.
    """
    found = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if len(found) < FEWEST_TO_RANK:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        how = optuna.importance.PedAnovaImportanceEvaluator()
        shares = optuna.importance.get_param_importances(study, evaluator=how)
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


@dataclass(frozen=True)
class Savings:
    """What pruning spared: trials stopped, steps and seconds not trained; seconds as each trial's own pace has it."""

    trials: int
    steps: int
    seconds: float


def pruning_savings(study) -> Savings:
    """What the pruned trials did not have to train."""
    steps, seconds, pruned = 0, 0.0, study.get_trials(deepcopy=False, states=(TrialState.PRUNED,))
    for trial in pruned:
        reached = max(trial.intermediate_values, default=0)
        left = trial.user_attrs.get(STEPS, reached) - reached
        steps += left
        seconds += left * trial.user_attrs.get(SECONDS, 0.0) / reached if reached else 0.0
    return Savings(len(pruned), steps, seconds)


def count_running(study) -> int:
    """Trials that some worker trains, or whose worker died on a machine that nobody has heard of since."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)))


def _ended(study) -> list[FrozenTrial]:
    return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED))
