"""Activations counted on the meta device: exact extrapolation, and torch's own allocations as the judge."""

from dataclasses import replace

import pytest
import torch
from transformers import CONFIG_MAPPING

from lab_helpers.models.known_configs import linear_shapes, meta_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.dry_run import (
    DryStep,
    activation_bytes,
    along_length,
    block_pattern,
    can_checkpoint,
    peak_bytes,
    walked_length,
)
from lab_helpers.tuning.live_bytes import LiveBytes

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


def test_gradients_of_trained_shapes_are_left_out():
    weight = torch.empty(8, 4, device="meta")
    with LiveBytes([weight], {(8, 4)}) as live:
        weight.t()
        with torch.no_grad():  # as a backward pass is
            gradient = torch.empty(8, 4, device="meta")
            turned = torch.empty(4, 8, device="meta")
        assert live.live == 0
        del gradient, turned
        activation = torch.empty(8, 4, device="meta")
        assert live.live == activation.nbytes


def test_a_question_for_a_value_is_answered_yes():
    mask = torch.ones(2, 3, dtype=torch.bool, device="meta")
    with LiveBytes([mask], set()):
        assert bool(mask.all()) is True
        assert int(mask.sum()) == 1


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("loss", ["model", "fused"])
@pytest.mark.parametrize("model", [SMALL, "Gemma 2 2B"])
def test_the_line_through_two_lengths_meets_a_longer_model(model, method, checkpointing, loss):
    step = DryStep(model, method, 8, checkpointing=checkpointing, length=256, loss=loss)
    short, longer = block_pattern(model).lengths
    one, two, far = (peak_bytes(step, blocks) for blocks in (short, longer, 3 * longer - 2 * short))
    assert far == one + 3 * (two - one)


def test_the_whole_model_is_met_too():
    step = DryStep(SMALL, r=8, targets="q, v", length=64)
    assert activation_bytes(step) == peak_bytes(step, 24) == peak_bytes(step)


def test_checkpointing_saves_and_keeps_one_input_a_block():
    step = DryStep(SMALL, "lora", 8, "q, v", length=256)
    kept = [
        peak_bytes(replace(step, checkpointing=checkpointing), 3)
        - peak_bytes(replace(step, checkpointing=checkpointing), 2)
        for checkpointing in (True, False)
    ]
    assert kept[0] == 256 * 896 * 2
    assert kept[1] > 10 * kept[0]


def test_more_tokens_take_proportionally_more():
    step = DryStep(SMALL, "lora", 8, "q, v")
    small, long, wide = (
        activation_bytes(one) for one in (step, replace(step, length=1024), replace(step, rows=2))
    )
    assert long / small == pytest.approx(2, rel=0.01)
    assert wide == pytest.approx(long, rel=0.01), "fused attention does not care how texts are cut"


def test_an_unfused_attention_keeps_the_square_of_the_length():
    """Gemma 2's capped scores: transformers runs them unfused."""
    step = DryStep("Gemma 2 2B", "lora", 8, "q, v", checkpointing=False, length=2048, loss="score")
    halves = replace(step, length=1024, rows=2)
    assert peak_bytes(step, 2) > 1.3 * peak_bytes(halves, 2)


def test_float32_takes_more_than_16_bits():
    step = DryStep(SMALL, "lora", 8, "q, v", checkpointing=False, length=256)
    half, whole = (activation_bytes(replace(step, wide=wide)) for wide in (2, 4))
    assert half < whole <= 2 * half


def test_a_dequantized_weight_is_counted_where_it_is_the_peak():
    """One token: nothing is large but the matrix that is unpacked."""
    largest = max(d * k for d, k in linear_shapes("Qwen2.5 7B")[0].values())
    plain, four = (
        peak_bytes(DryStep("Qwen2.5 7B", method, 4, "q, v", length=1), 1)
        for method in ("lora", "qlora")
    )
    assert four >= 2 * largest
    assert plain < 2 * largest


def test_models_of_another_build_can_be_counted():
    assert len(meta_model("GPT-3 175B", 2).model.decoder.layers) == 2
    assert activation_bytes(DryStep("GPT-3 175B", "lora", 4, "q, v", length=16)) > 0


# Families that are counted in another way


def saved(name: str, folder, **settings) -> str:
    CONFIG_MAPPING[name](**settings).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize(
    ("name", "length"), [("mamba", 512), pytest.param("qwen3_5_text", 768, marks=pytest.mark.slow)]
)
def test_a_walk_through_a_long_text_is_counted_on_shorter_ones(tmp_path, name, length):
    model = saved(name, tmp_path)
    assert 32 < walked_length(model) < length
    step = DryStep(model, "lora", 4, rows=2, length=length, loss="fused")
    blocks = block_pattern(model).first + block_pattern(model).group
    guessed = along_length(step, lambda one: peak_bytes(one, blocks))
    assert guessed == pytest.approx(peak_bytes(step, blocks), rel=0.02)


def test_a_model_that_reads_all_tokens_at_once_is_not_walked_through():
    assert walked_length(SMALL) is None


def test_a_family_without_checkpointing_is_counted_without(tmp_path):
    model = saved("gpt_neox_japanese", tmp_path, num_hidden_layers=2)
    assert not can_checkpoint(model)
    step = DryStep(model, "lora", 4, length=32)
    assert activation_bytes(step) == activation_bytes(replace(step, checkpointing=False))


def test_experts_take_what_their_tokens_take(tmp_path):
    """Twice the experts a token goes to, about twice the rows; how many there are does not matter."""
    few = saved("mixtral", tmp_path / "few", num_experts_per_tok=2)
    more = saved("mixtral", tmp_path / "more", num_experts_per_tok=4)
    many = saved("mixtral", tmp_path / "many", num_experts_per_tok=2, num_local_experts=16)
    peaks = [
        peak_bytes(DryStep(model, "lora", 4, "q, v", length=2048, loss="score"), 1)
        for model in (few, more, many)
    ]
    assert 1.5 * peaks[0] < peaks[1] < 2.1 * peaks[0]
    assert peaks[2] == pytest.approx(peaks[0], rel=0.01)


def test_a_senseless_step_is_one_sentence(tmp_path):
    model = saved("blt", tmp_path)
    with pytest.raises(BadInput, match="cannot be gone through without its weights"):
        peak_bytes(DryStep(model, "lora", length=8), 1)
