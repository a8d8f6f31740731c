"""The C library by ctypes, for the kernel's interfaces that Python does not wrap."""

import ctypes
import os
from typing import Any

libc: Any = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38


def call(number: int, *arguments) -> int:
    """``syscall(number, ...)``. Raises ``OSError`` where the kernel refuses."""
    return checked(libc.syscall(ctypes.c_long(number), *arguments))


def prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    checked(libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero))


def checked(result: int) -> int:
    """The result of a C call, or the ``OSError`` that it stands for."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
