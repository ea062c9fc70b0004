"""The system calls that a snippet may make; every other one fails with EPERM.

There are two filters, because a filter cannot be removed from a process. The zygote's filter lists what is allowed, not
what is forbidden, so calls that Linux gets later are forbidden too. The snippet's filter is short, because the process
of every snippet installs it. It forbids what only the zygote needs, such as fork.

numpy, scipy and sympy get the calls that they need. Not allowed are sockets, fork and exec, signals to others, ptrace,
mounts and namespaces, keys, bpf, perf, io_uring, memory shared between processes, links, locks on whole files, and
changes of a file's mode, owner or times, which Landlock does not cover.
"""

import ctypes
import errno
from collections.abc import Callable
from typing import NamedTuple

from mathcode_pile.sandbox import linux

# fmt: off
X86_64 = {
    "read": 0, "write": 1, "open": 2, "close": 3, "stat": 4, "fstat": 5, "lstat": 6, "poll": 7, "lseek": 8,
    "mmap": 9, "mprotect": 10, "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14,
    "rt_sigreturn": 15, "ioctl": 16, "pread64": 17, "pwrite64": 18, "readv": 19, "writev": 20, "access": 21,
    "pipe": 22, "select": 23, "sched_yield": 24, "mremap": 25, "msync": 26, "mincore": 27, "madvise": 28,
    "dup": 32, "dup2": 33, "pause": 34, "nanosleep": 35, "getitimer": 36, "alarm": 37, "setitimer": 38,
    "getpid": 39, "sendfile": 40, "clone": 56, "exit": 60, "kill": 62, "uname": 63, "fcntl": 72,
    "fsync": 74, "fdatasync": 75, "ftruncate": 77, "getdents": 78, "getcwd": 79, "chdir": 80, "fchdir": 81,
    "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "unlink": 87, "readlink": 89, "umask": 95,
    "gettimeofday": 96, "getrlimit": 97, "getrusage": 98, "sysinfo": 99, "times": 100, "getuid": 102,
    "getgid": 104, "geteuid": 107, "getegid": 108, "getppid": 110, "getpgrp": 111, "getgroups": 115,
    "getresuid": 118, "getresgid": 120, "getpgid": 121, "getsid": 124, "rt_sigpending": 127,
    "rt_sigtimedwait": 128, "rt_sigsuspend": 130, "sigaltstack": 131, "statfs": 137, "fstatfs": 138,
    "getpriority": 140, "sched_getparam": 143, "sched_getscheduler": 145, "sched_get_priority_max": 146,
    "sched_get_priority_min": 147, "prctl": 157, "arch_prctl": 158, "setrlimit": 160, "gettid": 186,
    "time": 201, "futex": 202, "sched_getaffinity": 204, "epoll_create": 213, "getdents64": 217,
    "set_tid_address": 218, "restart_syscall": 219, "fadvise64": 221, "timer_create": 222,
    "timer_settime": 223, "timer_gettime": 224, "timer_getoverrun": 225, "timer_delete": 226,
    "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231, "epoll_wait": 232,
    "epoll_ctl": 233, "tgkill": 234, "openat": 257, "mkdirat": 258, "newfstatat": 262, "unlinkat": 263,
    "renameat": 264, "readlinkat": 267, "faccessat": 269, "pselect6": 270, "ppoll": 271,
    "set_robust_list": 273, "get_robust_list": 274, "epoll_pwait": 281, "timerfd_create": 283,
    "eventfd": 284, "fallocate": 285, "timerfd_settime": 286, "timerfd_gettime": 287, "eventfd2": 290,
    "epoll_create1": 291, "dup3": 292, "pipe2": 293, "preadv": 295, "pwritev": 296, "prlimit64": 302,
    "getcpu": 309, "renameat2": 316, "getrandom": 318, "membarrier": 324, "copy_file_range": 326,
    "preadv2": 327, "pwritev2": 328, "statx": 332, "rseq": 334, "clone3": 435, "close_range": 436,
    "openat2": 437, "faccessat2": 439,
}
AARCH64 = {
    "getcwd": 17, "eventfd2": 19, "epoll_create1": 20, "epoll_ctl": 21, "epoll_pwait": 22, "dup": 23,
    "dup3": 24, "fcntl": 25, "ioctl": 29, "mkdirat": 34, "unlinkat": 35, "renameat": 38,
    "statfs": 43, "fstatfs": 44, "ftruncate": 46, "fallocate": 47, "faccessat": 48, "chdir": 49, "fchdir": 50,
    "openat": 56, "close": 57, "pipe2": 59, "getdents64": 61, "lseek": 62, "read": 63, "write": 64,
    "readv": 65, "writev": 66, "pread64": 67, "pwrite64": 68, "preadv": 69, "pwritev": 70, "sendfile": 71,
    "pselect6": 72, "ppoll": 73, "readlinkat": 78, "fstatat": 79, "fstat": 80, "fsync": 82, "fdatasync": 83,
    "timerfd_create": 85, "timerfd_settime": 86, "timerfd_gettime": 87, "exit": 93, "exit_group": 94,
    "set_tid_address": 96, "futex": 98, "set_robust_list": 99, "get_robust_list": 100, "nanosleep": 101,
    "getitimer": 102, "setitimer": 103, "timer_create": 107, "timer_gettime": 108, "timer_getoverrun": 109,
    "timer_settime": 110, "timer_delete": 111, "clock_gettime": 113, "clock_getres": 114,
    "clock_nanosleep": 115, "sched_getscheduler": 120, "sched_getparam": 121, "sched_getaffinity": 123,
    "sched_yield": 124, "sched_get_priority_max": 125, "sched_get_priority_min": 126, "restart_syscall": 128,
    "kill": 129, "tgkill": 131, "sigaltstack": 132, "rt_sigsuspend": 133, "rt_sigaction": 134,
    "rt_sigprocmask": 135, "rt_sigpending": 136, "rt_sigtimedwait": 137, "rt_sigreturn": 139,
    "getpriority": 141, "getresuid": 148, "getresgid": 150, "times": 153, "getpgid": 155, "getsid": 156,
    "getgroups": 158, "uname": 160, "getrlimit": 163, "setrlimit": 164, "getrusage": 165, "umask": 166,
    "prctl": 167, "getcpu": 168, "gettimeofday": 169, "getpid": 172, "getppid": 173, "getuid": 174,
    "geteuid": 175, "getgid": 176, "getegid": 177, "gettid": 178, "sysinfo": 179, "brk": 214, "munmap": 215,
    "mremap": 216, "clone": 220, "mmap": 222, "fadvise64": 223, "mprotect": 226, "msync": 227,
    "mincore": 232, "madvise": 233, "prlimit64": 261, "renameat2": 276, "getrandom": 278, "membarrier": 283,
    "copy_file_range": 285, "preadv2": 286, "pwritev2": 287, "statx": 291, "rseq": 293, "clone3": 435,
    "close_range": 436, "openat2": 437, "faccessat2": 439,
}
# What only the zygote needs; the snippet's filter forbids it.
ZYGOTE = {
    "x86_64": {"sendto": 44, "recvfrom": 45, "recvmsg": 47, "fork": 57, "wait4": 61},
    "aarch64": {"sendto": 206, "recvfrom": 207, "recvmsg": 212, "wait4": 260},
}
# fmt: on
# The calls of each machine, and its audit architecture.
TABLES = {"x86_64": (X86_64, 0xC000003E), "aarch64": (AARCH64, 0xC00000B7)}

