"""Run `dvc repro` and say how long each stage took, which DVC does not say."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.lifetime import die_with_parent

# DVC prints one of these lines as it begins with a stage:
#   Running stage 'pack':
#   Stage 'pack' didn't change, skipping
#   Stage 'pack' is cached - skipping run, checking out outputs
STAGE_LINE = re.compile(rb"(Running stage|Stage) '([^']+)'")
SHOWN_FROM_S = 1.0


def reproduce() -> int:
    """Run `dvc repro` with its output unchanged, print the stages' seconds, return its exit status.

    Only stdout goes through this process: stages and DVC draw their bars on stderr, which stays the terminal.
    """
    start = time.monotonic()
    try:
        dvc = subprocess.Popen(["dvc", "repro"], stdout=subprocess.PIPE, preexec_fn=die_with_parent)
    except OSError as error:
        raise PipelineError(f"dvc cannot be started: {error.strerror}; `make repro` finds it in .venv") from None
    # Ctrl-C reaches DVC and its stage from the terminal; this process waits for them to end.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: dvc.terminate())
    assert dvc.stdout
    read = partial(os.read, dvc.stdout.fileno(), 65536)
    seconds = measure_stages(iter(read, b""), _pass_on)
    status = dvc.wait()
    if seconds:
        print(tabulate(seconds, time.monotonic() - start), flush=True)
    return status if status >= 0 else 128 - status


def measure_stages(
    output: Iterable[bytes], pass_on: Callable[[bytes], None], clock: Callable[[], float] = time.monotonic
) -> dict[str, float]:
    """Return the seconds of each stage that ran, from the moments at which DVC's lines came.

    output: what DVC writes, in pieces of any length; each is passed on at once.
    A stage's seconds include what DVC does before and after it: it hashes dependencies and outputs.
    """
    seconds: dict[str, float] = {}
    running, since = "", clock()
    rest = b""
    for piece in output:
        pass_on(piece)
        *lines, rest = re.split(rb"[\r\n]", rest + piece)
        for found in filter(None, map(STAGE_LINE.match, lines)):
            now = clock()
            if running:
                seconds[running] = now - since
            running, since = found[2].decode() if found[1] == b"Running stage" else "", now
    if running:
        seconds[running] = clock() - since
    return seconds


def tabulate(seconds: dict[str, float], total: float) -> str:
    """Return a line for each stage that took a second or more, the slowest first, and one for the whole run."""
    slowest = sorted(seconds.items(), key=lambda item: -item[1])
    lines = [f"{taken:7.1f} s  {stage}" for stage, taken in slowest if taken >= SHOWN_FROM_S]
    return "\n".join([*lines, f"{total:7.1f} s  in all; stages run: {len(seconds)}"])


def _pass_on(piece: bytes) -> None:
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
