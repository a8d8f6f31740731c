"""Keep freed memory for the next training step, and give it back to the system after the last.

glibc returns every block above 128 kB to the kernel at once, so each step pays again for the page
faults of its gradients (46 MB for MiniLM's word embeddings alone). Nothing
numerical changes.

Beside a GPU the gradients lie on the card and there is nothing to gain, while up to 1 GB of freed blocks
is what a Colab machine of 12.7 GB lacks when it reads the next model.
"""

import ctypes
import sys
from functools import lru_cache

from lab_helpers.runtime.hardware import Hardware, detect

LITTLE_RAM_GB = 16
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Tell glibc to keep up to 1 GB; once a process.

    False where the C library has no ``mallopt``, and where a machine with a GPU has little memory.
    """
    if not sys.platform.startswith("linux") or needs_its_memory(detect()):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    settings = ((_M_MMAP_THRESHOLD, 1 << 30), (_M_TRIM_THRESHOLD, 1 << 30), (_M_ARENA_MAX, 1))
    return all(mallopt(option, value) for option, value in settings)


def give_back_freed_memory() -> None:
    """Hand what a finished training has freed back to the system, before the next one asks for its own.

    glibc alone hands back only what lies at the end of its heap: after a training of 135M weights 2 GB stay.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except (OSError, AttributeError):
        return


def needs_its_memory(machine: Hardware) -> bool:
    """Whether freed blocks should go back at once: beside a GPU, in 16 GB or less."""
    return machine.accelerator == "cuda" and machine.ram_gb <= LITTLE_RAM_GB
