"""Every family that transformers can build a text model of: counted, or one sentence that says why not."""

import pytest
from transformers import CONFIG_MAPPING
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from lab_helpers.models.known_configs import linear_shapes, quantized_shapes
from lab_helpers.runtime.errors import BadInput
from lab_helpers.tuning.dry_run import DryStep, block_pattern, peak_bytes
from lab_helpers.tuning.memory import Plan, terms

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore"),  # each family has its own
]
# What a family's default configuration leaves out, and its published ones have.
SETTINGS = {
    "cohere_compass_text": {
        "layer_types": ["sliding_attention", "full_attention"] * 20,
        "rope_parameters": {
            kind: {"rope_type": "default", "rope_theta": 10000.0}
            for kind in ("sliding_attention", "full_attention")
        },
    },
    "dbrx": {"attn_config": {"kv_n_heads": 8, "clip_qkv": 8, "rope_theta": 500000}},
    "deepseek_v2": {"num_experts_per_tok": 6, "first_k_dense_replace": 1},
    "dots1": {"n_routed_experts": 16, "n_shared_experts": 2, "num_experts_per_tok": 4},
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128, "num_experts": 8, "moe_topk": 2},
    "lfm2_moe": {"num_hidden_layers": 4, "layer_types": ["conv", "conv", "full_attention", "conv"]},
    "ministral": {"head_dim": 128},
    "nemotron": {"num_key_value_heads": 8},
}
# A family of families: encoders, translators, music, drafts that read another model's states.
NO_TEXT = {
    *("bert", "big_bird", "camembert", "data2vec-text", "electra", "ernie", "megatron-bert"),
    *("reformer", "rembert", "roberta", "roberta-prelayernorm", "roc_bert", "roformer", "xlm"),
    *("xlm-roberta", "xlm-roberta-xl", "xmod"),
    *("bart", "bigbird_pegasus", "blenderbot", "blenderbot-small", "marian", "mbart", "musicgen"),
    *("musicgen_melody", "mvp", "pegasus", "plbart", "prophetnet", "whisper"),
}
# Built only beside what is not there: another package, another model, tables of its own.
NOT_BUILT = {"gemma4_assistant", "gemma4_unified_assistant", "qwen4_exp", "qwen4_exp_text"}
# A step that asks for values: byte patches, images, types that torch mixes on a GPU alone.
NOT_COUNTED = ("blt", "git", "xlnet", "xlstm")
# Many kinds of blocks, all of which are gone through.
SLOW = {
    *("blt", "qwen3_next", "deepseek_v2", "olmo_hybrid", "glm4_moe_lite", "minimax_m3_vl_text"),
    *("bailing_hybrid", "beam", "flint", "gemma3n", "gemma3n_text", "hrm_text", "inkling2_text"),
    *("inkling_text", "jamba", "kimi_linear", "longcat_flash", "zamba", "zamba2", "rwkv"),
    *("dots3_note", "dots3_note_text", "mimo_v2_flash", "hy_v4", "exaone_moe", "afmoe"),
    *("deepseek_v3", "deepseek_v32", "deepseek_v4", "axk1", "axk2", "glm_moe_dsa", "zaya", "dots1"),
    *("llama4", "llama4_text", "solar_open", "kolibri1", "qwen3_5_moe_text", "phi4_multimodal"),
    *("laguna", "hy_v3", "granitemoe_swa", "minimax_m2", "gemma4_text", "qwen3_5_text"),
}
FAMILIES = list(MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)


def saved(name: str, folder) -> str:
    CONFIG_MAPPING[name](**SETTINGS.get(name, {})).save_pretrained(folder)
    return str(folder)


def mark_slow(names) -> list:
    return [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in names]


COUNTED = sorted(set(FAMILIES) - NO_TEXT - NOT_BUILT - set(NOT_COUNTED))


@pytest.mark.parametrize("name", mark_slow(COUNTED))
def test_a_family_is_counted(name, tmp_path):
    model = saved(name, tmp_path)
    pattern = block_pattern(model)
    some = pattern.first + pattern.group if pattern else None
    assert peak_bytes(DryStep(model, "lora", 4, length=16, loss="fused"), some) > 0
    found = terms(model, Plan(r=4), activations=False)
    assert found["weights_wide"] > 0
    assert found["optimizer"] == 2 * found["adapter"] > 0
    assert (found["weights_4bit"] > 0) == bool(quantized_shapes(model))


@pytest.mark.parametrize("name", sorted(NO_TEXT))
def test_what_writes_no_text_says_so(name, tmp_path):
    with pytest.raises(BadInput, match="which does not continue text"):
        linear_shapes(saved(name, tmp_path))


@pytest.mark.parametrize("name", mark_slow(NOT_COUNTED))
def test_what_cannot_be_gone_through_says_what_can_be_counted(name, tmp_path):
    model = saved(name, tmp_path)
    with pytest.raises(BadInput, match="cannot be gone through without its weights") as caught:
        terms(model, Plan("lora", sequence=64))
    assert "--no-activations" in caught.value.fix
    assert terms(model, Plan("lora"), activations=False)["weights_wide"] > 0
