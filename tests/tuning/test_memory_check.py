"""The calculator against real training steps on this machine: weights and optimizer states to the byte."""

import pytest
import torch

from lab_helpers.labs.lab03.memory_check import (
    count_tensor_bytes,
    measure_peak,
    measure_plan,
)
from lab_helpers.tuning.memory import OPTIMIZERS, Plan, four_bit_bytes

pytestmark = [
    pytest.mark.usefixtures("one_thread"),
    pytest.mark.filterwarnings("ignore:Paged optimizers"),
]


def test_a_peak_is_the_most_at_once():
    def work():
        first = torch.empty(1_000_000)
        del first
        second = torch.empty(500_000)
        third = torch.empty(250_000)
        return second, third

    assert measure_peak(work, "cpu") == pytest.approx(4_000_000, rel=0.01)


def test_shared_storage_is_counted_once():
    tensor = torch.empty(100)
    assert count_tensor_bytes([tensor, tensor[:50], tensor.view(10, 10)]) == 400


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weights_and_states_to_the_byte(tiny_chat_model, method, optimizer):
    plan = Plan(method=method, optimizer=optimizer, r=64, batch=2, sequence=16, checkpointing=False)
    found = measure_plan(str(tiny_chat_model), plan, "cpu")
    for part in ("weights", "optimizer"):
        assert found["predicted"][part] == found["measured"][part] > 0


@pytest.mark.parametrize("double", [False, True])
def test_a_linear4bit_to_the_byte(double):
    from bitsandbytes.nn import Linear4bit

    from lab_helpers.labs.lab03.memory_check import count_model_bytes

    layer = Linear4bit(100, 77, bias=False, compress_statistics=double, quant_type="nf4").to("cpu")
    assert count_model_bytes(layer) == four_bit_bytes(7700, double)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
def test_the_peak_of_a_step_within_ten_percent(method, checkpointing):
    """Kotori, whose activations outweigh what torch needs besides."""
    plan = Plan(method=method, r=8, batch=4, sequence=128, checkpointing=checkpointing)
    found = measure_plan("kotori", plan, "cpu")
    assert found["predicted"]["step"] == pytest.approx(found["measured"]["step"], rel=0.10)
    assert abs(found["relative_error"]) < 0.10