# Actions of a filter, as in linux/seccomp.h.
ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = ERROR | errno.EPERM, ERROR | errno.ENOSYS
# Instructions, as in linux/bpf_common.h.
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN, MASK = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
# Offsets in what a filter can look at, struct seccomp_data.
CALL_NUMBER, ARCHITECTURE, ARGUMENTS, ARGUMENT_BYTES = 0, 4, 16, 8
X32_CALLS = 0x40000000  # from here on, x86_64 has a second set of numbers
SELF = 0xFEEDFACE  # replaced by the process id, which is known only after the fork
LAST_KNOWN = 467  # for higher numbers the C library is told that the kernel does not have the call
FILTER_MODE = 2  # of prctl(PR_SET_SECCOMP)

PR_SET_NAME, PR_GET_NAME, PR_SET_VMA = 15, 16, 0x53564D41
PRCTL_ALLOWED = [PR_SET_NAME, PR_GET_NAME, PR_SET_VMA]  # names of threads and of mappings
PRCTL_OF_ZYGOTE = [linux.PR_SET_PDEATHSIG, linux.PR_SET_SECCOMP]  # for the fork that becomes a snippet
# TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX: is it a terminal, how much can be read, flags.
IOCTL_ALLOWED = [0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451]
# F_SETOWN, F_SETSIG and F_SETOWN_EX send signals to a process that they name; F_SETLEASE delays writers to a file.
FCNTL_DENIED = [8, 10, 15, 1024]
CLONE_VM, CLONE_SIGHAND, CLONE_THREAD = 0x00000100, 0x00000800, 0x00010000
THREAD = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND
NAMESPACES = 0x7E020080  # every flag of clone that makes a new namespace


class Instruction(NamedTuple):  # one instruction of a filter's program
    code: int
    if_true: int
    """How many instructions to skip where a test holds."""
    if_false: int
    value: int


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filters", ctypes.c_void_p))


def _load(offset: int) -> Instruction:
    return Instruction(LOAD, 0, 0, offset)


def _load_argument(index: int) -> Instruction:
    # The lower half: the kernel uses only 32 bits of these arguments.
    return _load(ARGUMENTS + ARGUMENT_BYTES * index)


