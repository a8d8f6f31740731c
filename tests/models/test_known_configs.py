"""Counting LoRA's parameters on published shapes, against the papers' and model cards' numbers."""

import pytest

from lab_helpers.models.known_configs import (
    KNOWN,
    active_parameters,
    linear_shapes,
    meta_model,
    model_config,
    parameter_shapes,
    target_names,
    target_shapes,
)
from lab_helpers.models.known_shapes import ALSO_KNOWN
from lab_helpers.runtime.errors import BadInput, MissingDependency
from lab_helpers.tuning.lora_counts import lora_counts

# Parameters of the published checkpoints, in billions (model cards; GPT-3: Brown et al. 2020).
PUBLISHED = {
    "GPT-3 175B": 175.0,
    "Llama 3 8B": 8.030,
    "Llama 3 70B": 70.554,
    "Gemma 2 2B": 2.614,
    "Gemma 2 9B": 9.242,
    "Qwen2.5 0.5B": 0.494,
    "Qwen2.5 1.5B": 1.544,
    "Qwen2.5 7B": 7.616,
    "Qwen2.5 14B": 14.770,
    "Qwen2.5 32B": 32.764,
}
ALSO_PUBLISHED = {
    "Llama 2 7B": 6.738,
    "Llama 3.2 3B": 3.213,
    "Qwen3 4B": 4.022,
    "Qwen3 8B": 8.191,
    "Qwen3 14B": 14.768,
    "Qwen3 30B-A3B": 30.532,
    "Mixtral 8x7B": 46.703,
    "gpt-oss 20B": 20.91,
}


def test_every_known_model_has_a_published_size_here():
    assert set(PUBLISHED) == set(KNOWN)
    assert set(ALSO_PUBLISHED) == set(ALSO_KNOWN)


@pytest.mark.parametrize("model", PUBLISHED | ALSO_PUBLISHED)
def test_the_total_is_the_published_size(model):
    _, total = linear_shapes(model)
    assert total / 1e9 == pytest.approx((PUBLISHED | ALSO_PUBLISHED)[model], rel=0.005)


@pytest.mark.parametrize(
    ("model", "billions"),
    [("Mixtral 8x7B", 12.9), ("Qwen3 30B-A3B", 3.3), ("gpt-oss 20B", 3.6), ("Llama 3 8B", 8.03)],
)
def test_a_token_uses_the_published_share_of_a_mixture(model, billions):
    """Model cards; gpt-oss's counts its embeddings once less."""
    assert active_parameters(model) / 1e9 == pytest.approx(
        billions, rel=0.18 if "oss" in model else 0.02
    )


@pytest.mark.parametrize(
    ("model", "r", "targets", "one_in"),
    [
        ("Llama 3 8B", 4, "q, v", 4713),
        ("Llama 3 8B", 16, "q, v", 1178),
        ("Llama 3 8B", 16, "all linear", 191),
        ("Llama 3 70B", 4, "q, v", 8613),
    ],
)
def test_one_parameter_in_so_many_is_trained(model, r, targets, one_in):
    assert lora_counts(model, r, targets)["one_in"] == pytest.approx(one_in, rel=0.01)


def test_gpt3_with_the_papers_setting_trains_one_in_about_ten_thousand():
    counts = lora_counts("GPT-3 175B", 4, "q, v")
    assert 9000 < counts["one_in"] < 9600
    # LoRA §7.1: r = 4 on two matrices of all 96 layers is 18M parameters, "roughly 35MB" in FP16.
    assert counts["trainable"] == 96 * 2 * 4 * (12288 + 12288)
    assert counts["MB (16-bit)"] / 1.048576 == pytest.approx(35, rel=0.05)


def test_a_llama_3_8b_count_by_hand():
    """q: 4096×4096, v: 1024×4096 (8 key-value heads of 128), 32 layers."""
    r = 8
    expected = 32 * r * ((4096 + 4096) + (1024 + 4096))
    counts = lora_counts("Llama 3 8B", r, "q, v")
    assert counts["trainable"] == expected
    assert counts["MB (16-bit)"] == pytest.approx(expected * 2 / 1e6)
    assert counts["one_in"] == pytest.approx(counts["total"] / expected)


@pytest.mark.parametrize("model", PUBLISHED)
def test_target_sets_add_up_to_all_linear(model):
    parts = {name: lora_counts(model, 8, name)["trainable"] for name in ("q, k, v, o", "MLP")}
    assert min(parts.values()) > 0
    assert lora_counts(model, 8, "all linear")["trainable"] == sum(parts.values())
    shapes, _ = linear_shapes(model)
    assert len(target_shapes(model, "all linear")) == len(shapes)


