"""Freed memory is kept where it speeds a training up, and not where it is missed."""

import ctypes
from types import SimpleNamespace

import pytest

from lab_helpers.runtime import allocator
from lab_helpers.runtime.hardware import Hardware

COLAB_T4 = Hardware("cuda", "Tesla T4", 15.8, (7, 5), 2, 13.6)
WORKSTATION = Hardware("cuda", "NVIDIA GeForce RTX 4090", 25.4, (8, 9), 16, 64.0)
LAPTOP = Hardware("cpu", "x86_64", 0.0, None, 2, 8.0)


@pytest.fixture
def settings(monkeypatch):
    """What glibc is told, instead of telling it."""
    told = []
    library = SimpleNamespace(mallopt=lambda option, value: told.append((option, value)) or 1)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    monkeypatch.setattr(allocator.sys, "platform", "linux")
    allocator.keep_freed_memory.cache_clear()
    yield told
    allocator.keep_freed_memory.cache_clear()


@pytest.mark.parametrize(
    ("machine", "kept"), [(COLAB_T4, False), (WORKSTATION, True), (LAPTOP, True)]
)
def test_a_small_machine_with_a_gpu_gets_its_memory_back(settings, monkeypatch, machine, kept):
    """1 GB of freed blocks is what Colab's 12.7 GiB lack; gradients lie on the card there."""
    monkeypatch.setattr(allocator, "detect", lambda: machine)
    assert allocator.keep_freed_memory() is kept
    assert bool(settings) is kept


def test_the_limit_belongs_to_the_small_machines():
    at = Hardware("cuda", "Tesla T4", 15.8, (7, 5), 4, allocator.LITTLE_RAM_GB)
    above = Hardware("cuda", "Tesla T4", 15.8, (7, 5), 4, allocator.LITTLE_RAM_GB + 0.1)
    assert allocator.needs_its_memory(at)
    assert not allocator.needs_its_memory(above)
