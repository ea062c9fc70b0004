"""A lane has its zygote run snippets one after another, watches each from outside, and judges how it ended."""

# The lanes do without pathlib, for whose weight every fork would pay.
# ruff: noqa: PTH103, PTH118
import _socket
import os
import signal
from typing import TypedDict

from mathcode_pile.sandbox import child, kernel, namespaces, zygote
from mathcode_pile.sandbox.watch import MAX_THREADS, Bounds, Watch, children_of

# What a snippet may claim of itself; everything else is seen from here.
CLAIMS = frozenset({"does_not_compile", "exception", "memory", "blocked", "missing_module"})


class Settings(TypedDict):
    """What the controller tells a parent."""

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


class Lane:
    """One lane: `layers` names the protections it has, `run` runs one snippet."""

    def __init__(self, settings: Settings, control: int) -> None:
        self.settings = settings
        self.control = control
        without = frozenset(settings["without"])
        with open("/proc/self/statm") as file:
            held = int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
        # The machine's own, seen from outside all namespaces; the zygote closes it.
        self._processes = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        self.layers = [] if "namespaces" in without else namespaces.unshare_all()
        self._has_namespaces = bool(self.layers)
        self._readable = namespaces.readable_paths(settings["paths"])
        self._has_root = self._has_namespaces and "mount" not in without
        self._box = self._make_root()
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        self._cell = zygote.Cell(
            self._box,
            self._readable,
            settings["timeout_s"],
            held + (settings["memory_mb"] << 20),
            settings["disk_mb"] << 20,
            # In a user namespace of its own a lane's processes are counted apart; else all of the user's are.
            MAX_THREADS + 8 if "user" in self.layers else None,
            settings["packages"],
            without,
        )
        self.layers += [*self._start_zygote(), "no_new_privs", "rlimits"]

    def _make_root(self) -> str:
        disk_mb = self.settings["disk_mb"]
        if not self._has_root:
            box = os.path.join(self.settings["folder"], f"lane-{self.control}")
            os.makedirs(box, mode=0o700, exist_ok=True)
            return box
        try:
            namespaces.private_root(self._readable, disk_mb)
        except OSError as error:
            # Half a root is no root, and there is no way back from it.
            raise OSError(error.errno, f"namespaces allow no private root: {error.strerror}") from error
        self.layers.append("mount")
        return namespaces.BOX

    def _start_zygote(self) -> list[str]:
        """Start the process that forks snippets; return the layers it has, and has made for itself."""
        self._socket, theirs = _socket.socketpair()
        lane = os.getpid()
        layers = []
        try:
            if not self._has_namespaces:
                raise OSError
            self._zygote = kernel.fork_first_process()
            layers.append("pid")
        except OSError:
            self._zygote = kernel.fork()
        if self._zygote == 0:
            try:
                zygote.serve(self._cell, 0 if layers else lane, theirs)
            finally:
                os._exit(1)
        theirs.close()
        self._watch = Watch(self._bounds(), self._zygote, self._socket.fileno(), self.control)
        greeting = self._socket.recv(4096).decode()
        if not greeting.endswith(zygote.READY):
            raise OSError(greeting or "the process that forks snippets died as it started")
        return layers + greeting.split("\n")[:-2]

    def _bounds(self) -> Bounds:
        settings = self.settings
        return Bounds(
            settings["timeout_s"],
            2 * settings["timeout_s"],
            settings["output_bytes"],
            None if self._has_root else (self._box, settings["disk_mb"]),
            self._processes,
        )

    def run(self, code: str) -> list[str]:
        """Run one snippet; return its outcome, error and standard output."""
        output, output_end = os.pipe()
        report, report_end = os.pipe()
        try:
            zygote.order(self._socket, code.encode("utf-8", "surrogatepass"), output_end, report_end)
        finally:
            os.close(output_end)
            os.close(report_end)
        try:
            seen = self._watch.follow(output, report)
        finally:
            os.close(output)
            os.close(report)
        if seen.stopped:
            self._renew()
            outcome, error = seen.stopped
        else:
            ending = zygote.read_ending(self._socket)
            if not ending.is_clean:
                self._renew()
            outcome, error = self._judge(ending, bytes(seen.report))
        return [outcome, error, bytes(seen.output).decode("utf-8", "replace")]

    def _renew(self) -> None:
        """End the zygote and all that it forked, empty the folder, start another."""
        os.kill(self._zygote, signal.SIGKILL)
        self._socket.close()
        os.waitpid(self._zygote, 0)
        # Where it was not the first process of a namespace, what it left behind has come to us.
        while left := children_of(self._processes, os.getpid()):
            for process in left:
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
        if self._has_root:
            namespaces.renew_box(self.settings["disk_mb"])
        else:
            import shutil

            shutil.rmtree(self._box, ignore_errors=True)
            os.makedirs(self._box, mode=0o700, exist_ok=True)
        self._start_zygote()

    def _judge(self, ending: zygote.Ending, report: bytes) -> tuple[str, str]:
        code = os.waitstatus_to_exitcode(ending.status)
        if code == 0:
            return "ok", ""
        if code > 0:
            return _read_claim(report, code)
        timeout_s = self.settings["timeout_s"]
        number = -code
        # The kernel ends a process by a coarser clock than the one it reports.
        if number == signal.SIGXCPU or ending.cpu_us >= timeout_s * 0.9e6:
            return "timeout", f"more than {timeout_s:g} s of computing"
        if number == signal.SIGSYS:
            return "blocked", "a foreign system call"
        if number == signal.SIGKILL and ending.peak_kb * 1024 > 0.8 * self._cell.memory_bytes:
            return "memory", "killed by the machine"
        return "killed", signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"


def _read_claim(report: bytes, code: int) -> tuple[str, str]:
    outcome, _, error = report.decode("utf-8", "replace").partition("\n")
    if outcome in CLAIMS:
        return outcome, " ".join(error.split())[: child.MAX_MESSAGE]
    return "exception", f"ended with status {code}"
