"""What writing takes: the cache to the byte, and the peak of a real generation on this machine."""

import pytest
import torch
from transformers import CONFIG_MAPPING

from lab_helpers.labs.lab03.memory_check import measure_peak
from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning.dry_run import DryStep
from lab_helpers.tuning.generation_memory import generation_bytes

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_cache_of_a_llama_by_hand():
    """2 (keys, values) · 32 blocks · 8 heads · 128 wide · 2 bytes, for 8 texts of 1,024 tokens."""
    step = DryStep("Llama 3 8B", "lora", rows=8, length=1024, scored=512)
    assert generation_bytes(step)[0] == 2 * 32 * 8 * 128 * 2 * 8 * 1024


def test_unsloths_20k_tokens():
    """unsloth.ai/blog/grpo: 2.5 GB for one text of 20,000 tokens (they divide by 1024³)."""
    step = DryStep("Llama 3 8B", "lora", rows=1, length=20_000, scored=19_999)
    assert generation_bytes(step)[0] / 2**30 == pytest.approx(2.44, abs=0.01)


def test_the_cache_grows_with_texts_and_tokens():
    small = generation_bytes(DryStep("Qwen2.5 0.5B", rows=1, length=64, scored=32))
    rows = generation_bytes(DryStep("Qwen2.5 0.5B", rows=4, length=64, scored=32))
    tokens = generation_bytes(DryStep("Qwen2.5 0.5B", rows=1, length=256, scored=128))
    assert rows[0] == tokens[0] == 4 * small[0]


def test_a_sliding_window_keeps_its_width():
    """Every other block of Gemma 2 sees 4,096 tokens."""
    near, far = (
        generation_bytes(DryStep("Gemma 2 2B", "lora", length=length, scored=1))[0]
        for length in (4096, 8192)
    )
    assert near < far < 1.6 * near


def test_a_state_does_not_grow(tmp_path):
    CONFIG_MAPPING["mamba"](num_hidden_layers=4).save_pretrained(tmp_path)
    model = str(tmp_path)
    short, long = (
        generation_bytes(DryStep(model, "lora", length=length, scored=8))[0] for length in (32, 64)
    )
    assert short == long > 0


@pytest.mark.parametrize("rows", [2, 16])
def test_kotoris_cache_to_the_byte_and_its_generation_within_a_quarter(rows):
    model, tokenizer = load_language_model("kotori")
    prompt, written = 96, 48
    ids = torch.randint(5, 1000, (rows, prompt))
    with torch.no_grad():
        filled = model(torch.randint(5, 1000, (rows, prompt + written)), use_cache=True)
    layers = filled.past_key_values.layers
    measured = sum(t.nbytes for layer in layers for t in (layer.keys, layer.values))
    step = DryStep("kotori", "full", wide=4, rows=rows, length=prompt + written, scored=written)
    cache, beside = generation_bytes(step)
    assert cache == measured

    def write() -> None:
        model.generate(
            ids,
            max_new_tokens=written,
            min_new_tokens=written,
            do_sample=True,
            pad_token_id=tokenizer.pad_token_id,
        )

    write()
    assert cache + beside == pytest.approx(measure_peak(write, "cpu"), rel=0.25)
