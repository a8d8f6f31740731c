"""LoRA by hand against torch's own arithmetic and against PEFT."""

import copy
import math

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn

from lab_helpers.tuning.lora import (
    adapter_parameters,
    init_lora,
    lora_forward,
    lora_scaling,
    merge,
)

N, D, K = 7, 10, 6
every_setting = pytest.mark.parametrize(
    ("r", "alpha", "rank_stabilized"), [(1, 1, False), (4, 16, False), (3, 8, True), (16, 32, True)]
)


def factors(r: int, d: int = D, k: int = K) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(r)
    return torch.randn(r, k, generator=generator), torch.randn(d, r, generator=generator)


def inputs(*shape: int) -> torch.Tensor:
    return torch.randn(*(shape or (N, K)), generator=torch.Generator().manual_seed(99))


def base_layer(bias: bool = True) -> nn.Linear:
    torch.manual_seed(5)
    return nn.Linear(K, D, bias=bias)


def peft_model(base: nn.Linear, r: int, alpha: float, rank_stabilized: bool = False):
    """PEFT's wrapped copy of ``base`` with our factors in it."""
    config = LoraConfig(r=r, lora_alpha=alpha, target_modules=["0"], use_rslora=rank_stabilized)
    model = get_peft_model(nn.Sequential(copy.deepcopy(base)), config)
    layer = model.base_model.model[0]
    a, b = factors(r)
    with torch.no_grad():
        layer.lora_A["default"].weight.copy_(a)
        layer.lora_B["default"].weight.copy_(b)
    return model


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-6) -> bool:
    """Equal to ``tolerance``, relative to the larger of 1 and the largest entry."""
    assert a.shape == b.shape
    a, b = a.detach(), b.detach()
    return bool((a - b).abs().max() <= tolerance * max(1.0, float(b.abs().max())))


@pytest.mark.parametrize("r", [1, 2, 4, 16])
@pytest.mark.parametrize("alpha", [1, 16, 0.5])
def test_lora_forward_is_the_formula(r, alpha):
    """h = W₀x + b + (α/r)·BAx, here with BA formed and column vectors, in double precision."""
    base, x = base_layer().double(), inputs().double()
    a, b = (factor.double() for factor in factors(r))
    formed = torch.stack([(base.weight + (alpha / r) * (b @ a)) @ row + base.bias for row in x])
    assert close(lora_forward(x, base, a, b, alpha, r), formed, 1e-12)
    assert not close(lora_forward(x, base, a, b, alpha, r), base(x), 1e-2)


@pytest.mark.parametrize(("r", "alpha"), [(1, 1), (4, 16), (8, 4)])
@pytest.mark.parametrize("shape", [(N, K), (2, 3, K), (K,)])
@pytest.mark.parametrize("bias", [True, False])
def test_lora_forward_is_pefts_linear(r, alpha, shape, bias):
    base, x = base_layer(bias), inputs(*shape)
    theirs = peft_model(base, r, alpha)(x)
    assert close(lora_forward(x, base, *factors(r), alpha, r), theirs)
    assert not close(base(x), theirs, 1e-2)


@pytest.mark.parametrize(("r", "alpha"), [(1, 1), (4, 16)])
def test_gradients_are_pefts(r, alpha):
    base, x = base_layer(), inputs()
    a, b = (factor.requires_grad_() for factor in factors(r))
    lora_forward(x, base, a, b, alpha, r).square().mean().backward()
    theirs = peft_model(base, r, alpha)
    theirs(x).square().mean().backward()
    layer = theirs.base_model.model[0]
    assert close(a.grad, layer.lora_A["default"].weight.grad)
    assert close(b.grad, layer.lora_B["default"].weight.grad)


@every_setting
def test_the_scaling_is_pefts(r, alpha, rank_stabilized):
    layer = peft_model(base_layer(), r, alpha, rank_stabilized).base_model.model[0]
    assert lora_scaling(alpha, r, rank_stabilized) == pytest.approx(layer.scaling["default"])


def test_the_scaling_by_hand():
    assert lora_scaling(16, 4) == 4
    assert lora_scaling(16, 4, rank_stabilized=True) == 8
    assert lora_scaling(1, 64, rank_stabilized=True) == pytest.approx(1 / math.sqrt(64))


def test_a_start_changes_nothing_and_can_learn():
    base, x = base_layer(), inputs()
    a, b = init_lora(D, K, 4)
    assert (a.shape, b.shape) == ((4, K), (D, 4))
    assert torch.equal(lora_forward(x, base, a, b, 16, 4), base(x))
    assert torch.count_nonzero(a) == a.numel()


def test_a_starts_as_in_peft():
    """Kaiming-uniform with a = √5: uniform within ±1/√k."""
    torch.manual_seed(0)
    a, _ = init_lora(4, 400, 64)
    assert a.abs().max() == pytest.approx(1 / math.sqrt(400), rel=0.01)
    assert a.std() == pytest.approx(1 / math.sqrt(3 * 400), rel=0.02)


@pytest.mark.parametrize(("r", "alpha"), [(1, 1), (4, 16)])
def test_merging_is_pefts_and_keeps_the_output(r, alpha):
    base, x = base_layer(), inputs()
    (a, b), kept = factors(r), base.weight.detach().clone()
    merged = merge(base.weight, a, b, alpha, r)
    assert close(merged, peft_model(base, r, alpha).merge_and_unload()[0].weight)
    detour = lora_forward(x, base, a, b, alpha, r)
    assert close(nn.functional.linear(x, merged, base.bias), detour)
    assert torch.equal(base.weight, kept)
    assert not close(merged, kept, 1e-2)


def test_merging_with_minus_alpha_takes_it_out_again():
    base, (a, b) = base_layer(), factors(4)
    merged = merge(base.weight, a, b, 16, 4)
    assert close(merge(merged, a, b, -16, 4), base.weight, 1e-5)


@pytest.mark.parametrize("r", [1, 4])
def test_adapter_parameters_are_pefts_trainable_count(r):
    layers = nn.Sequential(nn.Linear(6, 10), nn.Linear(10, 3))
    shapes = [tuple(layer.weight.shape) for layer in layers]
    theirs = get_peft_model(layers, LoraConfig(r=r, target_modules=["0", "1"]))
    trained = sum(p.numel() for p in theirs.parameters() if p.requires_grad)
    assert adapter_parameters(shapes, r) == trained


def test_adapter_parameters_by_hand():
    assert adapter_parameters([(10, 6), (3, 5)], 2) == 2 * 16 + 2 * 8
    assert adapter_parameters([], 8) == 0
