"""A dead model's memory is given back before the next one is loaded, circle or not."""

import gc
import weakref

import pytest
import torch
from peft import LoraConfig, get_peft_model
from trl import SFTConfig

from lab_helpers.models import residency
from lab_helpers.models.four_bit import four_bit_layers, load_four_bit
from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning.sft import prompt_completion, sft_trainer
from lab_helpers.tuning.trainer_config import machine_settings, trainer_config

ROWS = prompt_completion([{"question": "Is the lamp warm?", "answer": "The lamp is warm."}] * 2)


@pytest.fixture
def no_collector():
    """Python's collector finds nothing by chance meanwhile."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def train_and_forget(folder, tmp_path) -> weakref.ref:
    """A weak reference to a model that TRL has had; everything else is out of reach."""
    model, tokenizer = load_language_model(str(folder))
    config = trainer_config(SFTConfig, machine_settings(tmp_path, "auto", 0), max_steps=1)
    adapter = LoraConfig(r=2, target_modules=["q_proj"])
    sft_trainer(model, tokenizer, ROWS, config, adapter).train()
    return weakref.ref(model)


def test_a_trained_model_outlives_its_last_name_until_another_is_loaded(
    tiny_chat_model, tmp_path, no_collector
):
    dead = train_and_forget(tiny_chat_model, tmp_path)
    assert dead() is not None, "TRL's bound forward holds it"
    assert "forward" in vars(dead())
    load_language_model(str(tiny_chat_model))
    assert dead() is None


def load_in_four_bits_and_forget(folder) -> list[weakref.ref]:
    """Weak references to the 4-bit layers of a model that has worn an adapter."""
    model, _ = load_four_bit(str(folder))
    adapted = get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"]))
    layers = list(four_bit_layers(adapted).values())
    for layer in layers:
        layer.weight.owner = layer  # a circle, as TRL's and bitsandbytes' own
    return [weakref.ref(layer) for layer in layers]


def test_layers_that_outlive_their_model_go_too(tiny_chat_model, no_collector):
    layers = load_in_four_bits_and_forget(tiny_chat_model)
    assert layers
    load_language_model(str(tiny_chat_model))
    assert not [layer for layer in layers if layer() is not None]


def test_a_model_in_use_stays(tiny_chat_model, no_collector):
    model, _ = load_language_model(str(tiny_chat_model))
    before = model.get_input_embeddings().weight.clone()
    residency.free_dead_models()
    assert torch.equal(model.get_input_embeddings().weight, before)


def test_the_card_gets_its_blocks_back(tiny_chat_model, monkeypatch):
    calls = []
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: calls.append("cuda"))
    monkeypatch.setattr(gc, "collect", lambda: calls.append("collect"))
    model, _ = load_language_model(str(tiny_chat_model))
    calls.clear()
    residency.free_dead_models()
    assert calls == ["collect", "cuda"], "first the model goes, then its blocks"
    del model


def test_where_no_model_is_left_nothing_is_looked_for(monkeypatch):
    """A collection takes 0.4 seconds with torch, transformers and TRL in memory."""
    monkeypatch.setattr(residency, "_loaded", weakref.WeakSet())
    monkeypatch.setattr(gc, "collect", lambda: pytest.fail("nothing can be dead"))
    residency.free_dead_models()
