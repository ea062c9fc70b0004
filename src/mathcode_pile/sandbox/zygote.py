"""The zygote: closes every protection around itself once, then forks one process for each snippet.

A fork takes over what its parent has closed, so a snippet's own process has little left to do, and touches
few of the pages that it shares with the warm parent: each page that it writes to costs it a copy. The
zygote is process 1 of its lane's process namespace; when it is killed, all that it forked goes with it.
It never reads what a snippet says.
"""

# The lanes do without pathlib, for whose weight every fork would pay.
# ruff: noqa: PTH208
import _socket
import os
import sys
from typing import NamedTuple, NoReturn

from mathcode_pile.sandbox import child, kernel, landlock, seccomp, syntax

READY = "ready\n"
PASSED = 3  # descriptors that come with an order: code, output, report


class Cell(NamedTuple):
    """What a zygote shuts itself and its snippets into."""

    box: str
    """The snippets' folder."""
    readable: list[str]
    timeout_s: float
    memory_bytes: int
    """Of address space, the warm parent's included."""
    file_bytes: int
    processes: int | None
    """Of this user; None where the machine's other processes would count too."""
    packages: list[str]
    without: frozenset[str]
    """Layers not to use."""


class Ending(NamedTuple):
    """How a snippet's process ended, seen by its parent."""

    status: int
    """As wait4 gives it."""
    cpu_us: int
    peak_kb: int
    is_clean: int
    """It left no file and no process."""


def order(control: _socket.socket, code: int, output: int, report: int) -> None:
    """Have the zygote at the other end run the snippet in the file `code`, which writes to the two others.

    A descriptor, since what the zygote itself had read would lie in the memory of every later snippet.
    """
    rights = b"".join(descriptor.to_bytes(4, sys.byteorder) for descriptor in (code, output, report))
    control.sendmsg([b"!"], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, rights)])


def read_ending(control: _socket.socket) -> Ending:
    """Read what the zygote says of a snippet that has ended; raises EOFError where the zygote has died."""
    words = control.recv(256).split()
    if len(words) != 4:
        raise EOFError("the zygote died")
    return Ending(*map(int, words))


def serve(cell: Cell, parent: int, control: _socket.socket) -> NoReturn:
    """Be a zygote: name the layers it has, a line each, and READY; then run what is ordered until the socket closes.

    parent: its process id, 0 where it lives in another process namespace.
    """
    kernel.die_with(parent)
    try:
        zygote = _Zygote(cell, control.fileno())
    except OSError as error:
        os.write(child.CONTROL, str(error).encode())
        os._exit(1)
    zygote.socket.sendall("".join(f"{layer}\n" for layer in zygote.layers).encode() + READY.encode())
    while True:
        zygote.run_one()


class _Zygote:
    def __init__(self, cell: Cell, control: int) -> None:
        self.cell = cell
        self.layers: list[str] = []
        self.process = os.getpid()
        self.find_obstacle = syntax.obstacle_finder(cell.packages)
        # A limit in whole seconds: the watch ends what asks for less.
        self.cpu_s = max(1, int(-(-cell.timeout_s // 1)))
        child.connect(control)
        self.socket = _socket.socket(fileno=child.CONTROL)
        os.setsid()
        os.chdir(cell.box)
        os.environ["HOME"] = os.environ["TMPDIR"] = cell.box
        child.seed()
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        kernel.drop_capabilities()
        child.set_limits(cell.memory_bytes, cell.file_bytes, cell.processes)
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
        process = kernel.fork()
        if process == 0:
            try:
                self._be_snippet(code, output, report)
            finally:
                os._exit(70)
        for descriptor in passed:
            os.close(descriptor)
        _, status, usage = os.wait4(process, 0)
        cpu_us = int((usage.ru_utime + usage.ru_stime) * 1e6)
        self.socket.sendall(b"%d %d %d %d" % (status, cpu_us, usage.ru_maxrss, self._is_clean()))

    def _receive(self) -> tuple[int, ...]:
        data, rights, _, _ = self.socket.recvmsg(1, _socket.CMSG_SPACE(4 * PASSED))
        if not data:
            os._exit(0)
        packed = rights[0][2]
        return tuple(int.from_bytes(packed[i : i + 4], sys.byteorder) for i in range(0, 4 * PASSED, 4))

    def _be_snippet(self, code: int, output: int, report: int) -> None:
        code = child.take_over(code, output, report)
        kernel.die_with(self.process)
        child.limit_computing(self.cpu_s)
        if self.filter:
            self.filter.install(os.getpid())
        child.finish(child.run(code, self.find_obstacle))

    def _is_clean(self) -> bool:
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return not os.listdir(self.cell.box)
        return False
