"""A lane makes its zygote run snippets one after another, watches each from outside, and judges how it ended."""

# Lanes do not import pathlib: it would make every fork slower.
# ruff: noqa: PTH103, PTH118
import _socket
import os
import signal
from contextlib import suppress
from typing import TypedDict

from mathcode_pile.core.outcomes import Outcome
from mathcode_pile.sandbox import linux, namespaces, snippet_process, zygote
from mathcode_pile.sandbox.watch import MAX_THREADS, Bounds, Watch, children_of

# The outcomes that a snippet's process may report itself. The lane sees all others from outside.
CLAIMS = frozenset(
    {Outcome.DOES_NOT_COMPILE, Outcome.EXCEPTION, Outcome.MEMORY, Outcome.BLOCKED, Outcome.MISSING_MODULE}
)
# The clock that ends a process is coarser than the one that reports its time, so the time may be a little short.
SHARE_OF_TIME = 0.9
# A process that the kernel kills for want of memory may be a little under its limit.
SHARE_OF_MEMORY = 0.8


class Settings(TypedDict):
    """What the controller tells a warm parent."""

    controller: int
    controls: list[int]
    modules: list[str]
    packages: list[str]
    paths: list[str]
    folder: str
    without: list[str]
    age: int
    timeout_s: float
    memory_mb: int
    output_bytes: int
    disk_mb: int


class ZygoteDiedError(Exception):
    """The process that forks snippets died before it said how one ended."""


