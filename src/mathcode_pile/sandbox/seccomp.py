"""The system calls a snippet may make; every other one fails with EPERM.

Two filters, since one that a process is under cannot be taken off: the zygote's, which is a list of what is
allowed, not of what is forbidden, so that a call invented later is forbidden too; and the snippet's, short,
because each snippet's process pays for it, which forbids what only the zygote needs, such as to fork.
What numpy, scipy and sympy need is there. What is not: sockets, fork and exec, signals to others, ptrace,
mounts and namespaces, keys, bpf, perf, io_uring, shared memory between processes, links, locks on whole
files, and changes of a file's mode, owner or times, which Landlock does not cover.
"""

import ctypes
from collections.abc import Callable

from mathcode_pile.sandbox import kernel

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
# What the zygote needs besides, and the snippet's own filter takes away.
ZYGOTE = {
    "x86_64": {"sendto": 44, "recvfrom": 45, "recvmsg": 47, "fork": 57, "wait4": 61},
    "aarch64": {"sendto": 206, "recvfrom": 207, "recvmsg": 212, "wait4": 260},
}
# fmt: on
TABLES = {"x86_64": (X86_64, 0xC000003E), "aarch64": (AARCH64, 0xC00000B7)}

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050000 | 1, 0x00050000 | 38
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN, MASK = 0x20, 0x15, 0x35, 0x45, 0x06, 0x54
SELF = 0xFEEDFACE  # stands for the process id, known only after the fork
LAST_KNOWN = 467  # numbers beyond it: the C library is told that the kernel lacks them

PRCTL_ALLOWED = [15, 16, 0x53564D41]  # a thread's name; a mapping's name
PRCTL_OF_ZYGOTE = [1, 22]  # PR_SET_PDEATHSIG, PR_SET_SECCOMP: for the fork that is to be a snippet
IOCTL_ALLOWED = [0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451]  # is it a terminal, how much to read, flags
# F_SETOWN, F_SETSIG, F_SETOWN_EX send signals to whom they name; F_SETLEASE holds up who writes to a file.
FCNTL_DENIED = [8, 10, 15, 1024]
THREAD = 0x00010000 | 0x00000100 | 0x00000800  # CLONE_THREAD, CLONE_VM, CLONE_SIGHAND
NAMESPACES = 0x7E020080

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, value


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_uint16),
        ("if_true", ctypes.c_uint8),
        ("if_false", ctypes.c_uint8),
        ("value", ctypes.c_uint32),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("filters", ctypes.c_void_p))


def _argument(index: int) -> Instruction:
    # The low half: these arguments are 32 bits wide to the kernel.
    return (LOAD, 0, 0, 16 + 8 * index)


def _one_of(index: int, values: list[int], then: int, otherwise: int) -> list[Instruction]:
    count = len(values)
    tests = [(EQUAL, count - place, 0, value) for place, value in enumerate(values)]
    return [_argument(index), *tests, (RETURN, 0, 0, otherwise), (RETURN, 0, 0, then)]


def _choose(calls: dict[str, int], blocks: dict[str, list[Instruction]]) -> list[Instruction]:
    program: list[Instruction] = []
    for name, block in blocks.items():
        program += [(EQUAL, 0, len(block), calls[name]), *block]
    return program


def _search(segments: list[tuple[int, int]]) -> list[Instruction]:
    """A binary search over (first number, action): the kernel walks it for every call when it is installed."""
    if len(segments) == 1:
        return [(RETURN, 0, 0, segments[0][1])]
    middle = len(segments) // 2
    lower, upper = _search(segments[:middle]), _search(segments[middle:])
    return [(AT_LEAST, len(lower), 0, segments[middle][0]), *lower, *upper]


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
    head: list[Instruction] = [
        (LOAD, 0, 0, 4),
        (EQUAL, 1, 0, architecture),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, 0),
        # x86_64's second set of numbers
        (AT_LEAST, 0, 1, 0x40000000),
        (RETURN, 0, 0, KILL),
    ]
    blocks: dict[str, list[Instruction]] = {
        "clone": [_argument(0), (ANY_BIT, 0, 1, NAMESPACES), (RETURN, 0, 0, EPERM), (RETURN, 0, 0, ALLOW)],
        # Its flags lie in memory, where a filter cannot look; without it the C library takes clone.
        "clone3": [(RETURN, 0, 0, ENOSYS)],
        "prctl": _one_of(0, PRCTL_ALLOWED + PRCTL_OF_ZYGOTE, ALLOW, EPERM),
        "ioctl": _one_of(1, IOCTL_ALLOWED, ALLOW, EPERM),
        "fcntl": _one_of(1, FCNTL_DENIED, EPERM, ALLOW),
        # Other modes give a file more room than its size shows, and its limit counts.
        "fallocate": _one_of(1, [0], ALLOW, EPERM),
    }
    return head + _choose(calls, blocks) + _search(segments)


def snippet_program(machine: str) -> list[Instruction]:
    """Return what a snippet's process adds to the zygote's filter; SELF stands where its id belongs."""
    calls = TABLES[machine][0] | ZYGOTE[machine]
    threads_only: list[Instruction] = [
        _argument(0),
        (MASK, 0, 0, THREAD),
        (EQUAL, 0, 1, THREAD),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, EPERM),
    ]
    blocks: dict[str, list[Instruction]] = {
        "clone": threads_only,
        "kill": _one_of(0, [SELF], ALLOW, EPERM),
        "tgkill": _one_of(0, [SELF], ALLOW, EPERM),
        "prlimit64": _one_of(0, [0, SELF], ALLOW, EPERM),
        "prctl": _one_of(0, PRCTL_ALLOWED, ALLOW, EPERM),
        **{name: [(RETURN, 0, 0, EPERM)] for name in ZYGOTE[machine]},
    }
    return [(LOAD, 0, 0, 0), *_choose(calls, blocks), (RETURN, 0, 0, ALLOW)]


class Filter:
    """A filter, compiled once; `install` puts the present process under it for good."""

    def __init__(self, build: Callable[[str], list[Instruction]]) -> None:
        if kernel.MACHINE not in TABLES:
            raise OSError(38, f"seccomp: no filter for {kernel.MACHINE}")
        program = build(kernel.MACHINE)
        self._filters = (_Instruction * len(program))(*[_Instruction(*instruction) for instruction in program])
        self._own = [place for place, instruction in enumerate(program) if instruction[3] == SELF]
        self._program = _Program(len(program), ctypes.addressof(self._filters))

    def install(self, process: int) -> None:
        """Forbid this process, whose id is `process`, what the filter does not allow."""
        for place in self._own:
            self._filters[place].value = process
        kernel.prctl(kernel.PR_SET_SECCOMP, 2, ctypes.byref(self._program))
