"""Watch a running snippet from outside: its output, time, threads and disk."""

import os
import select
import time
from typing import NamedTuple

from mathcode_pile.core.outcomes import Outcome

MAX_THREADS = 32
TICK_S = 0.05
REPORT_BYTES = 4096
MOST_AT_ONCE = 65536  # bytes read from a pipe
# Fields of /proc/<process>/stat after the command's name, counted from 0; see proc_pid_stat(5).
USER_TICKS, SYSTEM_TICKS, THREADS = 11, 12, 17
# What a file takes up besides its blocks, which are counted in units of 512 bytes.
FILE_BYTES, BLOCK_BYTES = 4096, 512


class Bounds(NamedTuple):
    """The limits at which a snippet is ended."""

    cpu_s: float
    wall_s: float
    output_bytes: int
    folder: tuple[str, int] | None
    """A folder and its limit in megabytes, where no file system sets one."""
    processes: int
    """The descriptor of a /proc in which the snippet is visible."""

    @property
    def timeout(self) -> tuple[str, str]:
        """The outcome and error of a snippet that is out of time.

        How busy the machine is decides which of the two limits a loop reaches first, so the error names both.
        """
        return Outcome.TIMEOUT, f"more than {self.cpu_s:g} s of computing, or {self.wall_s:g} s in all"


class Seen:
    """What was seen of a snippet: output, report, and, if it must be ended, the outcome and error."""

    def __init__(self) -> None:
        self.output = bytearray()
        self.report = bytearray()
        self.stopped: tuple[str, str] | None = None


class Watch:
    """Watches the snippets of one zygote.

    parent: the zygote's process id; answer: the descriptor on which it says that a snippet has ended.
    control: the socket to the controller; when the controller closes it, this process ends.
    """

    def __init__(self, bounds: Bounds, parent: int, answer: int, control: int) -> None:
        self.bounds = bounds
        self.parent = parent
        self.answer = answer
        self.control = control

    def follow(self, output: int, report: int) -> Seen:
        """Collect what a snippet writes; return when it has ended or must be ended (`stopped` then says why)."""
        seen = Seen()
        pipes = {output: (seen.output, self.bounds.output_bytes), report: (seen.report, REPORT_BYTES)}
        poll = select.poll()
        poll.register(self.control, 0)
        for descriptor in (output, report, self.answer):
            poll.register(descriptor, select.POLLIN)
        for descriptor in pipes:
            os.set_blocking(descriptor, False)
        started = time.monotonic()
        while not seen.stopped:
            ready = [descriptor for descriptor, _ in poll.poll(TICK_S * 1000)]
            if self.control in ready:
                os._exit(0)
            # When the snippet has ended, nothing more is written: the pipes now contain the rest.
            for descriptor in list(pipes) if self.answer in ready else ready:
                if descriptor in pipes and not _read(descriptor, *pipes[descriptor]):
                    poll.unregister(descriptor)
                    del pipes[descriptor]
            if len(seen.output) > self.bounds.output_bytes:
                del seen.output[self.bounds.output_bytes :]
                seen.stopped = Outcome.OUTPUT_LIMIT, f"more than {self.bounds.output_bytes} bytes"
            elif self.answer in ready:
                break
            elif (ran := time.monotonic() - started) >= TICK_S:
                seen.stopped = self._find_excess(ran)
        return seen

    def _find_excess(self, ran: float) -> tuple[str, str] | None:
        bounds = self.bounds
        if ran >= bounds.wall_s:
            return bounds.timeout
        for process in children_of(bounds.processes, self.parent):
            threads, cpu_s = _read_state(bounds.processes, process)
            if threads > MAX_THREADS:
                return Outcome.BLOCKED, f"more than {MAX_THREADS} threads"
            if cpu_s >= bounds.cpu_s:
                return bounds.timeout
        if bounds.folder:
            path, megabytes = bounds.folder
            if _folder_bytes(path) > megabytes << 20:
                return Outcome.BLOCKED, f"more than {megabytes} MB of files"
        return None


def _read(descriptor: int, held: bytearray, limit: int) -> bool:
    """Add what a pipe contains, up to one byte more than the limit; return whether more may come."""
    while len(held) <= limit:
        try:
            part = os.read(descriptor, MOST_AT_ONCE)
        except BlockingIOError:
            return True
        if not part:
            return False
        held += part[: limit - len(held) + 1]
    return False


def children_of(processes: int, parent: int) -> list[int]:
    """Return the process ids of a process's children; none where the machine does not show them."""
    try:
        descriptor = os.open(f"{parent}/task/{parent}/children", os.O_RDONLY, dir_fd=processes)
    except OSError:
        return []
    try:
        return [int(word) for word in os.read(descriptor, MOST_AT_ONCE).split()]
    except OSError:
        return []
    finally:
        os.close(descriptor)


def _read_state(processes: int, process: int) -> tuple[int, float]:
    """Return a process's number of threads and its seconds of computing."""
    try:
        descriptor = os.open(f"{process}/stat", os.O_RDONLY, dir_fd=processes)
    except OSError:
        return 0, 0.0
    try:
        fields = os.read(descriptor, 4096).rpartition(b")")[2].split()
    except OSError:
        return 0, 0.0
    finally:
        os.close(descriptor)
    ticks = int(fields[USER_TICKS]) + int(fields[SYSTEM_TICKS])
    return int(fields[THREADS]), ticks / os.sysconf("SC_CLK_TCK")


def _folder_bytes(folder: str) -> float:
    """Return how many bytes the files below a folder take up; infinity where a part of it cannot be read."""
    total, waiting = 0, [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    total += FILE_BYTES + entry.stat(follow_symlinks=False).st_blocks * BLOCK_BYTES
        except FileNotFoundError:
            continue
        except OSError:
            return float("inf")
    return total
