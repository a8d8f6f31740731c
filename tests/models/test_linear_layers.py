"""Which matrices are quantized and adapted, against bitsandbytes and PEFT themselves."""

import pytest
import torch
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, BitsAndBytesConfig

from lab_helpers.models.linear_layers import adaptable_layers, expert_parameters, quantized_layers

pytestmark = pytest.mark.filterwarnings("ignore")
FAMILIES = (
    *(
        "llama",
        "qwen2",
        "gemma2",
        "opt",
        "gpt2",
        "gpt_neox",
        "bloom",
        "falcon",
        "gptj",
        "mpt",
        "phi3",
    ),
    *("mixtral", "qwen3_moe", "gpt_oss", "deepseek_v3", "longcat_flash", "jamba", "zamba2", "lfm2"),
)


def built(name: str):
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(CONFIG_MAPPING[name]())


@pytest.mark.parametrize("name", FAMILIES)
def test_quantized_is_what_transformers_replaces(name):
    import bitsandbytes
    from transformers.integrations import replace_with_bnb_linear
    from transformers.quantizers.base import HfQuantizer

    net = built(name)
    ours = set(quantized_layers(net))
    kept = HfQuantizer.get_modules_to_not_convert(net, None, net._keep_in_fp32_modules)
    replace_with_bnb_linear(net, kept, BitsAndBytesConfig(load_in_4bit=True))
    theirs = {n for n, m in net.named_modules() if isinstance(m, bitsandbytes.nn.Linear4bit)}
    assert ours == theirs


@pytest.mark.parametrize("name", ["llama", "gpt2", "falcon", "bloom", "gptj", "jamba"])
def test_adapted_is_what_peft_adapts(name):
    from peft import LoraConfig, get_peft_model
    from peft.tuners.lora import LoraLayer

    net = built(name)
    ours = set(adaptable_layers(net))
    adapted = get_peft_model(net, LoraConfig(r=2, target_modules="all-linear")).base_model.model
    assert ours == {n for n, m in adapted.named_modules() if isinstance(m, LoraLayer)}


def test_falcons_own_linear_class_is_not_quantized():
    net = built("falcon")
    assert not quantized_layers(net)
    assert len(adaptable_layers(net)) == 4 * 32


@pytest.mark.parametrize(
    ("name", "share"), [("mixtral", 2 / 8), ("qwen3_moe", 8 / 128), ("dbrx", 1 / 4)]
)
def test_a_token_goes_to_some_of_the_experts(name, share):
    extra = {"attn_config": {"kv_n_heads": 8, "rope_theta": 500000}} if name == "dbrx" else {}
    with torch.device("meta"):
        net = AutoModelForCausalLM.from_config(CONFIG_MAPPING[name](**extra))
    inside, active = expert_parameters(net)
    assert active / inside == pytest.approx(share)
    assert 0.5 < inside / sum(p.numel() for p in net.parameters()) < 1


def test_a_dense_model_has_no_experts():
    assert expert_parameters(built("llama")) == (0, 0)
