"""The trusted side of the sandbox: starts warm parents, hands snippets to their lanes, gathers results."""

import json
import os
import secrets
import select
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.outcomes import Outcome
from mathcode_pile.sandbox import parent as parent_program
from mathcode_pile.sandbox.namespaces import remove_folder
from mathcode_pile.sandbox.syntax import KINDS, choose_kind

PACKAGES = ("numpy", "scipy", "sympy", "mpmath", "networkx")
LANE_AGE = 5000  # snippets; a lane is then replaced
PREFETCH_BYTES = 32 << 10  # a longer message could fill the socket of a lane that is itself writing
PATIENCE_S = 300  # beyond a snippet's own limit, before its lane is taken for dead
# The parent imports its modules without the package's own __init__, which is the controller's.
BOOT = """
import sys, types
for name, folder in (("mathcode_pile", sys.argv[2]), ("mathcode_pile.sandbox", sys.argv[2] + "/sandbox")):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from mathcode_pile.sandbox.parent import main
main()
"""
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


class Limits(NamedTuple):
    """What one snippet may use."""

    timeout_s: float = 10
    """Seconds of computing; one that waits is ended after twice as long."""
    memory_mb: int = 2048
    """Memory beyond what the warm parent holds."""
    output_bytes: int = 65536
    disk_mb: int = 16


class Result(NamedTuple):
    """How a snippet ended and what it printed."""

    outcome: str
    """One of Outcome."""
    stdout: str
    error: str
    """One line; empty where the outcome is ok."""


@dataclass
class _Lane:
    socket: socket.socket
    is_ready: bool = False  # it has named its layers
    waiting: deque[int] = field(default_factory=deque)  # places of the snippets it was given, the running one first
    since: float = 0.0


