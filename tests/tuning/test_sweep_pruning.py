"""The median rule by hand decides as Optuna's pruner does."""

import optuna
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import TrialState, create_trial

from lab_helpers.tuning.sweep_pruning import is_behind

LOSSES = st.lists(st.integers(0, 8).map(float), min_size=1, max_size=4)


def steps_of(losses: list[float]) -> dict[int, float]:
    return {10 * number: loss for number, loss in enumerate(losses, 1)}


@given(LOSSES, st.lists(LOSSES, max_size=5))
def test_the_same_decisions_as_optuna(seen, finished):
    study = optuna.create_study()
    for losses in finished:
        study.add_trial(create_trial(value=losses[-1], intermediate_values=steps_of(losses)))
    study.add_trial(create_trial(state=TrialState.RUNNING, intermediate_values=steps_of(seen)))
    pruner = optuna.pruners.MedianPruner(n_startup_trials=0)
    expected = pruner.prune(study, study.trials[-1])
    assert is_behind(steps_of(seen), [steps_of(losses) for losses in finished]) == expected


def test_the_best_loss_so_far_counts_not_the_latest():
    assert not is_behind({1: 2.0, 2: 5.0}, [{1: 9.0, 2: 3.0}])
    assert is_behind({1: 6.0, 2: 5.0}, [{1: 9.0, 2: 3.0}])
