"""Start warm parents from the trusted side, and keep the sockets to their lanes."""

import json
import os
import socket
import subprocess
import sys
import sysconfig
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from mathcode_pile.sandbox import warm_parent
from mathcode_pile.sandbox.imports import KINDS

# The parent imports its modules without the package's own __init__, which imports the controller.
BOOT = f"""
import sys, types
for name, folder in (("mathcode_pile", sys.argv[2]), ("mathcode_pile.sandbox", sys.argv[2] + "/sandbox")):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [folder]
from {warm_parent.__name__} import main
main()
"""
# Nothing of our own environment is passed on; output must not depend on the machine's language, time zone or cores.
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


@dataclass
class LaneEnd:
    """The controller's end of one lane."""

    socket: socket.socket
    is_ready: bool = False  # the lane has named its layers
    waiting: deque[int] = field(default_factory=deque)
    """Places of the snippets that the lane was given; the first one is running."""
    since: float = 0.0
    """When the running snippet started, by time.monotonic()."""


class WarmParent:
    """The process of one warm parent, and the sockets to its lanes."""

    def __init__(self, kind: str, settings: dict[str, object], lanes: int) -> None:
        pairs = [socket.socketpair() for _ in range(lanes)]
        self.kind = kind
        self.lanes = [LaneEnd(ours) for ours, _ in pairs]
        theirs = [end.fileno() for _, end in pairs]
        own = {"controller": os.getpid(), "controls": theirs, "modules": KINDS[kind]}
        package = str(Path(__file__).resolve().parents[1])
        command = [sys.executable, "-s", "-S", "-P", "-X", "utf8", "-c", BOOT, json.dumps(settings | own), package]
        self.process = subprocess.Popen(
            command, env=ENVIRONMENT, cwd="/", pass_fds=theirs, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        for _, end in pairs:
            end.close()

    def stop(self) -> None:
        """End the parent; its lanes and what they run end with it."""
        self.process.kill()
        for lane in self.lanes:
            lane.socket.close()
        self.process.wait()


def package_folders(packages: Sequence[str]) -> list[str]:
    """Return the folders in which packages are installed."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    for name in packages:
        spec = find_spec(name)
        if spec and spec.origin:
            inside = spec.submodule_search_locations
            folders.add(str(Path(inside[0] if inside else spec.origin).parent))
    return sorted(os.path.realpath(folder) for folder in folders)
