"""LoRA by hand against torch's own arithmetic and against PEFT."""

import copy
import math

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import AutoModel

from lab_helpers.models.encoders import load_encoder
from lab_helpers.tuning.classifier import trainable_parameters
from lab_helpers.tuning.lora import (
    LoraLinear,
    adapter_parameters,
    add_lora,
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


def peft_layer(base: nn.Linear, r: int, alpha: float, rank_stabilized: bool = False):
    """PEFT's wrapped copy of ``base`` with our factors in it, and the model around it."""
    config = LoraConfig(
        r=r, lora_alpha=alpha, target_modules=["0"], lora_dropout=0.0, use_rslora=rank_stabilized
    )
    model = get_peft_model(nn.Sequential(copy.deepcopy(base)), config)
    layer = model.base_model.model[0]
    a, b = factors(r)
    with torch.no_grad():
        layer.lora_A["default"].weight.copy_(a)
        layer.lora_B["default"].weight.copy_(b)
    return layer, model


def hand_layer(base: nn.Linear, r: int, alpha: float, rank_stabilized: bool = False) -> LoraLinear:
    """:class:`LoraLinear` on a copy of ``base`` with the same factors."""
    layer = LoraLinear(copy.deepcopy(base), r, alpha, rank_stabilized)
    a, b = factors(r)
    with torch.no_grad():
        layer.A.copy_(a)
        layer.B.copy_(b)
    return layer


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-6) -> bool:
    """Equal to ``tolerance``, relative to the larger of 1 and the largest entry."""
    assert a.shape == b.shape
    a, b = a.detach(), b.detach()
    return bool((a - b).abs().max() <= tolerance * max(1.0, float(b.abs().max())))


@pytest.mark.parametrize("r", [1, 2, 4, 16])
@pytest.mark.parametrize("alpha", [1, 16, 0.5])
def test_lora_forward_is_the_formula(r, alpha):
    """h = W₀x + (α/r)·BAx, here with BA formed and column vectors, in double precision."""
    (a, b), x, w = factors(r), inputs().double(), inputs(D, K).double()
    a, b = a.double(), b.double()
    formed = torch.stack([(w + (alpha / r) * (b @ a)) @ row for row in x])
    assert close(lora_forward(x, w, a, b, alpha, r), formed, 1e-12)
    assert not close(lora_forward(x, w, a, b, alpha, r), nn.functional.linear(x, w), 1e-2)


@pytest.mark.parametrize(("r", "alpha"), [(1, 1), (4, 16), (8, 4)])
def test_lora_forward_is_pefts_linear(r, alpha):
    base = base_layer(bias=False)
    theirs, _ = peft_layer(base, r, alpha)
    x = inputs()
    ours = lora_forward(x, base.weight, *factors(r), alpha, r)
    assert close(ours, theirs(x))
    assert not close(base(x), theirs(x), 1e-2)


@every_setting
@pytest.mark.parametrize("shape", [(N, K), (2, 3, K), (K,)])
def test_the_layer_is_pefts_linear(r, alpha, rank_stabilized, shape):
    base, x = base_layer(), inputs(*shape)
    theirs, _ = peft_layer(base, r, alpha, rank_stabilized)
    assert close(hand_layer(base, r, alpha, rank_stabilized)(x), theirs(x))


@every_setting
def test_gradients_are_pefts(r, alpha, rank_stabilized):
    base, x = base_layer(), inputs()
    ours = hand_layer(base, r, alpha, rank_stabilized)
    theirs, _ = peft_layer(base, r, alpha, rank_stabilized)
    for layer in (ours, theirs):
        layer(x).square().mean().backward()
    assert close(ours.A.grad, theirs.lora_A["default"].weight.grad)
    assert close(ours.B.grad, theirs.lora_B["default"].weight.grad)
    assert ours.base.weight.grad is None
    assert ours.base.bias.grad is None


@every_setting
def test_the_scaling_is_pefts(r, alpha, rank_stabilized):
    theirs, _ = peft_layer(base_layer(), r, alpha, rank_stabilized)
    assert lora_scaling(alpha, r, rank_stabilized) == pytest.approx(theirs.scaling["default"])


def test_the_scaling_by_hand():
    assert lora_scaling(16, 4) == 4
    assert lora_scaling(16, 4, rank_stabilized=True) == 8
    assert lora_scaling(1, 64, rank_stabilized=True) == pytest.approx(1 / math.sqrt(64))


@every_setting
def test_a_new_layer_is_exactly_its_base(r, alpha, rank_stabilized):
    base, x = base_layer(), inputs()
    layer = LoraLinear(copy.deepcopy(base), r, alpha, rank_stabilized)
    assert torch.equal(layer(x), base(x))
    assert torch.count_nonzero(layer.delta()) == 0
    assert torch.count_nonzero(layer.A) == layer.A.numel()
    assert (layer.A.shape, layer.B.shape) == ((r, K), (D, r))


def test_a_starts_as_in_peft():
    """Kaiming-uniform with a = √5: uniform within ±1/√k."""
    torch.manual_seed(0)
    a = LoraLinear(nn.Linear(400, 4), 64, 1).A.detach()
    assert a.abs().max() == pytest.approx(1 / math.sqrt(400), rel=0.01)
    assert a.std() == pytest.approx(1 / math.sqrt(3 * 400), rel=0.02)


