"""Namespaces and capabilities: a program alone on a machine without network (Linux).

Needs unprivileged user namespaces, which some containers and distributions refuse.
"""

import ctypes
import os

from . import kernel

NEW_MOUNTS, NEW_HOST_NAME, NEW_IPC = 0x00020000, 0x04000000, 0x08000000
NEW_USERS, NEW_PROCESSES, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
NO_SET_ID, NO_DEVICES, NO_EXECUTION = 2, 4, 8
CAPABILITIES_VERSION_3 = 0x20080522
FILES_IN_FOLDER = 1000


def enter() -> None:
    """Own users, processes (from the next fork on), network with no device, mounts and IPC.

    Raises:
        OSError: this system does not let us.
    """
    user, group = os.getuid(), os.getgid()
    every = NEW_USERS | NEW_PROCESSES | NEW_NETWORK | NEW_MOUNTS | NEW_IPC | NEW_HOST_NAME
    kernel.checked(kernel.libc.unshare(every))
    for name, text in (
        ("uid_map", f"{user} {user} 1"),
        ("setgroups", "deny"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def mount_small_folder(path: str, size: int) -> None:
    """A file system in memory over ``path``, of ``size`` bytes and few files, seen by us alone.

    Raises:
        OSError: not in namespaces of our own, or refused.
    """
    options = f"size={size},nr_inodes={FILES_IN_FOLDER},mode=700".encode()
    flags = ctypes.c_ulong(NO_SET_ID | NO_DEVICES | NO_EXECUTION)
    kernel.checked(kernel.libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", flags, options))


def drop_capabilities() -> None:
    """Give up every capability, root's too, for good together with ``PR_SET_NO_NEW_PRIVS``."""
    header = (ctypes.c_uint32 * 2)(CAPABILITIES_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    kernel.checked(kernel.libc.capset(header, none))
