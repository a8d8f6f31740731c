"""The measurement "by hand = PEFT", on a tiny encoder, and that it would see a difference."""

import pytest
import torch

from lab_helpers.labs.lab02 import parity
from lab_helpers.models.encoders import load_encoder
from lab_helpers.tuning.lora import LoraLinear, add_lora
from lab_helpers.tuning.transfer import TextEncoder

TEXTS = ["the heater is loud", "my lamp broke", "a very good box, and it works"]


@pytest.fixture
def encoder(tiny_bert):
    return TextEncoder(str(tiny_bert), 32)


def test_by_hand_and_peft_agree_at_every_stage(encoder, tmp_path):
    found = parity.parity_with_peft(encoder, TEXTS, tmp_path, r=4, alpha=64, seed=3)
    assert found["step0_max_abs_diff"] == 0
    for stage in ("peft_max_abs_diff_forward", "peft_max_abs_diff_merged"):
        assert found[stage] <= 1e-6, stage
    for stage in ("merge_max_abs_diff", "unmerge_max_abs_diff"):
        assert found[stage] <= 1e-5, stage
    assert found["adapter_effect"] > 1e-4
    assert (found["adapted_matrices_qv"], found["linear_matrices_total"]) == (4, 13)
    size = (tmp_path / "adapter" / "adapter_model.safetensors").stat().st_size
    assert found["adapter_bytes"] == size
    assert found["adapter_bytes_rel_error"] == pytest.approx(size / (4 * 4 * 4 * 32) - 1)


def test_a_wrong_scaling_would_be_seen(encoder, tmp_path, monkeypatch):
    right = LoraLinear.forward
    monkeypatch.setattr(LoraLinear, "forward", lambda self, x: 2 * right(self, x) - self.base(x))
    found = parity.parity_with_peft(encoder, TEXTS, tmp_path, r=4, alpha=64, seed=3)
    assert found["peft_max_abs_diff_forward"] > 1e-4


def test_a_base_weight_that_merging_and_unmerging_does_not_give_back_would_be_seen(
    encoder, tmp_path, monkeypatch
):
    monkeypatch.setattr(LoraLinear, "unmerge", lambda self: setattr(self, "merged", False))
    found = parity.parity_with_peft(encoder, TEXTS, tmp_path, r=4, alpha=64, seed=3)
    assert found["unmerge_max_abs_diff"] > 1e-4


@pytest.fixture
def adapted(tiny_bert):
    """The tiny encoder with an adapter that does something, and the adapter's layers."""
    model = load_encoder(str(tiny_bert))
    add_lora(model, ["query", "value"], 2, 4)
    layers = [layer for layer in model.modules() if isinstance(layer, LoraLinear)]
    with torch.no_grad():
        for layer in layers:
            layer.B += 1
    return model, layers


def test_the_hash_of_the_frozen_weights_ignores_the_adapter(adapted):
    model, layers = adapted
    before = parity.frozen_hash(model)
    with torch.no_grad():
        for layer in layers:
            layer.A += 1
            layer.B -= 3
    assert parity.frozen_hash(model) == before


def test_the_hash_of_the_frozen_weights_sees_one_changed_weight(adapted):
    model, layers = adapted
    before = parity.frozen_hash(model)
    with torch.no_grad():
        layers[-1].base.weight[0, 0] += 1e-4
    assert parity.frozen_hash(model) != before


def test_the_hash_of_the_frozen_weights_sees_a_merge(adapted):
    model, layers = adapted
    before = parity.frozen_hash(model)
    layers[0].merge()
    assert parity.frozen_hash(model) != before
