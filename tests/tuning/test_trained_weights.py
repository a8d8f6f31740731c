"""What trains is float32 while it trains, and comes back so that the model computes without autocast."""

import pytest
import torch
from peft import LoraConfig, get_peft_model

from lab_helpers.models.language_models import load_language_model
from lab_helpers.tuning.trained_weights import float32_where_it_trains

SHORT = (torch.float16, torch.bfloat16)


def formats(model) -> set[tuple[bool, torch.dtype]]:
    return {(p.requires_grad, p.dtype) for p in model.parameters()}


@pytest.fixture(params=SHORT, ids=str)
def base(request, tiny_chat_model):
    return load_language_model(str(tiny_chat_model), dtype=request.param)[0]


def adapted(base, **more):
    return get_peft_model(base, LoraConfig(r=2, target_modules=["q_proj", "v_proj"], **more))


def test_an_adapter_that_trl_made_bf16_becomes_float32_and_stays(base):
    """TRL casts adapters over 4-bit weights; a gradient scaler could not unscale their gradients."""
    model, short = adapted(base), base.dtype
    for parameter in model.parameters():
        parameter.data = parameter.data.to(short)
    with float32_where_it_trains(model):
        assert formats(model) == {(True, torch.float32), (False, short)}
    assert formats(model) == {(True, torch.float32), (False, short)}
    model(torch.tensor([[5, 6, 7]]))


def test_a_base_that_trains_as_a_whole_stays_float32(base):
    base.requires_grad_(True)
    before = base.get_input_embeddings().weight
    with float32_where_it_trains(base):
        assert base.get_input_embeddings().weight is before, "an optimizer may hold it already"
        assert formats(base) == {(True, torch.float32)}
    assert formats(base) == {(True, torch.float32)}
    base(torch.tensor([[5, 6, 7]]))


def test_a_saved_module_goes_back_beside_a_short_base(base):
    model, short = adapted(base, modules_to_save=["lm_head"]), base.dtype
    with float32_where_it_trains(model):
        assert formats(model) == {(True, torch.float32), (False, short)}
    assert model.get_output_embeddings().weight.dtype == short
    assert {p.dtype for n, p in model.named_parameters() if "lora_" in n} == {torch.float32}
    model(torch.tensor([[5, 6, 7]]))


def test_what_breaks_the_training_off_leaves_a_model_that_computes(base):
    model = adapted(base, modules_to_save=["lm_head"])
    with pytest.raises(KeyboardInterrupt), float32_where_it_trains(model):
        raise KeyboardInterrupt
    model(torch.tensor([[5, 6, 7]]))


def test_float32_models_are_not_touched(tiny_chat_model):
    model, _ = load_language_model(str(tiny_chat_model))
    before = {name: p.data_ptr() for name, p in model.named_parameters()}
    with float32_where_it_trains(model.requires_grad_(True)):
        pass
    assert {name: p.data_ptr() for name, p in model.named_parameters()} == before
