"""Where weights go and in which format: by the machine, and by whether the course ships the model."""

from contextlib import nullcontext

import pytest
import torch
from random_models import save_random_model
from transformers import AutoModelForCausalLM

from lab_helpers.models import four_bit, language_models
from lab_helpers.models.language_models import load_language_model
from lab_helpers.models.placement import loading_options, weight_dtype
from lab_helpers.runtime import hardware
from lab_helpers.runtime.errors import BadInput
from lab_helpers.runtime.hardware import Hardware
from lab_helpers.runtime.language import speaking
from lab_helpers.runtime.precision import pick_precision, weight_format

T4 = Hardware("cuda", "Tesla T4", 15.8, (7, 5), 2, 13.0)
RTX_4090 = Hardware("cuda", "NVIDIA GeForce RTX 4090", 25.4, (8, 9), 16, 64.0)
UNKNOWN_GPU = Hardware("cuda", "", 8.0, None, 4, 16.0)
MPS = Hardware("mps", "Apple GPU", 17.2, None, 8, 17.2)
CPU = Hardware("cpu", "x86_64", 0.0, None, 2, 8.0)
FORMATS = [
    (T4, torch.float16),
    (UNKNOWN_GPU, torch.float16),
    (RTX_4090, torch.bfloat16),
    (MPS, torch.float32),
    (CPU, torch.float32),
]


class Stopped(Exception):
    """The loading came as far as ``from_pretrained``."""


@pytest.fixture
def asked(monkeypatch):
    """``asked(machine, name, …)``: what ``from_pretrained`` is given there."""

    def ask(machine: Hardware, name: str, load=load_language_model, **options) -> dict:
        def stop(source, **given):
            raise Stopped(given)

        monkeypatch.setattr(hardware, "detect", lambda: machine)
        monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", stop)
        monkeypatch.setattr(language_models, "plain_loading_errors", nullcontext)
        with pytest.raises(Stopped) as caught:
            load(name, **options)
        return caught.value.args[0]

    return ask


@pytest.mark.parametrize(
    ("machine", "dtype"), FORMATS, ids=lambda value: getattr(value, "name", "")
)
def test_weights_lie_in_what_the_gpu_computes_in_and_in_float32_elsewhere(machine, dtype):
    assert weight_dtype(machine) == dtype
    assert weight_dtype(machine, shipped=True) == torch.float32
    trains_in = pick_precision(machine).name
    assert weight_format(machine) == trains_in, "frozen weights and autocast agree"


@pytest.mark.parametrize(
    ("machine", "dtype"), FORMATS, ids=lambda value: getattr(value, "name", "")
)
def test_a_learners_model_goes_straight_onto_the_card(asked, tiny_chat_model, machine, dtype):
    given = asked(machine, str(tiny_chat_model))
    assert given["dtype"] == dtype
    assert given.get("device_map") == ({"": 0} if machine.accelerator == "cuda" else None)


@pytest.mark.parametrize("machine", [T4, RTX_4090], ids=lambda machine: machine.name)
def test_kotori_stays_in_float32_beside_a_gpu(asked, machine):
    """Its numbers are compared between machines, and it takes 20 MB."""
    assert asked(machine, "kotori")["dtype"] == torch.float32


def test_what_the_caller_says_wins(asked, tiny_chat_model):
    wanted = {"dtype": torch.float32, "device_map": "cpu"}
    given = asked(T4, str(tiny_chat_model), **wanted)
    assert {name: given[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    ("machine", "dtype"), FORMATS, ids=lambda value: getattr(value, "name", "")
)
def test_four_bit_weights_compute_in_the_same_format(asked, tiny_chat_model, machine, dtype):
    given = asked(machine, str(tiny_chat_model), four_bit.load_four_bit)
    assert given["quantization_config"].bnb_4bit_compute_dtype == dtype
    assert given["dtype"] == dtype
    given = asked(machine, "kotori", four_bit.load_four_bit)
    assert given["quantization_config"].bnb_4bit_compute_dtype == torch.float32


@pytest.mark.parametrize("family", ["Qwen2", "Qwen3", "Llama", "Mistral"])
def test_fp16_models_have_torchs_fused_attention(tmp_path, family):
    """All defaults of the profiles, and the models that learners name most."""
    model, _ = load_language_model(
        str(save_random_model(tmp_path / family, family)), dtype=torch.float16
    )
    assert model.config._attn_implementation == "sdpa"


def test_attention_written_out_is_refused_in_fp16_alone():
    eager = {"attn_implementation": "eager"}
    with pytest.raises(BadInput, match="overflows in fp16"):
        loading_options(T4, False, eager)
    with speaking("ja"), pytest.raises(BadInput, match="オーバーフロー"):
        loading_options(T4, False, eager)
    for machine, shipped, more in ((RTX_4090, False, {}), (CPU, False, {}), (T4, True, {}), (T4, False, {"dtype": torch.float32})):  # fmt: skip
        assert loading_options(machine, shipped, eager | more)["attn_implementation"] == "eager"