class _Parent:
    """One warm parent's process and the sockets of its lanes."""

    def __init__(self, kind: str, settings: dict[str, object], lanes: int) -> None:
        pairs = [socket.socketpair() for _ in range(lanes)]
        self.kind = kind
        self.lanes = [_Lane(ours) for ours, _ in pairs]
        theirs = [end.fileno() for _, end in pairs]
        own = {"controller": os.getpid(), "controls": theirs, "modules": KINDS[kind]}
        package = str(Path(parent_program.__file__).resolve().parents[1])
        command = [sys.executable, "-s", "-S", "-P", "-X", "utf8", "-c", BOOT, json.dumps(settings | own), package]
        self.process = subprocess.Popen(
            command, env=ENVIRONMENT, cwd="/", pass_fds=theirs, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        for _, end in pairs:
            end.close()

    def stop(self) -> None:
        """End the parent, and with it its lanes and what they run."""
        self.process.kill()
        for lane in self.lanes:
            lane.socket.close()
        self.process.wait()


class Sandbox:
    """Runs snippets, several at a time; a context manager, to be closed by the thread that opened it.

    lanes: how many snippets run at once; no result depends on it.
    packages: what snippets may import besides the standard library.
    isolation: "full" raises PipelineError where the machine cannot isolate, "none" runs with what there is.
    without: layers not to use (namespaces, mount, landlock, seccomp), for tests.
    """

    def __init__(
        self,
        limits: Limits = Limits(),  # noqa: B008 - immutable
        *,
        lanes: int = 1,
        isolation: Literal["full", "none"] = "full",
        packages: Sequence[str] = PACKAGES,
        without: Iterable[str] = (),
    ) -> None:
        self.limits = limits
        self.layers: list[str] = []
        self._isolation = isolation
        self._lanes = lanes
        self._folder = Path(tempfile.gettempdir()) / f"mathcode-sandbox-{secrets.token_hex(8)}"
        self._parents: dict[str, _Parent] = {}
        self._settings: dict[str, object] = {
            **limits._asdict(),
            "packages": list(packages),
            "paths": _package_folders(packages),
            "folder": str(self._folder),
            "without": sorted(without),
            "age": LANE_AGE,
        }

    def __enter__(self) -> Self:
        if not sys.platform.startswith("linux"):
            raise PipelineError("the sandbox needs Linux; run it in a Linux container or virtual machine")
        try:
            self._greet(self._parent("bare").lanes[0])
            missing = missing_promises(self.layers)
            if missing and self._isolation != "none":
                had = ", ".join(self.layers) or "nothing"
                raise PipelineError(
                    f"this machine cannot isolate snippets: {'; '.join(missing)} (had: {had}); "
                    "set execute.isolation to none only if you trust the snippets, and evaluate.program_aided to false"
                )
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process of the sandbox, and remove its folder."""
        self._stop_parents()
        if self._folder.exists():
            remove_folder(str(self._folder))

    def _stop_parents(self) -> None:
        for parent in self._parents.values():
            parent.stop()
        self._parents.clear()

    def run(self, code: str) -> Result:
        """Run one snippet."""
        return self.run_all([code])[0]

    def run_all(self, codes: Sequence[str]) -> list[Result]:
        """Run snippets; the results stand in their order. Those that are the same text are run once."""
        distinct = list(dict.fromkeys(codes))
        try:
            results = dict(zip(distinct, _Round(self, distinct).finish(), strict=True))
        except BaseException:
            # What is under way would otherwise answer the next call.
            self._stop_parents()
            raise
        return [results[code] for code in codes]

    def _parent(self, kind: str) -> _Parent:
        if kind not in self._parents:
            self._parents[kind] = _Parent(kind, self._settings, self._lanes)
        return self._parents[kind]

    def _drop(self, parent: _Parent) -> None:
        parent.stop()
        self._parents.pop(parent.kind, None)

    def _greet(self, lane: _Lane) -> None:
        self._welcome(lane, parent_program.receive(lane.socket.fileno()))

    def _welcome(self, lane: _Lane, message: Any) -> None:
        """Take what a lane says as it starts. Raises PipelineError where it cannot, or protects less than the first."""
        if not isinstance(message, dict) or "layers" not in message:
            fault = message["fault"] if isinstance(message, dict) and "fault" in message else "its parent process ended"
            raise PipelineError(f"the sandbox cannot start: {fault}")
        layers = list(message["layers"])
        self.layers = self.layers or layers
        if layers != self.layers:
            raise PipelineError(
                f"the sandbox has lost protections while it ran: it had {', '.join(self.layers)}, "
                f"and a new lane has {', '.join(layers)}"
            )
        lane.is_ready = True


class _Round:
    """One call of run_all."""

    def __init__(self, sandbox: Sandbox, codes: Sequence[str]) -> None:
        self.sandbox = sandbox
        self.codes = codes
        self.results: list[Result | None] = [None] * len(codes)
        self.faults: dict[int, int] = {}
        self.kinds = [choose_kind(code) for code in codes]
        # The lightest parents' snippets first: the others' parents are importing meanwhile.
        ranks = list(KINDS)
        self.waiting = deque(sorted(range(len(codes)), key=lambda place: ranks.index(self.kinds[place])))
        self.running = 0
        self.poll = select.poll()
        self.places: dict[int, tuple[_Parent, _Lane]] = {}
        for kind in sorted(set(self.kinds), key=ranks.index):
            self._register(sandbox._parent(kind))

    def _register(self, parent: _Parent) -> None:
        for lane in parent.lanes:
            if lane.socket.fileno() not in self.places:
                self.poll.register(lane.socket, select.POLLIN)
                self.places[lane.socket.fileno()] = (parent, lane)

    def finish(self) -> list[Result]:
        """Run until every snippet has its result."""
        while self.waiting or self.running:
            self._fill()
            for descriptor, _ in self.poll.poll(5000):
                if descriptor in self.places:
                    self._take(*self.places[descriptor])
            self._end_the_stuck()
        return [result for result in self.results if result is not None]

    def _fill(self) -> None:
        # One snippet runs in a lane and one waits there, so that no lane waits for us.
        while self.waiting and self.running < 2 * self.sandbox._lanes:
            place = self.waiting[0]
            parent = self.sandbox._parent(self.kinds[place])
            self._register(parent)
            lane = min(parent.lanes, key=lambda one: len(one.waiting))
            message = parent_program.pack(self.codes[place])
            if len(lane.waiting) >= (2 if len(message) < PREFETCH_BYTES else 1):
                return
            self.waiting.popleft()
            lane.since = lane.since if lane.waiting else time.monotonic()
            lane.waiting.append(place)
            self.running += 1
            try:
                parent_program.send(lane.socket.fileno(), message)
            except OSError:
                self._recover(parent, lane)

    def _take(self, parent: _Parent, lane: _Lane) -> None:
        message = parent_program.receive(lane.socket.fileno())
        if isinstance(message, list) and lane.waiting:
            outcome, error, stdout = message
            self.results[lane.waiting.popleft()] = Result(outcome, stdout, error)
            lane.since = time.monotonic()
            self.running -= 1
        elif message == {"lost": True} and lane.waiting:
            self._lose(lane.waiting.popleft(), 1)
            lane.since = time.monotonic()
        elif isinstance(message, dict) or not lane.is_ready:
            self.sandbox._welcome(lane, message)
        else:
            self._recover(parent, lane)

    def _end_the_stuck(self) -> None:
        allowed = 2 * self.sandbox.limits.timeout_s + PATIENCE_S
        for parent, lane in list(self.places.values()):
            if lane.waiting and time.monotonic() - lane.since > allowed:
                self._recover(parent, lane)
                return

    def _recover(self, parent: _Parent, dead: _Lane) -> None:
        """A lane died: start its parent anew and run again what was lost."""
        for lane in parent.lanes:
            self.poll.unregister(lane.socket)
            del self.places[lane.socket.fileno()]
            for order, place in reversed(list(enumerate(lane.waiting))):
                self._lose(place, int(lane is dead and order == 0))
        self.sandbox._drop(parent)

    def _lose(self, place: int, fault: int) -> None:
        """Run a snippet again whose process was lost, but not one that was at fault twice."""
        self.running -= 1
        self.faults[place] = self.faults.get(place, 0) + fault
        if self.faults[place] >= 2:
            self.results[place] = Result(Outcome.KILLED, "", "its lane died with it")
        else:
            self.waiting.appendleft(place)


def missing_promises(layers: Sequence[str]) -> list[str]:
    """Return what the layers leave open, one phrase each; none where the promise holds."""
    missing = []
    if "seccomp" not in layers:
        missing.append("without seccomp nothing keeps them from the network, programs and other processes")
    if "mount" not in layers and not any(layer.startswith("landlock") for layer in layers):
        missing.append("without Landlock or mount namespaces nothing keeps them from your files")
    return missing


def _package_folders(packages: Sequence[str]) -> list[str]:
    """Return the folders in which the packages are installed."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    for name in packages:
        spec = find_spec(name)
        if spec and spec.origin:
            inside = spec.submodule_search_locations
            folders.add(str(Path(inside[0] if inside else spec.origin).parent))
    return sorted(os.path.realpath(folder) for folder in folders)