def test_only_the_factors_train():
    layer = LoraLinear(base_layer(), 2, 4)
    trainable = {name for name, p in layer.named_parameters() if p.requires_grad}
    assert trainable == {"A", "B"}


def test_the_factors_lie_where_the_base_lies():
    layer = LoraLinear(nn.Linear(K, D, device="meta"), 2, 4)
    assert {parameter.device.type for parameter in layer.parameters()} == {"meta"}


@pytest.mark.parametrize("r", [0, -1])
def test_a_rank_below_one_is_refused(r):
    with pytest.raises(ValueError, match="at least 1"):
        LoraLinear(base_layer(), r, 8)


@every_setting
def test_merging_changes_the_weight_and_not_the_output(r, alpha, rank_stabilized):
    base, x = base_layer(), inputs()
    layer = hand_layer(base, r, alpha, rank_stabilized)
    before = layer(x).detach()
    layer.merge()
    assert close(layer(x), before)
    _, theirs = peft_layer(base, r, alpha, rank_stabilized)
    assert close(layer.base.weight, theirs.merge_and_unload()[0].weight)
    assert not close(layer.base.weight, base.weight, 1e-2)


@every_setting
def test_unmerging_gives_weight_and_output_back(r, alpha, rank_stabilized):
    base, x = base_layer(), inputs()
    layer = hand_layer(base, r, alpha, rank_stabilized)
    before = layer(x).detach()
    layer.merge()
    layer.unmerge()
    assert close(layer.base.weight, base.weight, 1e-5)
    assert close(layer(x), before, 1e-5)
    assert not close(layer(x), base(x), 1e-2)


def test_merging_and_unmerging_twice_changes_nothing_more():
    base = base_layer()
    layer = hand_layer(base, 4, 16)
    layer.unmerge()
    assert torch.equal(layer.base.weight, base.weight)
    layer.merge()
    once = layer.base.weight.detach().clone()
    layer.merge()
    assert torch.equal(layer.base.weight, once)
    layer.unmerge()
    once = layer.base.weight.detach().clone()
    layer.unmerge()
    assert torch.equal(layer.base.weight, once)


def test_merge_weight_gives_the_forward_of_lora_and_leaves_its_inputs():
    (a, b), x, w = factors(4), inputs(), inputs(D, K)
    kept = w.clone()
    merged = merge(w, a, b, 16, 4)
    assert merged.shape == (D, K)
    assert close(x @ merged.T, lora_forward(x, w, a, b, 16, 4))
    assert torch.equal(w, kept)
    assert not close(merged, w, 1e-2)


# A whole model

TARGETS = [["query", "value"], ["query", "key", "value", "intermediate.dense"], ["output.dense"]]


@pytest.mark.parametrize("targets", TARGETS, ids="+".join)
@pytest.mark.parametrize("r", [1, 4])
def test_adapter_parameters_are_pefts_trainable_count(tiny_bert, targets, r):
    plain = AutoModel.from_pretrained(tiny_bert)
    shapes = [
        tuple(module.weight.shape)
        for name, module in plain.named_modules()
        if isinstance(module, nn.Linear) and name.endswith(tuple(f".{t}" for t in targets))
    ]
    theirs = get_peft_model(plain, LoraConfig(r=r, target_modules=targets))
    hand = load_encoder(str(tiny_bert))
    names = add_lora(hand, targets, r, 8)
    assert len(names) == len(shapes) > 0
    assert adapter_parameters(shapes, r) == trainable_parameters(theirs)
    assert adapter_parameters(shapes, r) == trainable_parameters(hand)


def test_adapter_parameters_by_hand():
    assert adapter_parameters([(10, 6), (3, 5)], 2) == 2 * 16 + 2 * 8
    assert adapter_parameters([], 8) == 0


def test_add_lora_leaves_the_output_and_freezes_the_rest(tiny_bert):
    ids = torch.tensor([[2, 4, 5, 6, 3]])
    plain, hand = load_encoder(str(tiny_bert)).eval(), load_encoder(str(tiny_bert)).eval()
    names = add_lora(hand, ["query", "value"], 2, 4)
    assert names == [
        f"encoder.layer.{block}.attention.self.{matrix}"
        for block in (0, 1)
        for matrix in ("query", "value")
    ]
    assert torch.equal(plain(ids).last_hidden_state, hand(ids).last_hidden_state)
    trainable = {name for name, p in hand.named_parameters() if p.requires_grad}
    assert trainable == {f"{name}.{factor}" for name in names for factor in "AB"}


def test_add_lora_passes_rank_stabilization_on(tiny_bert):
    hand = load_encoder(str(tiny_bert))
    names = add_lora(hand, ["query"], 4, 8, rank_stabilized=True)
    assert {hand.get_submodule(name).scaling for name in names} == {4.0}


def test_add_lora_wraps_the_layers_that_peft_wraps():
    """``v_proj`` is a whole name: PEFT does not take ``qkv_proj`` for it, as Phi-3 has one."""

    def model() -> nn.Module:
        names = ("q_proj", "v_proj", "qkv_proj")
        return nn.ModuleDict({"attention": nn.ModuleDict({n: nn.Linear(4, 4) for n in names})})

    theirs = get_peft_model(model(), LoraConfig(r=2, target_modules=["v_proj"]))
    assert add_lora(model(), ["v_proj"], 2, 4) == list(theirs.base_model.targeted_module_names)
