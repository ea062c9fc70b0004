"""What happens in a snippet's own process: the protections close, then the snippet runs.

Everything here runs in a fork of a lane. The process ends with status 0 where the snippet did, else with
status 1 after one line on the report pipe. A hostile snippet can write anything there: it is a claim
about itself, cut and checked by the lane, and reaches nothing of another snippet.
"""

import builtins
import os
import random
import resource
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from mathcode_pile.sandbox import kernel

REPORT = 3  # its descriptor
# Errors that mean: the sandbox, or a limit on disk, said no.
FORBIDDEN = frozenset({1, 13, 27, 28, 30})  # EPERM, EACCES, EFBIG, ENOSPC, EROFS
MAX_MESSAGE = 500


def set_limits(memory_bytes: int, cpu_s: int, file_bytes: int, processes: int | None) -> None:
    """Set this process's resource limits; memory is the whole address space, the warm parent's included."""
    limits = [
        (resource.RLIMIT_AS, memory_bytes, memory_bytes),
        (resource.RLIMIT_CPU, cpu_s, cpu_s + 1),
        (resource.RLIMIT_FSIZE, file_bytes, file_bytes),
        (resource.RLIMIT_NOFILE, 64, 64),
        (resource.RLIMIT_MEMLOCK, 0, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ]
    if processes is not None:
        limits.append((resource.RLIMIT_NPROC, processes, processes))
    for limit, soft, hard in limits:
        ceiling = resource.getrlimit(limit)[1]
        if ceiling != resource.RLIM_INFINITY:
            soft, hard = min(soft, ceiling), min(hard, ceiling)
        resource.setrlimit(limit, (soft, hard))


def connect(stdin: int, stdout: int, report: int) -> None:
    """Put the pipes where they belong and close every other descriptor; standard error goes nowhere."""
    report = os.dup(report) if report <= REPORT else report
    os.dup2(stdout, 1)
    os.dup2(stdin, 0)
    os.dup2(stdin, 2)
    os.dup2(report, REPORT, inheritable=False)
    kernel.close_from(REPORT + 1)


def seed() -> None:
    """Give every generator of random numbers that is already loaded the same state in every run."""
    # Python's own seeds itself anew after each fork, so the parent cannot do it.
    random.seed(0)


def run(code: str, find_obstacle: Callable[[str], tuple[str, str] | None]) -> tuple[str, str] | None:
    """Compile and run a snippet as __main__; return what stopped it, as outcome and error, or None."""
    try:
        compiled = compile(code, "<snippet>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        return "does_not_compile", _describe(error)
    obstacle = find_obstacle(code)
    if obstacle:
        return obstacle
    main = ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    sys.argv = ["snippet.py"]
    try:
        exec(compiled, main.__dict__)  # noqa: S102 - this is what the sandbox is for
        _wind_up()
    except SystemExit as error:
        _wind_up()
        return None if error.code in (None, 0) else ("exception", _describe(error))
    except BaseException as error:  # whatever a snippet raises is its outcome
        return classify(error)
    return None


def _wind_up() -> None:
    # What the interpreter does at its end, without taking down the warm modules.
    threading = sys.modules.get("threading")
    if threading:
        threading.__dict__["_shutdown"]()
    atexit = sys.modules.get("atexit")
    if atexit:
        atexit.__dict__["_run_exitfuncs"]()
    sys.stdout.flush()


def classify(error: BaseException) -> tuple[str, str]:
    """Return the outcome and the last line of an exception that ended a snippet."""
    if isinstance(error, ModuleNotFoundError):
        return "missing_module", str(error.name or error)
    if isinstance(error, MemoryError):
        return "memory", _describe(error)
    if isinstance(error, EOFError) and "reading a line" in str(error):
        return "blocked", "waits for input"
    cause: BaseException | None = error
    for _ in range(8):
        if isinstance(cause, OSError) and cause.errno in FORBIDDEN:
            return "blocked", _describe(cause)
        if cause is None:
            break
        cause = cause.__cause__ or cause.__context__
    return "exception", _describe(error)


def _describe(error: BaseException) -> str:
    try:
        message = str(error)
    except BaseException:  # a snippet's own class may do anything
        message = ""
    last = (message.strip().splitlines() or [""])[-1]
    name = type(error).__name__
    return f"{name}: {last}"[:MAX_MESSAGE] if last else name


def finish(stop: tuple[str, str] | None, end: Callable[[int], Any] = os._exit) -> None:
    """Report and end the process; what the snippet printed is written first."""
    try:
        sys.stdout.flush()
        if stop:
            os.write(REPORT, "\n".join(stop).encode("utf-8", "replace"))
    finally:
        end(1 if stop else 0)
