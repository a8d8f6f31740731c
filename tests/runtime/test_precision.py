"""Which number format each machine trains in. The machines are faked; no GPU is needed."""

import dataclasses

import pytest

from lab_helpers.runtime.errors import EXIT_BAD_INPUT, BadInput
from lab_helpers.runtime.hardware import Hardware
from lab_helpers.runtime.precision import pick_precision

T4 = Hardware("cuda", "Tesla T4", 15.8, (7, 5), 2, 13.0)
V100 = Hardware("cuda", "Tesla V100-SXM2-16GB", 16.9, (7, 0), 8, 61.0)
A100 = Hardware("cuda", "NVIDIA A100-SXM4-40GB", 42.4, (8, 0), 12, 90.0)
RTX_4090 = Hardware("cuda", "NVIDIA GeForce RTX 4090", 25.4, (8, 9), 16, 64.0)
H100 = Hardware("cuda", "NVIDIA H100 80GB HBM3", 85.0, (9, 0), 26, 200.0)
CPU = Hardware("cpu", "x86_64", 0.0, None, 2, 8.0)
MPS = Hardware("mps", "Apple GPU", 17.2, None, 8, 17.2)
UNKNOWN_GPU = Hardware("cuda", "", 8.0, None, 4, 16.0)


@pytest.mark.parametrize("hardware", [T4, V100, UNKNOWN_GPU], ids=lambda h: h.name or "unknown")
def test_before_ampere_trains_in_fp16_with_a_gradient_scaler(hardware):
    precision = pick_precision(hardware)
    assert (precision.name, precision.autocast) == ("fp16", "fp16")
    assert precision.gradient_scaler is True
    assert precision.trainer_arguments() == {"bf16": False, "fp16": True, "use_cpu": False}


@pytest.mark.parametrize("hardware", [A100, RTX_4090, H100], ids=lambda h: h.name)
def test_from_ampere_on_trains_in_bf16_without_a_scaler(hardware):
    precision = pick_precision(hardware)
    assert (precision.name, precision.autocast) == ("bf16", "bf16")
    assert precision.gradient_scaler is False
    assert precision.trainer_arguments() == {"bf16": True, "fp16": False, "use_cpu": False}


@pytest.mark.parametrize(("hardware", "use_cpu"), [(CPU, True), (MPS, False)])
def test_without_cuda_trains_in_fp32(hardware, use_cpu):
    precision = pick_precision(hardware)
    assert (precision.name, precision.autocast) == ("fp32", None)
    assert precision.gradient_scaler is False
    assert precision.trainer_arguments() == {"bf16": False, "fp16": False, "use_cpu": use_cpu}


def test_a_t4_is_never_given_bf16_even_where_torch_says_it_can(monkeypatch):
    import torch

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_: True)
    for wanted in ("auto", "fp16", "fp32"):
        precision = pick_precision(T4, wanted)
        assert precision.autocast != "bf16"
        assert not precision.trainer_arguments()["bf16"]


@pytest.mark.parametrize("hardware", [T4, V100, CPU, MPS], ids=lambda h: h.name)
def test_forced_bf16_is_refused_where_it_is_not_native(hardware):
    with pytest.raises(BadInput, match="no native bf16") as caught:
        pick_precision(hardware, "bf16")
    assert hardware.name in str(caught.value)
    assert "auto" in caught.value.fix


@pytest.mark.parametrize("hardware", [CPU, MPS], ids=lambda h: h.name)
def test_forced_fp16_is_refused_without_cuda(hardware):
    with pytest.raises(BadInput, match="CUDA") as caught:
        pick_precision(hardware, "fp16")
    assert "auto" in caught.value.fix


@pytest.mark.parametrize("hardware", [T4, A100, CPU, MPS], ids=lambda h: h.name)
def test_fp32_can_be_forced_everywhere(hardware):
    precision = pick_precision(hardware, "fp32")
    assert (precision.name, precision.autocast) == ("fp32", None)
    assert precision.gradient_scaler is False


def test_fp16_can_be_forced_on_a_gpu_that_has_bf16():
    precision = pick_precision(A100, "fp16")
    assert precision.trainer_arguments() == {"bf16": False, "fp16": True, "use_cpu": False}
    assert precision.gradient_scaler is True


@pytest.mark.parametrize("name", ["int8", "BF16", "float16", ""])
@pytest.mark.parametrize("hardware", [A100, CPU], ids=["A100", "CPU"])
def test_an_unknown_name_is_refused_and_the_known_ones_are_named(hardware, name):
    with pytest.raises(BadInput, match=f"unknown precision '{name}'") as caught:
        pick_precision(hardware, name)
    assert caught.value.exit_code == EXIT_BAD_INPUT
    for known in ("auto", "fp32", "fp16", "bf16"):
        assert known in caught.value.fix


def test_the_trainer_knows_every_argument():
    from transformers import TrainingArguments

    known = {field.name for field in dataclasses.fields(TrainingArguments)}
    for hardware in (T4, A100, CPU):
        assert set(pick_precision(hardware).trainer_arguments()) <= known


def test_the_trainer_takes_the_cpu_arguments(tmp_path):
    from transformers import TrainingArguments

    arguments = TrainingArguments(
        output_dir=str(tmp_path), report_to="none", **pick_precision(CPU).trainer_arguments()
    )
    assert arguments.device.type == "cpu"
    assert not arguments.fp16
    assert not arguments.bf16
