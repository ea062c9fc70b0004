"""Landlock: restricts which files a snippet may read and write, beyond its user's permissions; Linux 5.13 and later."""

import ctypes
import os
import stat
from collections.abc import Sequence

from mathcode_pile.sandbox import linux

# Constants as in linux/landlock.h.
WRITE_FILE, READ_FILE, READ_DIR, REMOVE_DIR, REMOVE_FILE, MAKE_DIR, MAKE_REG = 2, 4, 8, 16, 32, 128, 256
REFER, TRUNCATE = 1 << 13, 1 << 14
READING = READ_FILE | READ_DIR
WRITING = READING | WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | REFER | TRUNCATE
FOR_FILES = WRITE_FILE | READ_FILE | TRUNCATE  # the other rights make sense only for folders
# The rights that each version of the interface knows. A right that it knows and that no rule grants is denied.
KNOWN = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
NETWORK_SINCE, SCOPES_SINCE = 4, 6  # versions
TCP = 3  # no bind, no connect
SCOPES = 3  # no signals to processes outside, no abstract Unix sockets of theirs
CREATE_RULESET_VERSION, RULE_PATH_BENEATH = 1, 1


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def version() -> int:
    """Return the version of the kernel's Landlock; raises OSError where the kernel has none."""
    return linux.call("landlock_create_ruleset", ctypes.c_void_p(None), 0, CREATE_RULESET_VERSION)


def make_ruleset(readable: Sequence[str], writable: Sequence[str]) -> int:
    """Return the descriptor of rules that allow to read below some paths, and to read and write below others."""
    abi = version()
    handled = [KNOWN[min(abi, max(KNOWN))]]
    if abi >= NETWORK_SINCE:
        handled.append(TCP)
    if abi >= SCOPES_SINCE:
        handled.append(SCOPES)
    # Linux is told the size of the attributes, and so which of them we know.
    attributes = (ctypes.c_uint64 * len(handled))(*handled)
    ruleset = linux.call("landlock_create_ruleset", attributes, ctypes.sizeof(attributes), 0)
    for paths, rights in ((readable, READING), (writable, WRITING)):
        for path in paths:
            _add_rule(ruleset, path, rights & handled[0])
    return ruleset


def _add_rule(ruleset: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= FOR_FILES
        linux.call("landlock_add_rule", ruleset, RULE_PATH_BENEATH, ctypes.byref(_Rule(rights, place)), 0)
    finally:
        os.close(place)


def restrict(ruleset: int) -> None:
    """Put this process under a ruleset for good; needs no_new_privs."""
    linux.call("landlock_restrict_self", ruleset, 0)