def test_llamas_matrices_are_counted_once_a_layer():
    assert len(target_shapes("Llama 3 8B", "q, v")) == 2 * 32
    assert len(target_shapes("Llama 3 8B", "q, k, v, o")) == 4 * 32
    assert len(target_shapes("Llama 3 8B", "MLP")) == 3 * 32
    assert len(target_shapes("GPT-3 175B", "MLP")) == 2 * 96


def test_the_count_grows_in_proportion_to_the_rank():
    one = lora_counts("Gemma 2 2B", 1, "all linear")["trainable"]
    assert lora_counts("Gemma 2 2B", 64, "all linear")["trainable"] == 64 * one


def test_an_unknown_model_or_target_set_is_refused():
    with pytest.raises(BadInput, match="unknown model 'Llama 9'") as caught:
        lora_counts("Llama 9", 4, "q, v")
    assert "Llama 3 8B" in caught.value.fix
    with pytest.raises(BadInput, match="unknown targets 'everything'") as caught:
        lora_counts("Llama 3 8B", 4, "everything")
    assert "all linear" in caught.value.fix


# A user's own models


def test_a_folder_and_its_config_file_are_the_same_model(tiny_chat_model):
    folder, file = str(tiny_chat_model), str(tiny_chat_model / "config.json")
    assert linear_shapes(folder) == linear_shapes(file)
    shapes, total = linear_shapes(folder)
    assert len(shapes) == 2 * 7
    assert shapes["model.layers.0.mlp.down_proj"] == (32, 64)
    assert total == sum(p.numel() for p in meta_model(folder).parameters())


def test_every_parameter_is_named_once_even_when_tied():
    assert "lm_head.weight" not in parameter_shapes("Qwen2.5 0.5B")
    assert parameter_shapes("Qwen2.5 7B")["lm_head.weight"] == (152064, 3584)


def test_kotori_is_known_by_name():
    assert model_config("kotori").hidden_size == 256
    assert linear_shapes("kotori")[1] == 5_331_456


def test_no_weight_is_allocated():
    assert {p.device.type for p in meta_model("Llama 3 70B").parameters()} == {"meta"}


def test_a_model_can_be_shortened():
    short = meta_model("Gemma 2 9B", 3)
    assert len(short.model.layers) == 3
    assert model_config("Gemma 2 9B").num_hidden_layers == 42


def test_an_encoder_is_refused(tiny_bert):
    with pytest.raises(BadInput, match="is a bert model, which does not continue text"):
        linear_shapes(str(tiny_bert))


@pytest.mark.parametrize(
    ("family", "attention", "mlp"),
    [
        ("GPT2Config", {"c_attn", "c_proj"}, {"c_fc", "c_proj"}),
        ("GPTNeoXConfig", {"query_key_value", "dense"}, {"dense_h_to_4h", "dense_4h_to_h"}),
        ("BloomConfig", {"query_key_value", "dense"}, {"dense_h_to_4h", "dense_4h_to_h"}),
        ("FalconConfig", {"query_key_value", "dense"}, {"dense_h_to_4h", "dense_4h_to_h"}),
        ("GPTJConfig", {"q_proj", "k_proj", "v_proj", "out_proj"}, {"fc_in", "fc_out"}),
        ("MptConfig", {"Wqkv", "out_proj"}, {"up_proj", "down_proj"}),
        ("Phi3Config", {"qkv_proj", "o_proj"}, {"gate_up_proj", "down_proj"}),
    ],
)
def test_families_with_other_names_have_the_sets_too(tmp_path, family, attention, mlp):
    import transformers

    getattr(transformers, family)().save_pretrained(tmp_path)
    for targets, expected in (("q, k, v, o", attention), ("MLP", mlp)):
        found = target_names(str(tmp_path), targets)
        assert {name.rsplit(".", 1)[-1] for name in found} == expected
    both = set(target_names(str(tmp_path), "q, k, v, o")) & set(target_names(str(tmp_path), "MLP"))
    assert not both
    assert len(target_names(str(tmp_path), "all linear")) == len(linear_shapes(str(tmp_path))[0])


def test_a_model_without_the_targets_names_what_it_has(tmp_path):
    from transformers import FalconConfig

    FalconConfig(hidden_size=64, num_hidden_layers=1, num_attention_heads=2).save_pretrained(
        tmp_path
    )
    with pytest.raises(BadInput, match="has no layer of the set 'q, v'") as caught:
        target_shapes(str(tmp_path), "q, v")
    assert "query_key_value" in caught.value.fix


def test_a_hub_name_without_network_says_so():
    with pytest.raises(MissingDependency, match="cannot load 'someone/some-model'"):
        model_config("someone/some-model")
