"""Where bf16 runs without emulation. The machines are faked."""

import pytest
import torch

from lab_helpers.runtime.hardware import Hardware
from lab_helpers.runtime.precision import has_native_bf16, pick_precision

CPU = Hardware("cpu", "x86_64", 0.0, None, 2, 8.0)
MPS = Hardware("mps", "Apple GPU", 17.2, None, 8, 17.2)
INSTRUCTIONS = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")


@pytest.fixture
def cpu_with(monkeypatch):
    """``cpu_with("_is_amx_tile_supported")``: a CPU with these instructions and no others."""

    def fake(*found):
        for name in INSTRUCTIONS:
            monkeypatch.setattr(torch.cpu, name, lambda name=name: name in found, raising=False)

    return fake


@pytest.mark.parametrize(
    ("capability", "native"),
    [((7, 0), False), ((7, 5), False), ((8, 0), True), ((8, 9), True), ((9, 0), True), ((10, 0), True), (None, False)],
)  # fmt: skip
def test_gpus_have_it_from_ampere_on(cpu_with, capability, native):
    cpu_with(*INSTRUCTIONS)  # the CPU beside the GPU does not matter
    assert has_native_bf16(Hardware("cuda", "a GPU", 16.0, capability, 4, 16.0)) is native


@pytest.mark.parametrize(
    "found", [(), INSTRUCTIONS[:1], INSTRUCTIONS[1:], INSTRUCTIONS], ids=["none", "avx", "amx", "both"]
)  # fmt: skip
def test_cpus_have_it_with_either_instruction_set(cpu_with, found):
    cpu_with(*found)
    assert has_native_bf16(CPU) is bool(found)


def test_a_torch_that_cannot_tell_means_no(monkeypatch):
    for name in INSTRUCTIONS:
        monkeypatch.delattr(torch.cpu, name, raising=False)
    assert has_native_bf16(CPU) is False


def test_this_torch_can_tell():
    assert all(isinstance(getattr(torch.cpu, name)(), bool) for name in INSTRUCTIONS)


def test_apples_gpu_counts_as_without(cpu_with):
    cpu_with(*INSTRUCTIONS)
    assert has_native_bf16(MPS) is False


def test_a_cpu_that_has_it_tunes_in_float32_unless_a_lab_asks_for_what_is_native(cpu_with):
    cpu_with(*INSTRUCTIONS)
    assert pick_precision(CPU).name == "fp32"
    assert pick_precision(CPU, "native").trainer_arguments() == {"bf16": True, "fp16": False, "use_cpu": True}  # fmt: skip
    with pytest.raises(Exception, match="no native bf16"):
        pick_precision(CPU, "bf16")


def test_native_elsewhere_is_what_auto_is(cpu_with):
    cpu_with()
    t4, a100 = (Hardware("cuda", "a GPU", 16.0, c, 4, 16.0) for c in ((7, 5), (8, 0)))
    for machine, name in ((CPU, "fp32"), (MPS, "fp32"), (t4, "fp16"), (a100, "bf16")):
        assert pick_precision(machine, "native").name == pick_precision(machine).name == name
