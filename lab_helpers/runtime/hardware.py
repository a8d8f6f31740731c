"""What this machine has. Everything later (profile, precision) is decided from one :class:`Hardware`."""

import os
import platform
from dataclasses import dataclass


@dataclass(frozen=True)
class Hardware:
    """One machine, as far as training cares.

    ``accelerator`` is ``"cuda"``, ``"mps"`` or ``"cpu"``; memory is in GB;
    ``compute_capability`` is CUDA's ``(major, minor)`` or ``None``.
    """

    accelerator: str
    name: str
    memory_gb: float
    compute_capability: tuple[int, int] | None
    cpu_cores: int
    ram_gb: float


def usable_cores() -> int:
    """CPU cores this process may use (a container often owns fewer than the machine has)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def on_colab() -> bool:
    """Whether this is a machine of Google Colab, whose name its images carry."""
    return "COLAB_RELEASE_TAG" in os.environ


def detect() -> Hardware:
    """Look at the machine. Imports torch."""
    import psutil
    import torch

    ram = psutil.virtual_memory().total / 1e9
    cores = usable_cores()
    if torch.cuda.is_available():
        properties = torch.cuda.get_device_properties(0)
        capability = torch.cuda.get_device_capability(0)
        return Hardware(
            "cuda", properties.name, properties.total_memory / 1e9, capability, cores, ram
        )
    if torch.backends.mps.is_available():
        return Hardware("mps", "Apple GPU", ram, None, cores, ram)
    return Hardware("cpu", platform.processor() or platform.machine(), 0.0, None, cores, ram)
