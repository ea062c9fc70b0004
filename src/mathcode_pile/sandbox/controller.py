"""The trusted side of the sandbox: hands snippets to the lanes of warm parents and collects their results."""

import secrets
import select
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.outcomes import Outcome
from mathcode_pile.sandbox.imports import KINDS, choose_kind
from mathcode_pile.sandbox.launcher import LaneEnd, WarmParent, package_folders
from mathcode_pile.sandbox.messages import pack, receive, send
from mathcode_pile.sandbox.namespaces import remove_folder

PACKAGES = ("numpy", "scipy", "sympy", "mpmath", "networkx")
LANE_AGE = 5000  # a lane is replaced after this many snippets
PREFETCH_BYTES = 32 << 10  # a longer message could fill the socket of a lane that is itself writing
PATIENCE_S = 300  # a lane counts as dead when its snippet exceeds the time limit by this much
POLL_MS = 5000


class Limits(NamedTuple):
    """What one snippet may use."""

    timeout_s: float = 10
    """Seconds of computing; a snippet that waits is ended after twice as long."""
    memory_mb: int = 2048
    """Memory in addition to the warm parent's."""
    output_bytes: int = 65536
    disk_mb: int = 16


class Result(NamedTuple):
    """How a snippet ended and what it printed."""

    outcome: str
    """One of Outcome."""
    stdout: str
    error: str
    """One line; empty where the outcome is ok."""


class Sandbox:
    """Runs snippets, several at a time. A context manager; the thread that opens it must close it.

    lanes: how many snippets run at once; no result depends on it.
    packages: what snippets may import besides the standard library.
    isolation: "full" raises PipelineError where the machine cannot isolate snippets, "none" runs them with the layers
    that the machine has.
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
        self._parents: dict[str, WarmParent] = {}
        self._settings: dict[str, object] = {
            **limits._asdict(),
            "packages": list(packages),
            "paths": package_folders(packages),
            "folder": str(self._folder),
            "without": sorted(without),
            "age": LANE_AGE,
        }

    def __enter__(self) -> Self:
        if not sys.platform.startswith("linux"):
            raise PipelineError("the sandbox needs Linux; run it in a Linux container or virtual machine")
        try:
            first = self._parent("bare").lanes[0]
            self._welcome(first, receive(first.socket.fileno()))
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
        """Run snippets and return their results in the same order. Snippets with the same text run once."""
        distinct = list(dict.fromkeys(codes))
        try:
            results = dict(zip(distinct, _Round(self, distinct).finish(), strict=True))
        except BaseException:
            # Otherwise the answers to unfinished snippets would be taken for those of the next call.
            self._stop_parents()
            raise
        return [results[code] for code in codes]

    def _parent(self, kind: str) -> WarmParent:
        if kind not in self._parents:
            self._parents[kind] = WarmParent(kind, self._settings, self._lanes)
        return self._parents[kind]

    def _drop(self, parent: WarmParent) -> None:
        parent.stop()
        self._parents.pop(parent.kind, None)

    def _welcome(self, lane: LaneEnd, message: Any) -> None:
        """Read a new lane's first message. Raises PipelineError where it failed, or has other layers than the first."""
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
        # Snippets of the lightest parents run first, while the other parents still import their packages.
        ranks = list(KINDS)
        self.waiting = deque(sorted(range(len(codes)), key=lambda place: ranks.index(self.kinds[place])))
        self.running = 0
        self.poll = select.poll()
        self.places: dict[int, tuple[WarmParent, LaneEnd]] = {}
        for kind in sorted(set(self.kinds), key=ranks.index):
            self._register(sandbox._parent(kind))

    def _register(self, parent: WarmParent) -> None:
        for lane in parent.lanes:
            if lane.socket.fileno() not in self.places:
                self.poll.register(lane.socket, select.POLLIN)
                self.places[lane.socket.fileno()] = (parent, lane)

    def finish(self) -> list[Result]:
        """Run until every snippet has its result."""
        while self.waiting or self.running:
            self._fill()
            for descriptor, _ in self.poll.poll(POLL_MS):
                if descriptor in self.places:
                    self._take(*self.places[descriptor])
            self._end_the_stuck()
        return [result for result in self.results if result is not None]

    def _fill(self) -> None:
        # In each lane one snippet runs and one waits, so that no lane has to wait for us.
        while self.waiting and self.running < 2 * self.sandbox._lanes:
            place = self.waiting[0]
            parent = self.sandbox._parent(self.kinds[place])
            self._register(parent)
            lane = min(parent.lanes, key=lambda one: len(one.waiting))
            message = pack(self.codes[place])
            if len(lane.waiting) >= (2 if len(message) < PREFETCH_BYTES else 1):
                return
            self.waiting.popleft()
            lane.since = lane.since if lane.waiting else time.monotonic()
            lane.waiting.append(place)
            self.running += 1
            try:
                send(lane.socket.fileno(), message)
            except OSError:
                self._recover(parent, lane)

    def _take(self, parent: WarmParent, lane: LaneEnd) -> None:
        message = receive(lane.socket.fileno())
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

    def _recover(self, parent: WarmParent, dead: LaneEnd) -> None:
        """After the death of a lane: stop its parent, and queue again the snippets that its lanes were given."""
        for lane in parent.lanes:
            self.poll.unregister(lane.socket)
            del self.places[lane.socket.fileno()]
            for order, place in reversed(list(enumerate(lane.waiting))):
                self._lose(place, int(lane is dead and order == 0))
        self.sandbox._drop(parent)

    def _lose(self, place: int, fault: int) -> None:
        """Queue a snippet again whose process was lost, unless it was at fault for the second time."""
        self.running -= 1
        self.faults[place] = self.faults.get(place, 0) + fault
        if self.faults[place] >= 2:
            self.results[place] = Result(Outcome.KILLED, "", "its lane died with it")
        else:
            self.waiting.appendleft(place)


def missing_promises(layers: Sequence[str]) -> list[str]:
    """Return what the layers do not protect from, one phrase each; nothing where the promise holds."""
    missing = []
    if "seccomp" not in layers:
        missing.append("without seccomp nothing keeps them from the network, programs and other processes")
    if "mount" not in layers and not any(layer.startswith("landlock") for layer in layers):
        missing.append("without Landlock or mount namespaces nothing keeps them from your files")
    return missing
