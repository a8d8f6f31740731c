"""The filter of system calls, run step by step for both machines, beside the kernel's own headers."""

import errno
import re
import struct
import sys
from pathlib import Path

import pytest

from lab_helpers.evaluation.sandbox.inside import system_calls
from lab_helpers.evaluation.sandbox.inside.call_numbers import ALLOWED, CONDITIONAL

HEADER = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
GENERIC = Path("/usr/include/asm-generic/unistd.h")
ALLOW, REFUSE = system_calls.ALLOW, system_calls.REFUSE
OWN = 4321
# call: (x86_64, aarch64); from the kernel's tables, and in none of ours.
FORBIDDEN = {
    "socket": (41, 198), "connect": (42, 203), "sendto": (44, 206), "socketpair": (53, 199),
    "bind": (49, 200), "execve": (59, 221), "execveat": (322, 281), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "mount": (165, 40),
    "unshare": (272, 97), "setns": (308, 268), "bpf": (321, 280), "io_uring_setup": (425, 425),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "rt_sigqueueinfo": (129, 138),
    "fchmodat": (268, 53), "fchownat": (260, 54), "utimensat": (280, 88), "setxattr": (188, 5),
    "linkat": (265, 37), "symlinkat": (266, 36), "truncate": (76, 45), "keyctl": (250, 219),
    "add_key": (248, 217), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "memfd_create": (319, 279), "openat2": (437, 437), "setsid": (112, 157), "setpgid": (109, 154),
    "chroot": (161, 51), "reboot": (169, 142), "mknodat": (259, 33), "setpriority": (141, 140),
}  # fmt: skip


def run(program: bytes, number: int, arguments=(), machine: str = "x86_64") -> int:
    """What the kernel's machine would return: the few instructions that the filter uses."""
    architecture = system_calls.MACHINES[machine][1]
    padded = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("=IIQ6Q", number, architecture, 0, *padded)
    at, held = 0, 0
    while True:
        code, if_true, if_false, value = struct.unpack_from("=HBBI", program, at * 8)
        at += 1
        if code == system_calls.LOAD:
            held = struct.unpack_from("=I", data, value)[0]
        elif code == system_calls.MASK:
            held &= value
        elif code == system_calls.RETURN:
            return value
        else:
            held_true = {
                system_calls.EQUAL: held == value,
                system_calls.AT_LEAST: held >= value,
                system_calls.ANY_BIT: bool(held & value),
            }[code]
            at += if_true if held_true else if_false


@pytest.fixture(params=["x86_64", "aarch64"])
def machine(request):
    """``verdict(name or number, *arguments)`` of the filter for a machine."""
    column = system_calls.MACHINES[request.param][0]
    program = system_calls.assemble(request.param, OWN)

    def verdict(call, *arguments):
        if isinstance(call, str):
            call = ({**ALLOWED, **CONDITIONAL, **FORBIDDEN})[call][column]
        return ALLOW if call is None else run(program, call, arguments, request.param)

    return verdict


def test_what_is_listed_is_allowed_and_all_else_refused(machine):
    assert all(machine(name) == ALLOW for name in ALLOWED)
    assert all(machine(name) == REFUSE for name in FORBIDDEN)


def test_unknown_calls_and_those_of_32_bits_are_refused(machine):
    assert {machine(n) for n in range(470, 1000)} == {REFUSE}
    assert machine(0x40000000 + 41) == machine(0x40000000) == REFUSE


def test_another_architecture_is_killed():
    program = system_calls.assemble("x86_64", OWN)
    assert run(program, 0, (), "aarch64") == system_calls.KILL


def test_threads_but_no_processes(machine):
    assert machine("clone", 0x3D0F00) == ALLOW  # as pthread_create asks
    assert machine("clone", 0x1200011) == REFUSE  # as fork asks
    assert machine("clone3") == 0x00050000 | errno.ENOSYS


def test_signals_to_itself_only(machine):
    assert machine("kill", OWN, 6) == machine("tgkill", OWN, OWN, 6) == ALLOW
    for other in (1, 0, 2**32 - 1, 2**64 - 1, OWN + 1):
        assert machine("kill", other, 9) == machine("tgkill", other, other, 9) == REFUSE


def test_files_are_not_emptied_by_opening_them_to_read(machine):
    for reading in (0, 0o2000000):  # O_RDONLY, with O_CLOEXEC
        assert machine("openat", 0, 0, reading) == ALLOW
        assert machine("openat", 0, 0, reading | 0o1000) == REFUSE
    assert machine("openat", 0, 0, 0o1 | 0o100 | 0o1000) == ALLOW  # open(path, "w")
    assert machine("open", 0, 0o1000) in (REFUSE, ALLOW)


def test_no_borrowed_signals_and_no_typing_into_terminals(machine):
    assert machine("fcntl", 3, 8, OWN) == machine("fcntl", 3, 10, 9) == REFUSE  # F_SETOWN, F_SETSIG
    assert machine("fcntl", 3, 1030, 0) == machine("fcntl", 3, 3) == ALLOW
    assert machine("ioctl", 0, 0x5412) == REFUSE  # TIOCSTI
    assert machine("ioctl", 0, 0x5401) == ALLOW
    assert machine("prlimit64", 0, 7) == ALLOW
    assert machine("prlimit64", 1, 7) == machine("prctl", 22) == REFUSE


@pytest.mark.skipif(not HEADER.exists(), reason="the kernel's headers for x86_64 are not installed")
def test_the_numbers_are_the_kernels():
    known = {name: int(n) for name, n in re.findall(r"#define __NR_(\w+) (\d+)", HEADER.read_text())}  # fmt: skip
    ours = {**ALLOWED, **CONDITIONAL, **FORBIDDEN}
    assert {name: numbers[0] for name, numbers in ours.items()} == {name: known[name] for name in ours}  # fmt: skip


@pytest.mark.skipif(not GENERIC.exists(), reason="the kernel's generic headers are not installed")
def test_the_numbers_for_aarch64_are_the_kernels():
    known = dict(re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", GENERIC.read_text()))
    known = {"newfstatat": known.get("fstatat"), **known}
    ours = {**ALLOWED, **CONDITIONAL, **FORBIDDEN}
    listed = {name: numbers[1] for name, numbers in ours.items() if numbers[1] is not None}
    assert listed == {name: int(known[name]) for name in listed}


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
def test_the_filter_is_within_the_kernels_limit():
    assert all(len(system_calls.assemble(m, OWN)) // 8 < 4096 for m in system_calls.MACHINES)
