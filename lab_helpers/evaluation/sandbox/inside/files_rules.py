"""Landlock: which files a program may touch (Linux 5.13 and newer, no privileges needed).

Structures and numbers: linux/landlock.h; the kernel's Documentation/userspace-api/landlock.rst.
"""

import ctypes
import os
import struct

from . import kernel

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
ASK_VERSION = 1
PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE = (1 << n for n in range(6))
MAKE_DIR, MAKE_REG = 1 << 7, 1 << 8
TRUNCATE = 1 << 14

READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | TRUNCATE
ON_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE

FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many rights about files the kernel knows, by its Landlock version (5 and newer: 16)."""
NETWORK_SINCE, SCOPES_SINCE = 4, 6
BIND_AND_CONNECT_TCP = 0b11
ABSTRACT_SOCKETS_AND_SIGNALS = 0b11


def version() -> int:
    """The kernel's Landlock version. Raises ``OSError`` where it has none."""
    return kernel.call(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(ASK_VERSION))


def restrict(readable: list[str], writable: list[str]) -> None:
    """From here on: read only below ``readable``, write only below ``writable``, execute nothing.

    TCP, abstract Unix sockets and signals to processes outside are refused too, where the kernel's
    version has rules for them. Needs ``PR_SET_NO_NEW_PRIVS``.

    Raises:
        OSError: the kernel has no Landlock, or refuses.
    """
    known = version()
    handled = (1 << FILE_RIGHTS.get(known, FILE_RIGHTS[max(FILE_RIGHTS)])) - 1
    network = BIND_AND_CONNECT_TCP if known >= NETWORK_SINCE else 0
    scopes = ABSTRACT_SOCKETS_AND_SIGNALS if known >= SCOPES_SINCE else 0
    size = 24 if scopes else 16 if network else 8
    attributes = struct.pack("=QQQ", handled, network, scopes)[:size]
    rules = kernel.call(CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint32(0))
    try:
        for paths, rights in ((readable, READ), (writable, WRITE)):
            for path in paths:
                if os.path.exists(path):
                    _allow_beneath(rules, path, rights & handled)
        kernel.call(RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0))
    finally:
        os.close(rules)


def _allow_beneath(rules: int, path: str, rights: int) -> None:
    place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not os.path.isdir(path):
            rights &= ON_A_FILE
        rule = struct.pack("=Qi", rights, place)
        kernel.call(ADD_RULE, ctypes.c_int(rules), ctypes.c_int(PATH_BENEATH), rule, ctypes.c_uint32(0))  # fmt: skip
    finally:
        os.close(place)
