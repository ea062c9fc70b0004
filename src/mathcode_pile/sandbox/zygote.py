"""The zygote: puts itself under every protection once, then forks one process for each snippet.

A fork inherits the protections, so a snippet's own process has little left to do. It touches few of the pages that it
shares with the warm parent; each page that it writes to has to be copied. The zygote is process 1 of its lane's process
namespace: when it is killed, all that it forked is killed with it. It never reads what a snippet writes.
"""

# Lanes do not import pathlib: it would make every fork slower.
# ruff: noqa: PTH208
import _socket
import os
import sys
from typing import NamedTuple, NoReturn

from mathcode_pile.sandbox import imports, landlock, linux, seccomp, snippet_process

READY = "ready\n"
DESCRIPTORS = 3  # sent with an order: code, output, report
DESCRIPTOR_BYTES = 4
SETUP_FAILED = 70  # the exit status of a process that failed before its snippet ran


class Cell(NamedTuple):
    """What a zygote shuts itself and its snippets into."""

    box: str
    """The snippets' folder."""
    readable: list[str]
    """Paths that may be read."""
    timeout_s: float
    memory_bytes: int
    """Of address space, the warm parent's included."""
    file_bytes: int
    processes: int | None
    """The most processes of this user; None where the machine's other processes would count too."""
    packages: list[str]
    without: frozenset[str]
    """Layers not to use."""


class Ending(NamedTuple):
    """How a snippet's process ended, as its parent saw it."""

    status: int
    """From wait4."""
    cpu_us: int
    peak_kb: int
    is_clean: int
    """1 where it left no file and no process."""


def order(control: _socket.socket, code: int, output: int, report: int) -> None:
    """Tell the zygote at the other end to run the snippet in the file `code`, which writes to output and report.

    The code is passed as a descriptor. If the zygote read it, it would be in the memory of every later snippet.
    """
    rights = b"".join(descriptor.to_bytes(DESCRIPTOR_BYTES, sys.byteorder) for descriptor in (code, output, report))
    control.sendmsg([b"!"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])


def read_ending(control: _socket.socket) -> Ending:
    """Read how the zygote says a snippet has ended; raises EOFError where the zygote has died."""
    words = control.recv(256).split()
    if len(words) != len(Ending._fields):
        raise EOFError("the zygote died")
    return Ending(*map(int, words))


def serve(cell: Cell, parent: int, control: _socket.socket) -> NoReturn:
    """Be a zygote: write the names of its layers, a line each, and READY; run snippets until the socket closes.

    parent: its process id, 0 where it is in another process namespace.
    """
    linux.die_with(parent)
    try:
        zygote = _Zygote(cell, control.fileno())
    except OSError as error:
        os.write(snippet_process.CONTROL, str(error).encode())
        os._exit(1)
    zygote.socket.sendall("".join(f"{layer}\n" for layer in zygote.layers).encode() + READY.encode())
    while True:
        zygote.run_one()


class _Zygote:
    def __init__(self, cell: Cell, control: int) -> None:
        self.cell = cell
        self.layers: list[str] = []
        self.process = os.getpid()
        self.find_obstacle = imports.obstacle_finder(cell.packages)
        # The kernel's limit is in whole seconds, rounded up here; the watch ends snippets with a shorter limit.
        self.cpu_s = max(1, int(-(-cell.timeout_s // 1)))
        snippet_process.connect(control)
        self.socket = _socket.socket(fileno=snippet_process.CONTROL)
        os.setsid()
        os.chdir(cell.box)
        os.environ["HOME"] = os.environ["TMPDIR"] = cell.box
        snippet_process.seed()
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        linux.drop_capabilities()
        snippet_process.set_limits(cell.memory_bytes, cell.file_bytes, cell.processes)
        if "landlock" not in cell.without:
            self._restrict_files()
        self.filter = None if "seccomp" in cell.without else self._restrict_calls()

    def _restrict_files(self) -> None:
        try:
            rules = landlock.make_ruleset(self.cell.readable, [self.cell.box, "/dev/null"])
            landlock.restrict(rules)
        except OSError:
            return
        os.close(rules)
        self.layers.append(f"landlock {landlock.version()}")

    def _restrict_calls(self) -> seccomp.Filter | None:
        try:
            snippets = seccomp.Filter(seccomp.snippet_program)
            seccomp.Filter(seccomp.zygote_program).install(self.process)
        except OSError:
            return None
        self.layers.append("seccomp")
        return snippets

    def run_one(self) -> None:
        """Run one snippet in a fork, and say how it ended."""
        code, output, report = passed = self._receive()
        process = linux.fork()
        if process == 0:
            try:
                self._be_snippet(code, output, report)
            finally:
                os._exit(SETUP_FAILED)
        for descriptor in passed:
            os.close(descriptor)
        _, status, usage = os.wait4(process, 0)
        cpu_us = int((usage.ru_utime + usage.ru_stime) * 1e6)
        self.socket.sendall(b"%d %d %d %d" % (status, cpu_us, usage.ru_maxrss, self._is_clean()))

    def _receive(self) -> tuple[int, ...]:
        size = DESCRIPTORS * DESCRIPTOR_BYTES
        data, ancillary, _, _ = self.socket.recvmsg(1, _socket.CMSG_SPACE(size))
        if not data:
            os._exit(0)
        ((_, _, rights),) = ancillary
        starts = range(0, size, DESCRIPTOR_BYTES)
        return tuple(int.from_bytes(rights[i : i + DESCRIPTOR_BYTES], sys.byteorder) for i in starts)

    def _be_snippet(self, code: int, output: int, report: int) -> None:
        code = snippet_process.take_over(code, output, report)
        linux.die_with(self.process)
        snippet_process.limit_computing(self.cpu_s)
        if self.filter:
            self.filter.install(os.getpid())
        snippet_process.finish(snippet_process.run(code, self.find_obstacle))

    def _is_clean(self) -> bool:
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return not os.listdir(self.cell.box)
        return False
