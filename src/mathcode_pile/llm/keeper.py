"""Keep a server running for as long as its stage lives; run as a program: `python -P keeper.py COMMAND ...`.

The stage holds the other end of this program's standard input. When the stage ends, even by kill -9, the kernel closes
that end, and this program ends the server with all processes that it started. vLLM's processes hold GPUs and would
outlive a server that is merely killed.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress

import psutil

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
GRACE_S = 15  # between a polite request to end and the end
LIMIT_S = 60  # a process that is still there so long after it was killed hangs in the kernel


def keep(command: list[str]) -> int:
    """Run a command until it ends or standard input closes; return its exit status when all its processes are gone."""
    for ignored in (signal.SIGINT, signal.SIGHUP):  # Ctrl-C ends the stage, and the stage ends us
        signal.signal(ignored, signal.SIG_IGN)
    asked_to_end = os.pipe()
    signal.signal(signal.SIGTERM, lambda *_: os.write(asked_to_end[1], b"."))
    kernel = ctypes.CDLL(None)
    # Processes whose parent ended become our children, so that none of them is lost.
    kernel.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    server = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        preexec_fn=lambda: kernel.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0),
    )
    ended = os.pidfd_open(server.pid)
    select.select([sys.stdin.fileno(), ended, asked_to_end[0]], [], [])
    server.terminate()
    with suppress(subprocess.TimeoutExpired):
        server.wait(GRACE_S)
    kill_descendants()
    return server.wait()


def kill_descendants() -> None:
    """Kill all processes below this one, also those that come into being meanwhile."""
    deadline = time.monotonic() + LIMIT_S
    while (left := psutil.Process().children(recursive=True)) and time.monotonic() < deadline:
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(left, timeout=1)


if __name__ == "__main__":
    # A server that a signal ended has a negative status; a shell would say 128 and more.
    status = keep(sys.argv[1:])
    sys.exit(status if status >= 0 else 128 - status)
