"""A lane runs snippets one after another, each in a fork of its own, and judges from outside how it ended."""

# The lanes do without pathlib, for whose weight every fork would pay.
# ruff: noqa: PTH103, PTH118, PTH208
import os
import signal
from typing import Any, TypedDict

from mathcode_pile.sandbox import child, kernel, landlock, namespaces, seccomp, syntax
from mathcode_pile.sandbox.watch import MAX_THREADS, Bounds, Watch

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
        self.layers: list[str] = []
        self._without = set(settings["without"])
        self._find_obstacle = syntax.obstacle_finder(settings["packages"])
        self._processes: int | None = None
        self._box_is_limited = False
        self._view = -1
        with open("/proc/self/statm") as file:
            held = int(file.read().split()[0]) * os.sysconf("SC_PAGESIZE")
        self._memory_bytes = held + (settings["memory_mb"] << 20)
        self._enter()

    def _enter(self) -> None:
        settings = self.settings
        readable = namespaces.readable_paths(settings["paths"])
        names = [] if "namespaces" in self._without else namespaces.unshare_all()
        if names:
            self._become_first_process()
        self.layers += names
        self.box = self._make_root(readable, bool(names))
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        self._null = os.open("/dev/null", os.O_RDWR)
        self._readable = readable
        self._rules = self._make_rules()
        self._seccomp = self._make_filter()
        # In a user namespace of its own a lane's processes are counted apart; else all of the user's are.
        self._processes = MAX_THREADS + 8 if "user" in names else None
        self._bounds = Bounds(
            settings["timeout_s"],
            2 * settings["timeout_s"],
            settings["output_bytes"],
            None if self._box_is_limited else (self.box, settings["disk_mb"]),
            self._view,
        )
        self.layers += ["no_new_privs", "rlimits"]

    def _become_first_process(self) -> None:
        inner = os.fork()
        if inner:
            os.close(self.control)
            _, status = os.waitpid(inner, 0)
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 1)
        # Seen from inside, a parent outside is no. 0, whether it lives or not.
        kernel.die_with(0)

    def _make_root(self, readable: list[str], isolated: bool) -> str:
        if isolated and "mount" not in self._without:
            try:
                self._view = namespaces.private_root(readable, self.settings["disk_mb"])
            except OSError as error:
                # Half a root is no root, and there is no way back from it.
                raise OSError(error.errno, f"namespaces allow no private root: {error.strerror}") from error
            self.layers.append("mount")
            self._box_is_limited = True
            return namespaces.BOX
        box = os.path.join(self.settings["folder"], f"lane-{self.control}")
        os.makedirs(box, mode=0o700, exist_ok=True)
        self._view = -1 if isolated else os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        return box

    def _make_rules(self) -> int:
        if "landlock" in self._without:
            return -1
        try:
            rules = landlock.make_ruleset(self._readable, [self.box, "/dev/null"])
        except OSError:
            return -1
        if not any(layer.startswith("landlock") for layer in self.layers):
            self.layers.append(f"landlock {landlock.version()}")
        return rules

    def _make_filter(self) -> seccomp.Seccomp | None:
        if "seccomp" in self._without:
            return None
        try:
            filter_ = seccomp.Seccomp()
        except OSError:
            return None
        # Whether the kernel takes it is tried in a process of no further use.
        process = os.fork()
        if process == 0:
            try:
                filter_.install(os.getpid())
                os._exit(0)
            except OSError:
                os._exit(1)
        if os.waitpid(process, 0)[1] != 0:
            return None
        self.layers.append("seccomp")
        return filter_

    def run(self, code: str) -> list[str]:
        """Run one snippet; return its outcome, error and standard output."""
        output, output_end = os.pipe()
        report, report_end = os.pipe()
        lane = os.getpid()
        process = os.fork()
        if process == 0:
            try:
                self._be_child(code, output_end, report_end, lane)
            finally:
                os._exit(70)
        os.close(output_end)
        os.close(report_end)
        try:
            watch = Watch(self._bounds, process, output, report)
            watch.follow(self.control)
        finally:
            os.close(output)
            os.close(report)
        usage = self._reap(process)
        self._clean_box()
        outcome, error = self._judge(watch, *usage)
        return [outcome, error, bytes(watch.output).decode("utf-8", "replace")]

    def _be_child(self, code: str, output: int, report: int, lane: int) -> None:
        os.setsid()
        os.chdir(self.box)
        settings = self.settings
        if self._rules >= 0:
            landlock.restrict(self._rules)
        child.connect(self._null, output, report)
        kernel.die_with(lane)
        kernel.drop_capabilities()
        # A limit in whole seconds: the watch ends what asks for less.
        cpu_s = max(1, int(-(-settings["timeout_s"] // 1)))
        child.set_limits(self._memory_bytes, cpu_s, settings["disk_mb"] << 20, self._processes)
        os.environ["HOME"] = os.environ["TMPDIR"] = self.box
        child.seed()
        if self._seccomp:
            self._seccomp.install(os.getpid())
        child.finish(child.run(code, self._find_obstacle))

    def _reap(self, process: int) -> tuple[int, Any]:
        # It has ended or must; until it is waited for, its number is not given away.
        os.kill(process, signal.SIGKILL)
        _, status, usage = os.wait4(process, 0)
        if "pid" in self.layers:
            try:
                os.kill(-1, signal.SIGKILL)
            except ProcessLookupError:
                return status, usage
        while True:
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                return status, usage

    def _clean_box(self) -> None:
        if not os.listdir(self.box):
            return
        if self._box_is_limited:
            namespaces.renew_box(self.settings["disk_mb"])
            if self._rules >= 0:
                os.close(self._rules)
                self._rules = self._make_rules()
        else:
            import shutil

            shutil.rmtree(self.box, ignore_errors=True)
            os.makedirs(self.box, mode=0o700, exist_ok=True)
            if self._rules >= 0:
                os.close(self._rules)
                self._rules = self._make_rules()

    def _judge(self, watch: Watch, status: int, usage: Any) -> tuple[str, str]:
        if watch.stopped:
            return watch.stopped
        settings = self.settings
        code = os.waitstatus_to_exitcode(status)
        if code == 0:
            return "ok", ""
        if code > 0:
            return _read_claim(bytes(watch.report), code)
        number = -code
        # The kernel ends a process by a coarser clock than the one it reports.
        if number == signal.SIGXCPU or usage.ru_utime + usage.ru_stime >= settings["timeout_s"] * 0.9:
            return "timeout", f"more than {settings['timeout_s']:g} s of computing"
        if number == signal.SIGSYS:
            return "blocked", "a foreign system call"
        if number == signal.SIGKILL and usage.ru_maxrss * 1024 > 0.8 * self._memory_bytes:
            return "memory", "killed by the machine"
        return "killed", signal.Signals(number).name if number in list(signal.Signals) else f"signal {number}"


def _read_claim(report: bytes, code: int) -> tuple[str, str]:
    outcome, _, error = report.decode("utf-8", "replace").partition("\n")
    if outcome in CLAIMS:
        return outcome, " ".join(error.split())[: child.MAX_MESSAGE]
    return "exception", f"ended with status {code}"
