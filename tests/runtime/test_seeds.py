"""One seed fixes Python, NumPy and torch."""

import random

import numpy as np
import pytest
import torch

from lab_helpers.runtime.seeds import seed_everything


def draws() -> list[float]:
    return [random.random(), float(np.random.rand()), float(torch.rand(()))]


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32 + 5, -3])
def test_the_same_seed_repeats_every_generator(seed):
    seed_everything(seed)
    first = draws()
    draws()
    seed_everything(seed)
    assert draws() == first


def test_another_seed_changes_every_generator():
    seed_everything(1)
    first = draws()
    seed_everything(2)
    assert all(a != b for a, b in zip(first, draws(), strict=True))
