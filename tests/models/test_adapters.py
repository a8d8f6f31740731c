"""Adapters on disk: what is saved, and that only the right base gets them back."""

import errno

import pytest
import torch
from peft import LoraConfig, get_peft_model
from safetensors import SafetensorError

from lab_helpers.models.adapters import (
    fingerprint,
    load_adapter,
    load_base_with_adapter,
    save_adapter,
)
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.lora import adapter_parameters

IDS = torch.tensor([[5, 6, 7, 8]])


def adapted(folder, seed=0):
    """The model of ``folder`` with a LoRA that changes something."""
    model, _ = load_language_model(str(folder))
    torch.manual_seed(seed)
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    return get_peft_model(model, config).eval()


@pytest.fixture
def saved(tiny_chat_model, tmp_path):
    model = adapted(tiny_chat_model)
    size = save_adapter(model, tmp_path / "adapter")
    return model, tmp_path / "adapter", size


def test_what_is_loaded_again_answers_the_same(tiny_chat_model, saved):
    model, folder, _ = saved
    loaded, tokenizer = load_base_with_adapter(str(tiny_chat_model), folder)
    assert torch.equal(loaded(IDS).logits, model(IDS).logits)
    assert tokenizer.chat_template
    assert not loaded.training


def test_the_size_is_that_of_its_parameters(saved):
    model, folder, size = saved
    shapes = [(32, 32), (32, 32)] * 2
    parameters = adapter_parameters(shapes, 2)
    assert sum(p.numel() for n, p in model.named_parameters() if "lora_" in n) == parameters
    assert 4 * parameters < size < 4 * parameters + 2000
    assert not list(folder.glob("*.bin"))


def test_another_base_of_the_same_shape_is_refused(tiny_chat_model, saved):
    """Without the fingerprint it would load and answer nonsense."""
    _, folder, _ = saved
    other, _ = load_language_model(str(tiny_chat_model))
    with torch.no_grad():
        other.get_input_embeddings().weight[0, 0] += 1
    with pytest.raises(BadInput, match="another base"):
        load_adapter(other, folder)


def test_another_base_of_another_shape_is_refused_without_a_fingerprint(saved):
    from transformers import Qwen2Config, Qwen2ForCausalLM

    _, folder, _ = saved
    (folder / "base_fingerprint.json").unlink()
    other = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=50,
            hidden_size=64,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
        )
    )
    with pytest.raises(BadInput, match=r"another base .*size mismatch"):
        load_adapter(other, folder)


def test_a_strangers_adapter_without_a_fingerprint_is_loaded(tiny_chat_model, saved):
    model, folder, _ = saved
    (folder / "base_fingerprint.json").unlink()
    loaded, _ = load_base_with_adapter(str(tiny_chat_model), folder)
    assert torch.equal(loaded(IDS).logits, model(IDS).logits)


def test_a_folder_without_an_adapter_is_refused(tiny_chat_model, tmp_path):
    with pytest.raises(BadInput, match=r"holds no adapter \(adapter_config.json is missing\)"):
        load_base_with_adapter(str(tiny_chat_model), tmp_path)


def test_pickled_weights_are_never_loaded(tiny_chat_model, saved):
    _, folder, _ = saved
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    with pytest.raises(BadInput, match="pickled weights are never loaded"):
        load_base_with_adapter(str(tiny_chat_model), folder)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        SafetensorError("I/O error: No space left on device (os error 28)"),
    ],
    ids=["system", "safetensors"],
)
def test_a_full_disk_is_one_line_and_keeps_the_model(tiny_chat_model, tmp_path, monkeypatch, error):
    model = adapted(tiny_chat_model)

    def full(*args, **kwargs):
        raise error

    monkeypatch.setattr(type(model), "save_pretrained", full)
    with pytest.raises(BadInput, match="still in memory"):
        save_adapter(model, tmp_path / "adapter")


def test_the_fingerprint_is_of_the_base_not_of_the_adapter(tiny_chat_model):
    base, _ = load_language_model(str(tiny_chat_model))
    assert fingerprint(base) == fingerprint(adapted(tiny_chat_model, 0))
    assert fingerprint(base) == fingerprint(adapted(tiny_chat_model, 1))


def test_the_fingerprint_of_a_large_vocabulary_reads_its_ends_only(tiny_chat_model):
    base, _ = load_language_model(str(tiny_chat_model))
    base.set_input_embeddings(torch.nn.Embedding(10_000, 32))
    before = fingerprint(base)
    with torch.no_grad():
        base.get_input_embeddings().weight[-1] += 1
    assert fingerprint(base) != before