def _return(action: int) -> Instruction:
    return Instruction(RETURN, 0, 0, action)


def _unless(test: int, value: int, skipped: int) -> Instruction:
    """Skip instructions unless a test holds."""
    return Instruction(test, 0, skipped, value)


def _one_of(index: int, values: list[int], then: int, otherwise: int) -> list[Instruction]:
    """Return one action if an argument has one of the values, and another action otherwise."""
    count = len(values)
    tests = [Instruction(EQUAL, count - place, 0, value) for place, value in enumerate(values)]
    return [_load_argument(index), *tests, _return(otherwise), _return(then)]


def _choose(calls: dict[str, int], blocks: dict[str, list[Instruction]]) -> list[Instruction]:
    """Run a block of instructions for each of some calls."""
    program: list[Instruction] = []
    for name, block in blocks.items():
        program += [_unless(EQUAL, calls[name], len(block)), *block]
    return program


def _search(segments: list[tuple[int, int]]) -> list[Instruction]:
    """Search for a call's (first number, action), by halves: Linux evaluates the program for every call beforehand."""
    if len(segments) == 1:
        return [_return(segments[0][1])]
    middle = len(segments) // 2
    lower, upper = _search(segments[:middle]), _search(segments[middle:])
    return [Instruction(AT_LEAST, len(lower), 0, segments[middle][0]), *lower, *upper]


def zygote_program(machine: str) -> list[Instruction]:
    """Return the zygote's filter for a machine."""
    calls, architecture = TABLES[machine]
    allowed = {*calls.values(), *ZYGOTE[machine].values()}
    segments: list[tuple[int, int]] = []
    for number in range(LAST_KNOWN):
        action = ALLOW if number in allowed else EPERM
        if not segments or segments[-1][1] != action:
            segments.append((number, action))
    segments.append((LAST_KNOWN, ENOSYS))
    head = [
        _load(ARCHITECTURE),
        Instruction(EQUAL, 1, 0, architecture),
        _return(KILL),
        _load(CALL_NUMBER),
        _unless(AT_LEAST, X32_CALLS, 1),
        _return(KILL),
    ]
    blocks = {
        "clone": [_load_argument(0), _unless(ANY_BIT, NAMESPACES, 1), _return(EPERM), _return(ALLOW)],
        # Its flags are in memory, which a filter cannot read. Without clone3 the C library uses clone.
        "clone3": [_return(ENOSYS)],
        "prctl": _one_of(0, PRCTL_ALLOWED + PRCTL_OF_ZYGOTE, ALLOW, EPERM),
        "ioctl": _one_of(1, IOCTL_ALLOWED, ALLOW, EPERM),
        "fcntl": _one_of(1, FCNTL_DENIED, EPERM, ALLOW),
        # Only mode 0: others give a file more room than its size shows, and the limit counts the size.
        "fallocate": _one_of(1, [0], ALLOW, EPERM),
    }
    return head + _choose(calls, blocks) + _search(segments)


def snippet_program(machine: str) -> list[Instruction]:
    """Return what a snippet's process adds to the zygote's filter, with SELF in place of its process id."""
    calls = TABLES[machine][0] | ZYGOTE[machine]
    blocks = {
        "clone": [  # threads only
            _load_argument(0),
            Instruction(MASK, 0, 0, THREAD),
            _unless(EQUAL, THREAD, 1),
            _return(ALLOW),
            _return(EPERM),
        ],
        "kill": _one_of(0, [SELF], ALLOW, EPERM),
        "tgkill": _one_of(0, [SELF], ALLOW, EPERM),
        "prlimit64": _one_of(0, [0, SELF], ALLOW, EPERM),
        "prctl": _one_of(0, PRCTL_ALLOWED, ALLOW, EPERM),
        **{name: [_return(EPERM)] for name in ZYGOTE[machine]},
    }
    return [_load(CALL_NUMBER), *_choose(calls, blocks), _return(ALLOW)]


class Filter:
    """A filter, compiled once; `install` puts the present process under it for good."""

    def __init__(self, build: Callable[[str], list[Instruction]]) -> None:
        if linux.MACHINE not in TABLES:
            raise OSError(errno.ENOSYS, f"seccomp: no filter for {linux.MACHINE}")
        program = build(linux.MACHINE)
        self._filters = (_Instruction * len(program))(*[_Instruction(*instruction) for instruction in program])
        self._own = [place for place, instruction in enumerate(program) if instruction.value == SELF]
        self._program = _Program(len(program), ctypes.addressof(self._filters))

    def install(self, process: int) -> None:
        """Put this process, whose id is `process`, under the filter."""
        for place in self._own:
            self._filters[place].value = process
        linux.prctl(linux.PR_SET_SECCOMP, FILTER_MODE, ctypes.byref(self._program))
