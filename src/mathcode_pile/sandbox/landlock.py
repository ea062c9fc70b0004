"""Landlock: which files a snippet may read and write, whatever its user may; Linux 5.13 and later."""

import ctypes
import os
import stat
from collections.abc import Sequence

from mathcode_pile.sandbox import kernel

WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 2, 4, 8, 16, 32, 128, 256
REFER, TRUNCATE = 1 << 13, 1 << 14
# The rights that each version of the interface knows; those it knows and no rule grants are denied.
KNOWN = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
TCP = 3  # bind and connect, since version 4
SCOPES = 3  # abstract Unix sockets and signals stay within, since version 6


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Return the version of the kernel's Landlock; raises OSError where it has none."""
    return kernel.call("landlock_create_ruleset", ctypes.c_void_p(None), 0, 1)


def make_ruleset(readable: Sequence[str], writable: Sequence[str]) -> int:
    """Return the descriptor of rules that allow reading below some paths and writing below others."""
    abi = version()
    handled = KNOWN[min(abi, 5)]
    attributes = (ctypes.c_uint64 * 3)(handled, TCP if abi >= 4 else 0, SCOPES if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = kernel.call("landlock_create_ruleset", attributes, size, 0)
    write = WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE
    for paths, rights in ((readable, READ_FILE | READ_DIR), (writable, READ_FILE | READ_DIR | write)):
        for path in paths:
            _add_rule(ruleset, path, rights & handled)
    return ruleset


def _add_rule(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= WRITE_FILE | READ_FILE | TRUNCATE
        kernel.call("landlock_add_rule", ruleset, 1, ctypes.byref(_Rule(rights, place)), 0)
    finally:
        os.close(place)


def restrict(ruleset: int) -> None:
    """Put this process under a ruleset for good; needs no_new_privs."""
    kernel.call("landlock_restrict_self", ruleset, 0)
