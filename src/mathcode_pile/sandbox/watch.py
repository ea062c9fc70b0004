"""The watch over one running snippet, from outside: output, time, threads, disk."""

import os
import select
import time
from typing import NamedTuple

MAX_THREADS = 32
TICK_S = 0.05
REPORT_BYTES = 4096


class Bounds(NamedTuple):
    """What ends a snippet."""

    cpu_s: float
    wall_s: float
    output_bytes: int
    folder: tuple[str, int] | None
    """A folder and its megabytes, where no file system limits them."""
    view: int
    """The descriptor of a /proc in which the snippet can be seen, or -1."""


class Watch:
    """Follows one running snippet: gathers what it writes, up to a limit, and ends it when it goes too far."""

    def __init__(self, bounds: Bounds, process: int, output: int, report: int) -> None:
        self.bounds = bounds
        self.process = process
        self.output = bytearray()
        self.report = bytearray()
        self.stopped: tuple[str, str] | None = None
        self._pipes = {output: (self.output, bounds.output_bytes), report: (self.report, REPORT_BYTES)}
        self._end = os.pidfd_open(process)
        self._poll = select.poll()
        for descriptor in (output, report, self._end):
            os.set_blocking(descriptor, False)
            self._poll.register(descriptor, select.POLLIN)

    def follow(self, control: int) -> None:
        """Return when the process has ended, or has to be ended: `stopped` then says why.

        control: a socket; when its other side is gone, this lane has nobody to work for, and ends.
        """
        self._poll.register(control, 0)
        started = time.monotonic()
        try:
            while not self.stopped:
                ready = [descriptor for descriptor, _ in self._poll.poll(TICK_S * 1000)]
                if control in ready:
                    os._exit(0)
                for descriptor in ready:
                    if descriptor in self._pipes:
                        self._read(descriptor)
                if self._end in ready:
                    for descriptor in list(self._pipes):
                        self._read(descriptor)
                    return
                ran = time.monotonic() - started
                if ran >= TICK_S:
                    self._check(ran)
        finally:
            os.close(self._end)

    def _read(self, descriptor: int) -> None:
        held, limit = self._pipes[descriptor]
        while not self.stopped:
            try:
                part = os.read(descriptor, 65536)
            except BlockingIOError:
                return
            if not part:
                self._poll.unregister(descriptor)
                del self._pipes[descriptor]
                return
            held += part[: limit - len(held) + 1]
            if len(held) > limit:
                del held[limit:]
                if held is self.output:
                    self.stopped = "output_limit", f"more than {limit} bytes"

    def _check(self, ran: float) -> None:
        bounds = self.bounds
        if ran >= bounds.wall_s:
            self.stopped = "timeout", f"more than {bounds.wall_s:g} s in all"
            return
        if bounds.view >= 0:
            threads, cpu_s = _read_state(bounds.view, self.process)
            if threads > MAX_THREADS:
                self.stopped = "blocked", f"more than {MAX_THREADS} threads"
            elif cpu_s >= bounds.cpu_s:
                self.stopped = "timeout", f"more than {bounds.cpu_s:g} s of computing"
        if bounds.folder:
            path, megabytes = bounds.folder
            if _folder_bytes(path) > megabytes << 20:
                self.stopped = "blocked", f"more than {megabytes} MB of files"


def _read_state(view: int, process: int) -> tuple[int, float]:
    """Return a process's number of threads and its seconds of computing."""
    try:
        descriptor = os.open(f"{process}/stat", os.O_RDONLY, dir_fd=view)
    except OSError:
        return 0, 0.0
    try:
        fields = os.read(descriptor, 4096).rpartition(b")")[2].split()
    except OSError:
        return 0, 0.0
    finally:
        os.close(descriptor)
    return int(fields[17]), (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _folder_bytes(folder: str) -> int:
    total, waiting = 0, [folder]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    total += 4096 + entry.stat(follow_symlinks=False).st_blocks * 512
        except OSError:
            continue
    return total
