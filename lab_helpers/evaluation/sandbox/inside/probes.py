"""Is a layer there? Each is put around a process of its own, which then tries what it forbids."""

import ctypes
import errno
import os
import socket
import sys

from . import files_rules, kernel, layers, limits_here, mac_profile, spaces, system_calls

HELD, OPEN = 0, 1


def all_of(job: dict) -> dict[str, bool]:
    """For every layer that this kind of system can have: was the forbidden thing refused?"""
    return {name: _holds(PROBES[name], job) for name in layers.possible_here()}


def _holds(probe, job: dict) -> bool:
    child = os.fork()
    if child == 0:
        try:
            held = probe(job)
        except BaseException:
            held = False
        os._exit(HELD if held else OPEN)
    return os.waitpid(child, 0)[1] == 0


def _refused(action, *numbers: int) -> bool:
    try:
        action()
    except MemoryError:
        return True
    except OSError as problem:
        return not numbers or problem.errno in numbers
    return False


def _in_child(question) -> bool:
    child = os.fork()
    if child == 0:
        try:
            held = question()
        except BaseException:
            held = False
        os._exit(HELD if held else OPEN)
    return os.waitpid(child, 0)[1] == 0


def _limits(job: dict) -> bool:
    limits_here.apply(job["limits"])
    path = os.path.join(job["folder"], "large")
    too_much = job["limits"]["file_bytes"] + 1

    def write() -> None:
        with open(path, "wb") as file:
            file.truncate(too_much)

    try:
        memory = _is_mac() or _refused(lambda: bytearray(job["limits"]["memory_bytes"]))
        return memory and _refused(write, errno.EFBIG)
    finally:
        os.unlink(path)


def _is_mac() -> bool:
    # macOS keeps no limit on memory: ``protections.missing`` says so.
    return sys.platform == "darwin"


def _namespaces(job: dict) -> bool:
    outside = os.getppid()
    spaces.enter()

    def alone() -> bool:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
            no_way = _refused(lambda: there.connect(("127.0.0.1", 9)), errno.ENETUNREACH)
        return os.getpid() == 1 and no_way and _refused(lambda: os.kill(outside, 0), errno.ESRCH)

    return _in_child(alone)


def _small_folder(job: dict) -> bool:
    spaces.enter()
    size = 1 << 20
    spaces.mount_small_folder(job["folder"], size)

    def fill() -> None:
        with open(os.path.join(job["folder"], "fill"), "wb", buffering=0) as file:
            while file.write(bytes(size)) == size:
                pass
            file.write(bytes(size))

    return _refused(fill, errno.ENOSPC)


def _no_capabilities(job: dict) -> bool:
    spaces.drop_capabilities()
    return _refused(lambda: os.chroot("/"), errno.EPERM)


def _no_new_privileges(job: dict) -> bool:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    zero = ctypes.c_ulong(0)
    return kernel.libc.prctl(39, zero, zero, zero, zero) == 1


def _files(job: dict) -> bool:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    files_rules.restrict(job["readable"], [job["folder"]])
    inside, outside = job["folder"], os.path.dirname(job["folder"])
    os.mkdir(os.path.join(inside, "allowed"))
    os.rmdir(os.path.join(inside, "allowed"))
    write = _refused(lambda: os.mkdir(os.path.join(outside, os.path.basename(inside) + "-out")), errno.EACCES)  # fmt: skip
    return write and _refused(lambda: os.listdir("/"), errno.EACCES)


def _calls(job: dict) -> bool:
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    system_calls.restrict()
    return _refused(socket.socket, errno.EPERM) and _refused(_fork_and_end, errno.EPERM)


def _fork_and_end() -> None:
    if os.fork() == 0:
        os._exit(0)


def _mac_profile(job: dict) -> bool:
    mac_profile.restrict(job["home"], job["readable"], job["folder"])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as there:
        network = _refused(lambda: there.connect(("127.0.0.1", 9)), errno.EPERM)
    outside = os.path.join(os.path.dirname(job["folder"]), os.path.basename(job["folder"]) + "-out")
    return network and _refused(lambda: os.mkdir(outside), errno.EPERM)


PROBES = {
    layers.NAMESPACES: _namespaces,
    layers.SMALL_FOLDER: _small_folder,
    layers.LIMITS: _limits,
    layers.NO_CAPABILITIES: _no_capabilities,
    layers.NO_NEW_PRIVILEGES: _no_new_privileges,
    layers.FILES: _files,
    layers.CALLS: _calls,
    layers.MAC_PROFILE: _mac_profile,
}