class Lane:
    """One lane: `layers` names the protections it has, `run` runs one snippet.

    is_spent: a snippet broke a limit, or left something behind, so a new lane must replace this one.
    """

    def __init__(self, settings: Settings, control: int) -> None:
        self.settings = settings
        self.control = control
        self.is_spent = False
        without = frozenset(settings["without"])
        with open("/proc/self/statm") as file:
            held = int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
        # The machine's own /proc, as seen from outside all namespaces; the zygote closes it.
        self._processes = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        readable = namespaces.readable_paths(settings["paths"])
        self.layers, self._box = self._enter_namespaces(readable, without)
        linux.prctl(linux.PR_SET_DUMPABLE, 0)
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
        cell = zygote.Cell(
            box=self._box,
            readable=readable,
            timeout_s=settings["timeout_s"],
            memory_bytes=held + (settings["memory_mb"] << 20),
            file_bytes=settings["disk_mb"] << 20,
            # A user namespace counts the processes of a lane alone. Without one, all processes of the user count.
            processes=MAX_THREADS + 8 if "user" in self.layers else None,
            packages=settings["packages"],
            without=without,
        )
        self._memory_bytes = cell.memory_bytes
        self._socket, theirs = _socket.socketpair()
        self._zygote = self._start_zygote(cell, theirs)
        theirs.close()
        self.layers += [*self._greet(), "no_new_privs", "rlimits"]
        self._watch = Watch(self._bounds(), self._zygote, self._socket.fileno(), control)

    def _enter_namespaces(self, readable: list[str], without: frozenset[str]) -> tuple[list[str], str]:
        """Return the layers that the machine allows, and the snippets' folder."""
        disk_mb = self.settings["disk_mb"]

        def enter() -> list[str]:
            names = namespaces.unshare_all()
            if names and "mount" not in without:
                namespaces.private_root(readable, disk_mb)
                names.append("mount")
            return names

        # A root that is only half made is of no use and cannot be undone. So this is first tried in another process.
        layers = enter() if "namespaces" not in without and namespaces.can_be_done(enter) else []
        if "mount" in layers:
            return layers, namespaces.BOX
        box = os.path.join(self.settings["folder"], f"{os.getpid()}-{self.control}")
        os.makedirs(box, mode=0o700)
        return layers, box

    def _start_zygote(self, cell: zygote.Cell, theirs: _socket.socket) -> int:
        lane = os.getpid()
        try:
            process = linux.fork_first_process() if self.layers else linux.fork()
            parent = 0 if self.layers else lane
        except OSError:
            process, parent = linux.fork(), lane
        if process == 0:
            try:
                zygote.serve(cell, parent, theirs)
            finally:
                os._exit(1)
        if not parent:
            self.layers.append("pid")
        return process

    def _greet(self) -> list[str]:
        """Return the layers that the zygote names."""
        greeting = self._socket.recv(4096).decode()
        if not greeting.endswith(zygote.READY):
            raise OSError(greeting or "the process that forks snippets died as it started")
        return greeting.removesuffix(zygote.READY).splitlines()

    def _bounds(self) -> Bounds:
        settings = self.settings
        return Bounds(
            cpu_s=settings["timeout_s"],
            wall_s=2 * settings["timeout_s"],
            output_bytes=settings["output_bytes"],
            folder=None if "mount" in self.layers else (self._box, settings["disk_mb"]),
            processes=self._processes,
        )

    def run(self, code: str) -> list[str]:
        """Run one snippet; return its outcome, error and standard output. Raises ZygoteDiedError."""
        output, output_end = os.pipe()
        report, report_end = os.pipe()
        file = os.memfd_create("code", os.MFD_CLOEXEC)
        try:
            _write_all(file, code.encode("utf-8", "surrogatepass"))
            zygote.order(self._socket, file, output_end, report_end)
        except BrokenPipeError:
            raise ZygoteDiedError from None
        finally:
            for descriptor in (file, output_end, report_end):
                os.close(descriptor)
        try:
            seen = self._watch.follow(output, report)
        finally:
            os.close(output)
            os.close(report)
        if seen.stopped:
            self.is_spent = True
            outcome, error = seen.stopped
        else:
            try:
                ending = zygote.read_ending(self._socket)
            except (EOFError, ConnectionResetError):
                raise ZygoteDiedError from None
            self.is_spent = not ending.is_clean
            outcome, error = self._judge(ending, bytes(seen.report))
        # How far a snippet came until its time was up depends on the machine.
        printed = b"" if outcome == Outcome.TIMEOUT else bytes(seen.output)
        return [outcome, error, printed.decode("utf-8", "replace")]

    def close(self) -> None:
        """End the zygote and all that it forked, and remove the folder."""
        with suppress(ProcessLookupError):
            os.kill(self._zygote, signal.SIGKILL)
        os.waitpid(self._zygote, 0)
        # If the zygote was not the first process of a namespace, the processes it left are now children of this one.
        while left := children_of(self._processes, os.getpid()):
            for process in left:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
        if "mount" not in self.layers:
            namespaces.remove_folder(self._box)

    def _judge(self, ending: zygote.Ending, report: bytes) -> tuple[str, str]:
        """Return a snippet's outcome and error."""
        code = os.waitstatus_to_exitcode(ending.status)
        if code == 0:
            return Outcome.OK, ""
        if code > 0:
            return _read_claim(report, code)
        bounds = self._watch.bounds
        number = -code
        is_out_of_time = ending.cpu_us >= SHARE_OF_TIME * bounds.cpu_s * 1e6
        if number == signal.SIGXCPU or (number == signal.SIGKILL and is_out_of_time):
            return bounds.timeout
        if number == signal.SIGSYS:
            return Outcome.BLOCKED, "a foreign system call"
        if number == signal.SIGKILL and ending.peak_kb * 1024 > SHARE_OF_MEMORY * self._memory_bytes:
            return Outcome.MEMORY, "killed by the machine"
        return Outcome.KILLED, signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"


def _read_claim(report: bytes, code: int) -> tuple[str, str]:
    outcome, _, error = report.decode("utf-8", "replace").partition("\n")
    if outcome in CLAIMS:
        return outcome, " ".join(error.split())[: snippet_process.MAX_MESSAGE]
    return Outcome.EXCEPTION, f"ended with status {code}"


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
