"""What happens in a snippet's own process: the last protections close, then the snippet runs.

All of it runs in a fork of a zygote, or in the zygote before it forks. The process ends with status 0
where the snippet did, else with status 1 after one line on the report pipe. A hostile snippet can write
anything there: it is a claim about itself, cut and checked by the lane, and reaches nothing of another.
"""

import builtins
import os
import random
import resource
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from mathcode_pile.core.outcomes import Outcome
from mathcode_pile.sandbox import kernel

# Descriptors: the report's, and in the zygote that of its socket to the lane.
REPORT, CONTROL = 3, 4
# Errors that mean: the sandbox, or a limit on disk, said no.
FORBIDDEN = frozenset({1, 13, 27, 28, 30})  # EPERM, EACCES, EFBIG, ENOSPC, EROFS
MAX_MESSAGE = 500


def set_limits(memory_bytes: int, file_bytes: int, processes: int | None) -> None:
    """Limit what this process and each that it forks may use; memory is the whole address space."""
    limits = {
        resource.RLIMIT_AS: memory_bytes,
        resource.RLIMIT_SIGPENDING: 64,  # and timers
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: 64,
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
    """Limit the computing of this process alone: a signal that it may catch, then one that it may not."""
    ceiling = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if ceiling != resource.RLIM_INFINITY:
        cpu_s = min(cpu_s, ceiling - 1)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))


def connect(control: int) -> None:
    """Lead the standard descriptors, and the report's, to /dev/null, keep the control socket, close every other."""
    null = os.open("/dev/null", os.O_RDWR)
    control = os.dup(control) if control <= CONTROL else control
    for place in (0, 1, 2, REPORT):
        os.dup2(null, place)
    os.dup2(control, CONTROL)
    kernel.close_from(CONTROL + 1)


def take_over(code: int, output: int, report: int) -> int:
    """Write to these from now on, as standard output and report; return the code's, the only other one kept."""
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 2)
    os.dup2(output, 1)
    os.dup2(report, REPORT, inheritable=False)
    os.dup2(code, CONTROL, inheritable=False)
    os.closerange(CONTROL + 1, 64)
    return CONTROL


def seed() -> None:
    """Give every generator of random numbers that is already loaded the same state in every run."""
    random.seed(0)


def run(code: int, find_obstacle: Callable[[str], tuple[str, str] | None]) -> tuple[str, str] | None:
    """Compile and run the snippet in a file as __main__; return what stopped it, as outcome and error, or None."""
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
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    sys.argv = ["snippet.py"]
    stop: tuple[str, str] | None = None
    try:
        exec(compiled, main.__dict__)  # noqa: S102 - this is what the sandbox is for
    except SystemExit as error:
        stop = None if error.code in (None, 0) else (Outcome.EXCEPTION, _describe(error))
    except BaseException as error:  # whatever a snippet raises is its outcome
        stop = classify(error)
    _wind_up(main)
    return stop


def _wind_up(main: ModuleType) -> None:
    # What the interpreter does at its end, without taking down the warm modules.
    threading, atexit = sys.modules.get("threading"), sys.modules.get("atexit")
    steps: list[Callable[[], object]] = []
    if threading:
        steps.append(threading.__dict__["_shutdown"])
    if atexit:
        steps.append(atexit.__dict__["_run_exitfuncs"])
    # Objects that are still there may print when they go, and files that were left open are written.
    steps.append(main.__dict__.clear)
    for step in steps:
        try:
            step()
        except BaseException:  # it changes neither what was printed nor the outcome
            continue


def _flush() -> None:
    for stream in (sys.stdout, sys.__stdout__):
        try:
            stream.flush()  # type: ignore[union-attr]
        except Exception:  # a snippet may have closed it, or put anything in its place
            continue


def classify(error: BaseException) -> tuple[str, str]:
    """Return the outcome and the last line of an exception that ended a snippet."""
    if isinstance(error, ModuleNotFoundError):
        return Outcome.MISSING_MODULE, str(error.name or error)
    if isinstance(error, MemoryError):
        return Outcome.MEMORY, _describe(error)
    if isinstance(error, EOFError) and "reading a line" in str(error):
        return Outcome.BLOCKED, "waits for input"
    cause: BaseException | None = error
    for _ in range(8):
        if isinstance(cause, OSError) and cause.errno in FORBIDDEN:
            return Outcome.BLOCKED, _describe(cause)
        if cause is None:
            break
        cause = cause.__cause__ or cause.__context__
    return Outcome.EXCEPTION, _describe(error)


def _describe(error: BaseException) -> str:
    try:
        message = str(error)
    except BaseException:  # a snippet's own class may do anything
        message = ""
    last = (message.strip().splitlines() or [""])[-1]
    name = type(error).__name__
    return f"{name}: {last}"[:MAX_MESSAGE] if last else name


def finish(stop: tuple[str, str] | None, end: Callable[[int], Any] = os._exit) -> None:
    """Report and end the process; what the snippet printed is written too."""
    try:
        if stop:
            os.write(REPORT, "\n".join(stop).encode("utf-8", "replace"))
        _flush()
    finally:
        end(1 if stop else 0)
