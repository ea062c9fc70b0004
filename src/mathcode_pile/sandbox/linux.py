"""Linux calls that the standard library does not have, made through ctypes; each raises OSError where it fails.

Only for x86_64 and aarch64. On other machines NUMBERS is empty, and every layer that needs it counts as missing.
"""

import ctypes
import errno
import os
import platform
import signal

libc = ctypes.CDLL(None, use_errno=True)
_holding_gil = ctypes.PyDLL(None, use_errno=True)  # calls during which the GIL is not released

# The numbers of system calls: newer calls have the same number on all machines, older ones do not.
COMMON = {
    "close_range": 436,
    "mount_setattr": 442,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}
OWN = {
    "x86_64": {"clone": 56, "capset": 126, "pivot_root": 155},
    "aarch64": {"pivot_root": 41, "capset": 91, "clone": 220},
}
MACHINE = platform.machine()
NUMBERS: dict[str, int] = COMMON | OWN[MACHINE] if MACHINE in OWN else {}

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 22, 36, 38
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = 1, 2
MADV_COLLAPSE, HUGE_PAGE = 25, 2 << 20
AT_RECURSIVE, AT_FDCWD = 0x8000, -100
LINUX_CAPABILITY_VERSION_3 = 0x20080522
NO_UPPER_LIMIT = 0xFFFFFFFF  # of close_range


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def call(name: str, *arguments: object) -> int:
    """Make a system call by name; the arguments are integers and ctypes objects."""
    if name not in NUMBERS:
        raise OSError(errno.ENOSYS, f"{name}: unknown on {MACHINE}")
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return _check(libc.syscall(ctypes.c_long(NUMBERS[name]), *converted), name)


def prctl(option: int, *arguments: object) -> int:
    """Set a property of this process."""
    padded = [*arguments, 0, 0, 0, 0][:4]
    return _check(libc.prctl(option, *[ctypes.c_ulong(a) if isinstance(a, int) else a for a in padded]), "prctl")


def unshare(flags: int) -> None:
    """Enter new namespaces."""
    _check(libc.unshare(flags), "unshare")


def fork_first_process() -> int:
    """Fork a process that is process 1 of a new namespace of processes.

    unshare can do this only once: it makes no second namespace when the processes of the first one are gone.
    """
    if "clone" not in NUMBERS:
        raise OSError(errno.ENOSYS, f"clone: unknown on {MACHINE}")
    arguments = [ctypes.c_long(value) for value in (NUMBERS["clone"], CLONE_NEWPID | signal.SIGCHLD, 0, 0, 0, 0)]
    return _check(_holding_gil.syscall(*arguments), "clone")


def fork() -> int:
    """Fork with the C library's call alone.

    Python's own fork also makes new locks and seeds `random` again, which touches 230 pages when sympy is loaded.
    Only for a process that has one thread and holds no lock.
    """
    return _check(_holding_gil.fork(), "fork")


def collapse_memory() -> None:
    """Move the memory that this process has written so far into huge pages, so that a fork copies fewer page tables.

    Linux 6.1 and later does it, if it has free pages of 2 MB; otherwise nothing happens. No address changes.
    """
    with open("/proc/self/maps") as maps:
        lines = [line.split() for line in maps]
    for span, rights, *_, name in [line if len(line) > 5 else [*line, ""] for line in lines]:
        first, last = (int(end, 16) // HUGE_PAGE for end in span.split("-"))
        if rights == "rw-p" and name in ("", "[heap]"):
            for place in range(first + 1, last):
                libc.madvise(ctypes.c_void_p(place * HUGE_PAGE), ctypes.c_size_t(HUGE_PAGE), MADV_COLLAPSE)


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount a file system, or make a folder appear in a second place as well."""
    arguments = [source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()]
    _check(libc.mount(*arguments), f"mount {target}")


def unmount(target: str) -> None:
    """Detach a mount, even if it is in use."""
    _check(libc.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def make_readonly(target: str) -> None:
    """Make a mount and all mounts below it read-only, and stop set-user-id programs there from gaining rights."""
    attributes = (ctypes.c_uint64 * 4)(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0)
    path, size = ctypes.c_char_p(target.encode()), ctypes.sizeof(attributes)
    call("mount_setattr", AT_FDCWD, path, AT_RECURSIVE, attributes, size)


def pivot_root(new: str, old: str) -> None:
    """Make `new` the root of this mount namespace, and mount the old root at `old`."""
    call("pivot_root", ctypes.c_char_p(new.encode()), ctypes.c_char_p(old.encode()))


def drop_capabilities() -> None:
    """Give up all capabilities of this process in its user namespace."""
    header = (ctypes.c_uint32 * 2)(LINUX_CAPABILITY_VERSION_3, 0)
    call("capset", header, (ctypes.c_uint32 * 6)())


def close_from(first: int) -> None:
    """Close every descriptor from `first` on."""
    try:
        call("close_range", first, NO_UPPER_LIMIT, 0)
    except OSError:
        os.closerange(first, 4096)


def die_with(parent: int) -> None:
    """Make Linux kill this process when its parent ends; end at once if the parent has ended already."""
    prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)
