"""seccomp: which system calls a program may make (Linux, no privileges needed).

The filter is a small program for the kernel's BPF machine, written here from the allowed calls
(linux/seccomp.h, linux/filter.h; the kernel's Documentation/userspace-api/seccomp_filter.rst).
A refused call returns EPERM, which Python raises as ``PermissionError``.
"""

import ctypes
import errno
import os
import platform
import struct

from . import kernel
from .call_numbers import ALLOWED, CONDITIONAL

# machine: (column in the tables, AUDIT_ARCH number, the call's own number of seccomp(2))
MACHINES = {"x86_64": (0, 0xC000003E, 317), "aarch64": (1, 0xC00000B7, 277)}

LOAD, EQUAL, AT_LEAST, ANY_BIT, MASK, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
CALL_NUMBER, ARCHITECTURE = 0, 4
FIRST_ARGUMENT, SECOND_ARGUMENT, THIRD_ARGUMENT = 16, 24, 32  # their lower halves
ALLOW, REFUSE, KILL = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x80000000
NOT_THERE = 0x00050000 | errno.ENOSYS

X32_CALLS = 0x40000000
SET_MODE_FILTER = 1
CLONE_THREAD = 0x00010000
PR_SET_NAME = 15
EMPTY_ON_OPENING, WAY_OF_OPENING = 0o1000, 0o3
"""O_TRUNC and O_ACCMODE: with read-only, Linux empties the file, and Landlock before 6.2 lets it."""
TERMINAL_QUESTIONS = (0x5401, 0x5413, 0x5421, 0x541B, 0x5450, 0x5451)
"""``ioctl``: TCGETS (is it a terminal?), TIOCGWINSZ, FIONBIO, FIONREAD, FIONCLEX, FIOCLEX."""

FILE_QUESTIONS = (0, 1, 2, 3, 4, 5, 6, 7, 1030)
"""``fcntl``: duplicating, flags and locks. Not F_SETOWN, which has signals sent to another process."""


def supported() -> bool:
    """There is a table of calls for this machine, and Python runs as its native 64-bit program."""
    return platform.machine() in MACHINES and ctypes.sizeof(ctypes.c_void_p) == 8


def restrict() -> None:
    """From here on, only the allowed calls. Needs ``PR_SET_NO_NEW_PRIVS``; there is no way back.

    Raises:
        OSError: the kernel has no seccomp filters, or there is no table for this machine.
    """
    if not supported():
        raise OSError(errno.ENOSYS, f"no list of system calls for {platform.machine()}")
    program = assemble(platform.machine(), os.getpid())
    code = ctypes.create_string_buffer(program, len(program))
    filter_program = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
    number = MACHINES[platform.machine()][2]
    kernel.call(number, ctypes.c_uint(SET_MODE_FILTER), ctypes.c_uint(0), filter_program)


def assemble(machine: str, own_id: int) -> bytes:
    """The filter for a machine, as BPF instructions of 8 bytes each."""
    column, architecture, _ = MACHINES[machine]
    steps = [_step(LOAD, ARCHITECTURE), _step(EQUAL, architecture, 1, 0), _step(RETURN, KILL)]
    steps += [_step(LOAD, CALL_NUMBER), _step(AT_LEAST, X32_CALLS, 0, 1), _step(RETURN, REFUSE)]
    for numbers in ALLOWED.values():
        if (number := numbers[column]) is not None:
            steps += [_step(EQUAL, number, 0, 1), _step(RETURN, ALLOW)]
    for name, rule in rules(own_id).items():
        if (number := CONDITIONAL[name][column]) is not None:
            steps += [_step(EQUAL, number, 0, len(rule)), *rule]
    return b"".join([*steps, _step(RETURN, REFUSE)])


def rules(own_id: int) -> dict[str, list[bytes]]:
    """What a call's arguments must be. Each rule ends with a return, so it never falls through."""
    return {
        "open": _opening(SECOND_ARGUMENT),
        "openat": _opening(THIRD_ARGUMENT),
        "clone": [_step(LOAD, FIRST_ARGUMENT), _step(ANY_BIT, CLONE_THREAD, 0, 1), *_decide()],
        # clone3 hides its flags in memory; the C library falls back to clone.
        "clone3": [_step(RETURN, NOT_THERE)],
        "kill": _argument_is(FIRST_ARGUMENT, own_id),
        "tgkill": _argument_is(FIRST_ARGUMENT, own_id),
        "prctl": _argument_is(FIRST_ARGUMENT, PR_SET_NAME),
        "prlimit64": _argument_is(FIRST_ARGUMENT, 0),
        "fcntl": _argument_is(SECOND_ARGUMENT, *FILE_QUESTIONS),
        "ioctl": _argument_is(SECOND_ARGUMENT, *TERMINAL_QUESTIONS),
    }


def _opening(flags: int) -> list[bytes]:
    mask = EMPTY_ON_OPENING | WAY_OF_OPENING
    return [_step(LOAD, flags), _step(MASK, mask), _step(EQUAL, EMPTY_ON_OPENING, 1, 0), *_decide()]


def _argument_is(offset: int, *values: int) -> list[bytes]:
    tests = [_step(EQUAL, value, len(values) - 1 - i, int(i == len(values) - 1)) for i, value in enumerate(values)]  # fmt: skip
    return [_step(LOAD, offset), *tests, *_decide()]


def _decide() -> list[bytes]:
    return [_step(RETURN, ALLOW), _step(RETURN, REFUSE)]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)
