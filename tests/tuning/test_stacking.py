"""Adapters trained one after the other, joined into one on the untouched base."""

import pytest
import torch
from peft import LoraConfig, get_peft_model

from lab_helpers.models.adapters import load_adapter
from lab_helpers.models.language_models import load_language_model
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.stacking import stack_adapters

pytestmark = pytest.mark.usefixtures("one_thread")
IDS = torch.tensor([[5, 8, 13, 21]])


def logits(model) -> torch.Tensor:
    with torch.inference_mode():
        return model(input_ids=IDS).logits


def random_adapter(model, seed: int, **settings):
    torch.manual_seed(seed)
    usual = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj"]}
    config = LoraConfig(task_type="CAUSAL_LM", init_lora_weights=False, **(usual | settings))
    return get_peft_model(model, config).eval()


@pytest.fixture
def two(tiny_chat_model, tmp_path):
    """A first adapter, a second one trained on the merged first; their folders and the final logits."""
    first = random_adapter(load_language_model(str(tiny_chat_model))[0], 1)
    first.save_pretrained(tmp_path / "first")
    merged = first.merge_and_unload()
    second = random_adapter(merged, 2, r=2, lora_alpha=8)
    second.save_pretrained(tmp_path / "second")
    return [tmp_path / "first", tmp_path / "second"], logits(second)


def test_one_adapter_on_the_base_does_what_both_do(two, tiny_chat_model, tmp_path):
    folders, wanted = two
    size = stack_adapters(load_language_model(str(tiny_chat_model))[0], folders, tmp_path / "both")
    assert size == (tmp_path / "both" / "adapter_model.safetensors").stat().st_size
    base = load_language_model(str(tiny_chat_model))[0]
    untouched = logits(base)
    loaded = load_adapter(base, tmp_path / "both")
    assert torch.allclose(logits(loaded), wanted, atol=1e-4)
    with loaded.disable_adapter():
        assert torch.equal(logits(loaded), untouched)
    assert loaded.peft_config["default"].r == 6


def test_the_base_comes_back_bare_and_may_be_one_into_which_an_adapter_was_merged(
    two, tiny_chat_model, tmp_path
):
    folders, wanted = two
    merged = load_adapter(load_language_model(str(tiny_chat_model))[0], folders[0])
    merged = merged.merge_and_unload()
    before = logits(merged)
    stack_adapters(merged, folders, tmp_path / "both")
    assert torch.equal(logits(merged), before)
    assert not [name for name, _ in merged.named_parameters() if "lora_" in name]
    loaded = load_adapter(load_language_model(str(tiny_chat_model))[0], tmp_path / "both")
    assert torch.allclose(logits(loaded), wanted, atol=1e-4)


def test_the_second_alone_on_the_base_is_something_else(two, tiny_chat_model):
    folders, wanted = two
    alone = load_adapter(load_language_model(str(tiny_chat_model))[0], folders[1])
    assert not torch.allclose(logits(alone), wanted, atol=0.1)


def test_adapters_of_different_layers_are_refused_or_joined_rightly(two, tiny_chat_model, tmp_path):
    base = load_language_model(str(tiny_chat_model))[0]
    with pytest.raises(BadInput, match="holds no adapter"):
        stack_adapters(base, [two[0][0], tmp_path], tmp_path / "both")
