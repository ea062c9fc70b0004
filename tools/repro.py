"""Run `dvc repro`, count its stages as they come, and say how long each one took."""

import os
import re
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial, reduce
from pathlib import Path
from typing import Any

import yaml

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.lifetime import die_with_parent

# DVC prints one of these lines as it begins with a stage:
#   Running stage 'pack':
#   Stage 'pack' didn't change, skipping
#   Stage 'pack' is cached - skipping run, checking out outputs
STAGE_LINE = re.compile(rb"(Running stage|Stage) '([^']+)'(?: (is cached|didn't change))?")
# What DVC says in between for those who run it by hand. After the first of its hints nothing else follows.
CHATTER = (b"> python -m stages.", b"Updating lock file", b"Generating lock file", b"'sample/", b"Use `dvc push`")
HINTS = b"To track the changes with git"
OWN = (b"Running stage '", b"Stage '", *CHATTER, HINTS)
"""How a line begins that is not passed on as it is."""
SHOWN_FROM_S = 1.0


def reproduce() -> int:
    """Run `dvc repro`, print a line for each stage and then the stages' seconds, return its exit status.

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
    seconds = follow_stages(iter(read, b""), _pass_on, count_stages(Path()))
    status = dvc.wait()
    if seconds:
        print(tabulate(seconds, time.monotonic() - start), flush=True)
    return status if status >= 0 else 128 - status


def count_stages(folder: Path) -> int:
    """Return how many stages a project's dvc.yaml has, each entry of a foreach counted."""
    dvc, params = (yaml.load((folder / f"{name}.yaml").read_bytes(), yaml.CSafeLoader) for name in ("dvc", "params"))
    return sum(_count_entries(stage, params) for stage in dvc["stages"].values())


def _count_entries(stage: Mapping[str, Any], params: Mapping[str, Any]) -> int:
    """Return how many stages an entry of dvc.yaml makes; its foreach is a mapping, or the name of one in params."""
    entries = stage.get("foreach")
    if isinstance(entries, str):
        entries = reduce(lambda section, key: section[key], entries.strip("${}").split("."), params)
    return 1 if entries is None else len(entries)


def follow_stages(
    output: Iterable[bytes], pass_on: Callable[[bytes], None], total: int, clock: Callable[[], float] = time.monotonic
) -> dict[str, float]:
    """Print a line as each stage begins, and return the seconds of each stage that ran.

    output: what DVC writes, in pieces of any length. What is not DVC's own is passed on at once.
    A stage's seconds include what DVC does before and after it: it hashes dependencies and outputs.
    """
    start = clock()
    seconds: dict[str, float] = {}
    running, since, number = "", start, 0
    for line in _lines(output, pass_on):
        if found := STAGE_LINE.match(line):
            now = clock()
            if running:
                seconds[running] = now - since
            name, number = found[2].decode(), number + 1
            running, since = (name, now) if found[1] == b"Running stage" else ("", now)
            what = {b"is cached": ": kept from an earlier run", b"didn't change": ": nothing changed"}
            pass_on(f"{number:>2}/{total} {show_time(now - start):>6}  {name}{what.get(found[3], '')}\n".encode())
        elif not line.startswith(CHATTER):
            pass_on(line)
    if running:
        seconds[running] = clock() - since
    return seconds


def _lines(output: Iterable[bytes], pass_on: Callable[[bytes], None]) -> Iterable[bytes]:
    """Yield the lines that may be DVC's own, up to its hints; what cannot be is passed on before its line ends."""
    rest, begun, is_over = b"", False, False
    for piece in output:
        *lines, rest = re.split(rb"(?<=[\r\n])", rest + piece)
        for line in lines:
            if line.startswith(HINTS) and not begun:
                deque(output, maxlen=0)
                return
            # A bar ends in a carriage return; the empty line after it keeps the next line from being drawn over it.
            if begun or (is_over and not line.strip()):
                pass_on(line)
            elif line.strip():
                yield line
            begun, is_over = False, line.endswith(b"\r")
        if rest and (begun or not any(rest.startswith(own) or own.startswith(rest) for own in OWN)):
            pass_on(rest)
            rest, begun = b"", True
    if rest:
        yield rest


def show_time(seconds: float) -> str:
    """Return a duration as people say it: 9s, 2m13s, 1h02m."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{rest:02}s" if minutes else f"{rest}s"


def tabulate(seconds: dict[str, float], total: float) -> str:
    """Return a line for each stage that took a second or more, the slowest first, and one for the whole run."""
    slowest = sorted(seconds.items(), key=lambda item: -item[1])
    lines = [f"{taken:7.1f} s  {stage}" for stage, taken in slowest if taken >= SHOWN_FROM_S]
    return "\n".join([*lines, f"{total:7.1f} s  in all; stages run: {len(seconds)}"])


def _pass_on(piece: bytes) -> None:
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()
