"""What `labs fit` says about a model beside its numbers."""

import pytest
from transformers import CONFIG_MAPPING

from lab_helpers.runtime.language import speaking
from lab_helpers.tuning.memory import Plan
from lab_helpers.tuning.memory_notes import memory_notes

pytestmark = pytest.mark.filterwarnings("ignore")


def said(model: str, plan: Plan) -> str:
    with speaking("ja"):
        japanese = "".join(str(note) for note in memory_notes(model, plan))
    notes = memory_notes(model, plan)
    assert all(any("ぁ" <= letter <= "ん" for letter in note.ja) for note in notes)
    assert bool(japanese) == bool(notes)
    return " ".join(note.en for note in notes)


@pytest.mark.parametrize("model", ["Llama 3 8B", "Qwen2.5 0.5B", "Qwen3 14B", "kotori"])
@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_a_plain_decoder_needs_no_word(model, method):
    assert said(model, Plan(method)) == ""


def test_a_mixtures_experts():
    assert "54.0 GiB of this model's matrices stay in 16 bits" in said("Qwen3 30B-A3B", Plan())
    assert "puts the adapter on the experts" in said("Qwen3 30B-A3B", Plan("lora"))
    assert "experts" not in said("Qwen3 30B-A3B", Plan("lora", targets="q, v"))


def test_an_unfused_attention():
    assert "square of the length" in said("Gemma 2 2B", Plan())


@pytest.mark.parametrize(
    ("name", "settings", "expected"),
    [
        ("falcon", {}, "stay in 16 bits"),
        ("gpt_neox_japanese", {"num_hidden_layers": 2}, "no gradient checkpointing"),
        ("mamba", {"num_hidden_layers": 4}, "token by token"),
        (
            "llama",
            {"quantization_config": {"quant_method": "gptq", "bits": 4}},
            "published quantized",
        ),
    ],
)
def test_families_of_their_own(tmp_path, name, settings, expected):
    CONFIG_MAPPING[name](**settings).save_pretrained(tmp_path)
    assert expected in said(str(tmp_path), Plan())
