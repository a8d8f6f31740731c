"""The task that needs rank: more rank stores more, and full rank stores nearly all."""

from lab_helpers.labs.lab02.capacity import CapacityTask


def test_more_rank_stores_more():
    task = CapacityTask(width=16, pairs=16, steps=150, learning_rate=2e-2)
    left = {r: task.loss(r, alpha=r, rank_stabilized=False, seed=0) for r in (1, 4, 16)}
    assert 0 <= left[16] < left[4] < left[1] < 1
    assert left[16] < 0.2


def test_no_steps_learn_nothing_and_a_seed_repeats():
    assert CapacityTask(width=8, pairs=8, steps=1, learning_rate=0.0).loss(2, 2, False, 0) == 1
    task = CapacityTask(width=8, pairs=8, steps=20)
    assert task.loss(2, 8, True, seed=1) == task.loss(2, 8, True, seed=1)
    assert task.loss(2, 8, True, seed=1) != task.loss(2, 8, True, seed=2)
    assert task.loss(2, 8, True, seed=1) != task.loss(2, 8, False, seed=1)
