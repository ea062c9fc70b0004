"""A snippet's own process: the last protections are put in place, then the snippet runs.

All functions run in a fork of a zygote, or in the zygote before it forks. The process ends with status 0 if the snippet
did, otherwise with status 1 after a report: a line each for outcome and error. A hostile snippet can write anything to
the report's pipe. It is only a claim about that snippet: the lane cuts and checks it, and no other snippet is affected.
"""

import builtins
import errno
import os
import random
import re
import resource
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from mathcode_pile.core.outcomes import Outcome
from mathcode_pile.sandbox import linux

# Descriptors: of the report, and, in the zygote, of its socket to the lane.
REPORT, CONTROL = 3, 4
OPEN_FILES = 64
# Errors with which the sandbox, or a limit on disk, refuses something.
FORBIDDEN = frozenset({errno.EPERM, errno.EACCES, errno.EFBIG, errno.ENOSPC, errno.EROFS})
MAX_MESSAGE = 500  # characters
# Where Python's own modules and the packages are, which differs from machine to machine.
_PLACES = re.compile(r"(?:/[^/\s'\"()]+)*/(?:site-packages|lib/python3\.\d+)/")
MAX_CAUSES = 8  # of an exception that are looked at


def set_limits(memory_bytes: int, file_bytes: int, processes: int | None) -> None:
    """Limit what this process, and each one that it forks, may use; memory is the whole address space."""
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_SIGPENDING: 64,  # also limits timers
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: OPEN_FILES,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_CORE: 0,
    }
    if processes is not None:
        limits[resource.RLIMIT_NPROC] = processes
    for limit, most in limits.items():
        ceiling = resource.getrlimit(limit)[1]
        allowed = most if ceiling == resource.RLIM_INFINITY else min(most, ceiling)
        resource.setrlimit(limit, (allowed, allowed))


def limit_computing(cpu_s: int) -> None:
    """Limit the computing of this process alone: a signal that it can catch, a second later one that it cannot."""
    ceiling = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if ceiling != resource.RLIM_INFINITY:
        cpu_s = min(cpu_s, ceiling - 1)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))


def connect(control: int) -> None:
    """Connect the standard descriptors and the report's to /dev/null, keep the control socket, close all others."""
    null = os.open("/dev/null", os.O_RDWR)
    control = os.dup(control) if control <= CONTROL else control
    for place in (0, 1, 2, REPORT):
        os.dup2(null, place)
    os.dup2(control, CONTROL)
    linux.close_from(CONTROL + 1)


def take_over(code: int, output: int, report: int) -> int:
    """Make two descriptors the standard output and the report; return that of the code, the only other one kept."""
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 2)
    os.dup2(output, 1)
    os.dup2(report, REPORT, inheritable=False)
    os.dup2(code, CONTROL, inheritable=False)
    os.closerange(CONTROL + 1, OPEN_FILES)
    return CONTROL


def seed() -> None:
    """Give Python's generator of random numbers the same state in every run; warm_up does so for the packages'."""
    random.seed(0)


def run(code: int, find_obstacle: Callable[[str], tuple[str, str] | None]) -> tuple[str, str] | None:
    """Compile and run the code in a file as __main__; return what stopped it (outcome and error), None if nothing."""
    try:
        text = os.pread(code, os.fstat(code).st_size, 0).decode("utf-8", "surrogatepass")
        os.close(code)
    except MemoryError as error:
        return Outcome.MEMORY, _describe(error)
    try:
        compiled = compile(text, "<snippet>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        return Outcome.DOES_NOT_COMPILE, _describe(error)
    obstacle = find_obstacle(text)
    if obstacle:
        return obstacle
    # site, which the sandbox does not load, gives programs these two.
    builtins.__dict__.update(exit=sys.exit, quit=sys.exit)
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    sys.argv = ["snippet.py"]
    stop: tuple[str, str] | None = None
    try:
        exec(compiled, main.__dict__)  # noqa: S102 - this is what the sandbox is for
    except SystemExit as error:
        stop = None if error.code in (None, 0) else (Outcome.EXCEPTION, _describe(error))
    except BaseException as error:  # anything that a snippet raises is its outcome
        stop = classify(error)
    _wind_up(main)
    return stop


def _wind_up(main: ModuleType) -> None:
    # Do what the interpreter does as it ends, but leave the warm modules alone.
    threading, atexit = sys.modules.get("threading"), sys.modules.get("atexit")
    steps: list[Callable[[], object]] = []
    if threading:
        steps.append(threading.__dict__["_shutdown"])
    if atexit:
        steps.append(atexit.__dict__["_run_exitfuncs"])
    # Objects may print when they are deleted, and files that are still open must be written.
    steps.append(main.__dict__.clear)
    for step in steps:
        try:
            step()
        except BaseException:  # this changes neither the output nor the outcome
            continue


def _flush() -> None:
    for stream in (sys.stdout, sys.__stdout__):
        try:
            stream.flush()  # type: ignore[union-attr]
        except Exception:  # the snippet may have closed or replaced the stream
            continue


def classify(error: BaseException) -> tuple[str, str]:
    """Return the outcome for an exception that ended a snippet, and the last line of its message."""
    if isinstance(error, ModuleNotFoundError):
        return Outcome.MISSING_MODULE, str(error.name or error)
    if isinstance(error, MemoryError):
        return Outcome.MEMORY, _describe(error)
    if isinstance(error, EOFError) and "reading a line" in str(error):
        return Outcome.BLOCKED, "waits for input"
    cause: BaseException | None = error
    for _ in range(MAX_CAUSES):
        if isinstance(cause, OSError) and cause.errno in FORBIDDEN:
            return Outcome.BLOCKED, _describe(cause)
        if cause is None:
            break
        cause = cause.__cause__ or cause.__context__
    return Outcome.EXCEPTION, _describe(error)


def _describe(error: BaseException) -> str:
    try:
        message = str(error)
    except BaseException:  # the snippet's own class can do anything
        message = ""
    last = _PLACES.sub("", (message.strip().splitlines() or [""])[-1][: 10 * MAX_MESSAGE])
    name = type(error).__name__
    return f"{name}: {last}"[:MAX_MESSAGE] if last else name


def finish(stop: tuple[str, str] | None, end: Callable[[int], Any] = os._exit) -> None:
    """Write the report and what the snippet printed, and end the process."""
    try:
        if stop:
            os.write(REPORT, "\n".join(stop).encode("utf-8", "replace"))
        _flush()
    finally:
        end(1 if stop else 0)
