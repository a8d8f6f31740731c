"""The pretended card refuses what CUDA refuses, lets pass what CUDA lets pass, and goes away again."""

import copy

import numpy as np
import pytest
import torch
from pretended_cuda import CARD_24_GB, LEDGER, T4, Card, pretended_cuda
from torch import nn

from lab_helpers.runtime.hardware import detect
from lab_helpers.runtime.precision import pick_precision

pytestmark = [pytest.mark.tiers, pytest.mark.usefixtures("one_thread")]
TWO = Card("Tesla T4", (7, 5), 14.74, count=2)
MIXED = "Expected all tensors to be on the same device"


@pytest.fixture
def shown(monkeypatch):
    """No variable hides a card; the package's own would, as it is imported."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.fixture
def card(shown):
    with pretended_cuda(T4) as pretence:
        yield pretence


def test_the_course_sees_a_t4_and_takes_fp16(card):
    machine = detect()
    assert (machine.accelerator, machine.name) == ("cuda", "Tesla T4")
    assert machine.compute_capability == (7, 5)
    assert 15 < machine.memory_gb < 16
    assert torch.cuda.is_bf16_supported(), "the trap: CUDA says so of a T4 too"
    assert pick_precision(machine).name == "fp16"


def test_the_course_sees_a_larger_card_and_takes_bf16(shown):
    with pretended_cuda(CARD_24_GB):
        assert pick_precision(detect()).name == "bf16"


def test_outside_there_is_no_card():
    before = {name: getattr(torch, name) for name in ("device", "tensor", "empty", "zeros_like")}
    with pretended_cuda(T4):
        kept = torch.ones(2, device="cuda")
    assert not torch.cuda.is_available()
    assert kept.device.type == "cpu"
    assert before == {name: getattr(torch, name) for name in before}
    assert (kept.numpy() == 1).all()


@pytest.mark.parametrize(
    "mix",
    [
        lambda gpu, cpu: gpu + cpu,
        lambda gpu, cpu: gpu @ cpu,
        lambda gpu, cpu: torch.cat([gpu, cpu]),
        lambda gpu, cpu: nn.functional.linear(gpu, cpu),
        lambda gpu, cpu: nn.functional.embedding(cpu.long(), gpu),
        lambda gpu, cpu: gpu.gather(0, cpu.long()),
        lambda gpu, cpu: torch.where(cpu > 0, gpu, gpu),
        lambda gpu, cpu: gpu.masked_fill(cpu > 0, 0),
        lambda gpu, cpu: gpu.add_(cpu),
        lambda gpu, cpu: nn.functional.cross_entropy(gpu, cpu[:, 0].long()),
        lambda gpu, cpu: torch.equal(gpu, cpu),
    ],
)
def test_devices_do_not_mix(card, mix):
    ones = torch.ones(3, 3)
    mix(ones, ones.clone())
    with pytest.raises(RuntimeError, match=MIXED):
        mix(ones.cuda(), ones.clone())


def test_a_layer_and_its_input_do_not_mix(card):
    layer = nn.Linear(3, 2).to("cuda")
    assert layer(torch.ones(1, 3, device="cuda")).device == torch.device("cuda", 0)
    with pytest.raises(RuntimeError, match=MIXED):
        layer(torch.ones(1, 3))


def test_a_number_and_indices_may_lie_on_the_cpu(card):
    ones = torch.ones(3, device="cuda")
    assert (ones * torch.tensor(2.0)).device.type == "cuda"
    assert ones[torch.tensor([0, 1])].device.type == "cuda"
    with pytest.raises(RuntimeError, match="indices should be either on cpu or on the same device"):
        torch.ones(3)[torch.tensor([0], device="cuda")]


@pytest.mark.parametrize("read", [lambda t: t.numpy(), np.asarray, lambda t: np.stack([t, t])])
def test_numpy_reads_nothing_on_the_card(card, read):
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        read(torch.ones(2, device="cuda"))
    assert torch.ones(2, device="cuda").cpu().numpy().tolist() == [1, 1]
    assert torch.ones(2, device="cuda").tolist() == [1, 1]


def test_a_generator_of_the_cpu_draws_nothing_on_the_card(card):
    with pytest.raises(RuntimeError, match="Expected a 'cuda' device type for generator"):
        torch.randn(2, generator=torch.Generator().manual_seed(0), device="cuda")


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.zeros(2, device="cuda"),
        lambda: torch.zeros(2).to(torch.device("cuda:0")),
        lambda: torch.zeros(2).to(0),
        lambda: torch.zeros(2).cuda(),
        lambda: torch.zeros(2, device=0),
        lambda: torch.zeros_like(torch.zeros(2), device="cuda"),
        lambda: torch.zeros(2, device="cuda").new_zeros(3),
        lambda: torch.zeros(2).to(torch.ones(1, device="cuda", dtype=torch.float16)),
        lambda: torch.zeros(2, device="cuda").view(1, 2).half().sum(),
        lambda: nn.functional.one_hot(torch.tensor([1], device="cuda"), 3),
        lambda: copy.deepcopy(nn.Linear(2, 2).cuda()).weight,
        lambda: torch.tensor([1.0], device="cuda").data,
    ],
)
def test_what_is_made_on_the_card_or_of_it_lies_there(card, make):
    assert make().device == torch.device("cuda", 0)
    assert make().is_cuda


@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.zeros(2),
        lambda: torch.from_numpy(np.zeros(2)),
        lambda: torch.zeros(2, device="cuda").cpu() + 1,
        lambda: torch.zeros_like(torch.zeros(2, device="cuda"), device="cpu"),
    ],
)
def test_the_rest_lies_on_the_cpu(card, make):
    assert make().device.type == "cpu"


def test_gradients_lie_where_their_weights_lie_across_a_move_too(card):
    layer, start = nn.Linear(2, 2).cuda(), torch.ones(1, 2, requires_grad=True)
    layer(start.cuda()).sum().backward()
    assert layer.weight.grad.device.type == "cuda"
    assert start.grad.device.type == "cpu"


def test_the_scaler_refuses_fp16_gradients_and_takes_float32_ones(card):
    for dtype in (torch.float16, torch.float32):
        layer = nn.Linear(2, 2).cuda().to(dtype)
        optimizer, scaler = torch.optim.AdamW(layer.parameters()), torch.amp.GradScaler("cuda")
        scaler.scale(layer(torch.ones(1, 2, device="cuda", dtype=dtype)).sum()).backward()
        if dtype == torch.float16:
            with pytest.raises(ValueError, match="Attempting to unscale FP16 gradients"):
                scaler.unscale_(optimizer)
        else:
            scaler.step(optimizer)
            assert optimizer.state[layer.weight]["exp_avg"].device.type == "cuda"


def test_autocast_computes_in_fp16(card):
    layer = nn.Linear(2, 2).cuda()
    with torch.autocast("cuda", dtype=torch.float16):
        assert torch.is_autocast_enabled("cuda")
        assert layer(torch.ones(1, 2, device="cuda")).dtype == torch.float16


def test_there_are_as_many_cards_as_the_variable_shows(shown, monkeypatch):
    with pretended_cuda(TWO):
        assert torch.cuda.device_count() == 2
        with pytest.raises(RuntimeError, match=MIXED):
            torch.ones(2, device="cuda:0") + torch.ones(2, device="cuda:1")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    with pretended_cuda(TWO):
        assert torch.cuda.device_count() == 1
        with pytest.raises(RuntimeError, match="invalid device ordinal"):
            torch.ones(2, device="cuda:1")


def test_the_meta_device_is_left_alone(card):
    with torch.device("meta"):
        assert nn.Linear(2, 2).weight.is_meta
    assert torch.ones(2, device="meta").to("meta").device.type == "meta"


def test_the_ledger_knows_what_lies_on_the_card(card):
    before = torch.cuda.memory_allocated()
    kept = torch.ones(1000, device="cuda")
    torch.cuda.reset_peak_memory_stats()
    (kept * 2 + 1).sum()
    assert torch.cuda.memory_allocated() - before == 4000
    assert torch.cuda.max_memory_allocated() - before >= 2 * 4000
    del kept
    assert torch.cuda.memory_allocated() == before
    assert LEDGER.live["cuda"] == before
