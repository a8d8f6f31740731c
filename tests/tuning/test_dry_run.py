"""Activations counted on the meta device: exact extrapolation, and torch's own allocations as the judge."""

import pytest
import torch

from lab_helpers.models.known_configs import linear_shapes, meta_model
from lab_helpers.tuning.dry_run import LiveBytes, activation_bytes, peak_bytes

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = "Qwen2.5 0.5B"


def test_births_and_deaths_are_counted():
    weight = torch.empty(4, 4, device="meta")
    with LiveBytes([weight], set()) as live:
        first = weight + 1
        second = first.view(16)
        assert live.live == 64
        del first
        assert live.live == 64, "a view keeps the storage alive"
        third = second * 2
        assert live.live == 128
        del second, third
        assert live.live == 0
    assert live.peak == 128


def test_weights_and_gradients_of_trained_shapes_are_left_out():
    weight = torch.empty(8, 4, device="meta")
    with LiveBytes([weight], {(8, 4)}) as live:
        weight.t()
        gradient = torch.empty(8, 4, device="meta")
        turned = torch.empty(4, 8, device="meta")
        assert live.live == 0
        del gradient, turned


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("model", [SMALL, "Gemma 2 2B"])
def test_the_line_through_one_and_two_blocks_meets_five(model, method, checkpointing):
    arguments = (method, 8, "all linear", checkpointing, 2, 256)
    one, two, five = (peak_bytes(model, layers, *arguments) for layers in (1, 2, 5))
    assert five == one + 4 * (two - one)


def test_the_whole_model_is_met_too():
    arguments = ("qlora", 8, "q, v", True, 2, 64)
    assert activation_bytes(SMALL, *arguments) == peak_bytes(SMALL, 24, *arguments)


def test_checkpointing_saves_and_keeps_one_input_a_block():
    kept = [
        peak_bytes(SMALL, 2, "lora", 8, "q, v", checkpointing, 2, 256)
        - peak_bytes(SMALL, 1, "lora", 8, "q, v", checkpointing, 2, 256)
        for checkpointing in (True, False)
    ]
    assert kept[0] == 256 * 896 * 2
    assert kept[1] > 10 * kept[0]


def test_more_tokens_take_proportionally_more():
    small, large = (
        activation_bytes(SMALL, "lora", 8, "q, v", True, 2, tokens) for tokens in (512, 1024)
    )
    assert large / small == pytest.approx(2, rel=0.01)


def test_float32_takes_more_than_16_bits():
    half, whole = (activation_bytes(SMALL, "lora", 8, "q, v", False, wide, 256) for wide in (2, 4))
    assert half < whole <= 2 * half


def test_a_dequantized_weight_is_counted_where_it_is_the_peak():
    """One token: nothing is large but the matrix that is unpacked."""
    largest = max(d * k for d, k in linear_shapes("Qwen2.5 7B")[0].values())
    plain, four = (
        peak_bytes("Qwen2.5 7B", 1, method, 4, "q, v", True, 2, 1) for method in ("lora", "qlora")
    )
    assert four >= 2 * largest
    assert plain < 2 * largest


def test_models_of_another_build_can_be_counted():
    assert meta_model("GPT-3 175B", 2).config.num_hidden_layers == 2
    assert activation_bytes("GPT-3 175B", "lora", 4, "q, v", True, 2, 16) > 0
