"""Looking at the machine, with torch's answers faked where a GPU would be needed."""

import os
from types import SimpleNamespace

import psutil
import pytest
import torch

from lab_helpers.runtime.hardware import detect, usable_cores


def fake_gpu(monkeypatch, name: str, gigabytes: float, capability: tuple[int, int]) -> None:
    properties = SimpleNamespace(name=name, total_memory=int(gigabytes * 1e9))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)


def no_accelerator(monkeypatch, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


def test_a_cuda_gpu_is_described(monkeypatch):
    fake_gpu(monkeypatch, "Tesla T4", 15.8, (7, 5))
    found = detect()
    assert (found.accelerator, found.name, found.compute_capability) == ("cuda", "Tesla T4", (7, 5))
    assert found.memory_gb == pytest.approx(15.8)


def test_a_cpu_has_no_accelerator_memory_and_no_capability(monkeypatch):
    no_accelerator(monkeypatch)
    found = detect()
    assert (found.accelerator, found.memory_gb, found.compute_capability) == ("cpu", 0.0, None)
    assert found.name
    assert found.ram_gb == pytest.approx(psutil.virtual_memory().total / 1e9)


def test_an_apple_gpu_shares_the_machines_memory(monkeypatch):
    no_accelerator(monkeypatch, mps=True)
    found = detect()
    assert (found.accelerator, found.compute_capability) == ("mps", None)
    assert found.memory_gb == found.ram_gb > 0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity on this system")
def test_only_cores_that_this_process_may_use_are_counted():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert usable_cores() == len(before)


def test_without_affinity_all_cores_count_and_at_least_one(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cores() == 6
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1
