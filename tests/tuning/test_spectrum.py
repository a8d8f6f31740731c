"""Singular values of a weight change: energy, the best matrix of a rank, relative change."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lab_helpers.models.encoders import load_encoder
from lab_helpers.tuning.spectrum import (
    best_rank,
    deltas,
    energy,
    matrices,
    matrix_rows,
    relative_change,
)

shapes = st.tuples(st.integers(1, 12), st.integers(1, 12))
seeds = st.integers(0, 2**31)


def random_matrix(shape: tuple[int, int], seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@given(shape=shapes, seed=seeds)
def test_energy_is_the_share_of_numpys_squared_singular_values(shape, seed):
    delta = random_matrix(shape, seed)
    squares = np.linalg.svd(delta.numpy().astype(np.float64), compute_uv=False) ** 2
    expected = [squares[: i + 1].sum() / squares.sum() for i in range(min(shape))]
    found = energy(delta)
    assert found.shape == (min(shape),)
    assert found.numpy() == pytest.approx(expected, abs=1e-6)
    assert float(found[-1]) == pytest.approx(1, abs=1e-6)


@given(shape=shapes, seed=seeds, factor=st.sampled_from([1e-4, 3.0, 1e4]))
def test_energy_never_falls_and_does_not_depend_on_scale(shape, seed, factor):
    delta = random_matrix(shape, seed)
    found = energy(delta)
    assert bool((found.diff() >= -1e-7).all())
    assert energy(factor * delta).numpy() == pytest.approx(found.numpy(), abs=1e-5)


def test_energy_of_hand_made_matrices():
    assert energy(torch.diag(torch.tensor([3.0, 4.0]))).tolist() == pytest.approx([16 / 25, 1])
    outer = torch.outer(torch.arange(1.0, 5), torch.arange(1.0, 4))
    assert energy(outer).tolist() == pytest.approx([1, 1, 1])
    assert energy(torch.eye(4)).tolist() == pytest.approx([0.25, 0.5, 0.75, 1])


@given(shape=shapes, seed=seeds, r=st.integers(1, 12))
def test_no_other_matrix_of_that_rank_is_closer(shape, seed, r):
    r = min(r, *shape)
    delta = random_matrix(shape, seed)
    best = best_rank(delta, r)
    error = (delta - best).norm()
    assert best.shape == delta.shape
    assert torch.linalg.matrix_rank(best.double(), rtol=1e-5) <= r
    left = random_matrix((shape[0], r), seed + 1)
    # The strongest competitor with these columns: least squares; and one near the optimum.
    fitted = left @ torch.linalg.lstsq(left.double(), delta.double()).solution.float()
    u, s, v = np.linalg.svd(delta.numpy(), full_matrices=False)
    near = torch.tensor((u[:, :r] * (s[:r] * 1.01)) @ v[:r])
    for competitor in (fitted, near, left @ random_matrix((r, shape[1]), seed + 2)):
        assert error <= (delta - competitor).norm() + 1e-4


@given(shape=shapes, seed=seeds, r=st.integers(1, 12))
def test_the_best_matrix_keeps_exactly_that_energy(shape, seed, r):
    """Eckart–Young: what is left is the tail of the squared singular values."""
    r = min(r, *shape)
    delta = random_matrix(shape, seed)
    left_over = (delta - best_rank(delta, r)).norm() ** 2 / delta.norm() ** 2
    assert float(left_over) == pytest.approx(1 - float(energy(delta)[r - 1]), abs=1e-5)


def test_full_rank_gives_the_matrix_back():
    delta = random_matrix((8, 5), 1)
    assert torch.allclose(best_rank(delta, 5), delta, atol=1e-5)
    assert not torch.allclose(best_rank(delta, 4), delta, atol=1e-2)


def test_matrices_are_copies_of_all_weight_matrices_of_the_blocks(tiny_bert):
    encoder = load_encoder(str(tiny_bert))
    before = matrices(encoder)
    assert len(before) == 2 * 6
    assert before["1.intermediate.dense"].shape == (32, 16)
    with torch.no_grad():
        encoder.encoder.layer[1].intermediate.dense.weight += 1
    change = deltas(before, matrices(encoder))
    moved = {name for name, delta in change.items() if delta.abs().max() > 0}
    assert moved == {"1.intermediate.dense"}
    assert torch.allclose(change["1.intermediate.dense"], torch.ones(32, 16), atol=1e-6)


def test_relative_change_by_hand():
    before = torch.full((2, 2), 5.0)
    assert float(relative_change(before, before + 1)) == pytest.approx(0.2)
    assert float(relative_change(torch.eye(4), torch.eye(4))) == 0.0


def test_every_matrix_of_a_block_has_a_short_name_of_its_own(tiny_bert):
    rows = matrix_rows(matrices(load_encoder(str(tiny_bert))))
    names = [row["matrix"] for row in rows if row["block"] == 0]
    assert sorted(names) == ["MLP down", "MLP up", "attention out", "key", "query", "value"]
    assert {row["block"] for row in rows} == {0, 1}
