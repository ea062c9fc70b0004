"""A Ray cluster in a network namespace of its own, where it can listen on loopback alone."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

ADDRESS = "127.0.0.1:6379"
# On a busy machine a node and its processes need longer to start than Ray waits.
SLOW = {
    "RAY_raylet_start_wait_time_s": "600",
    "RAY_agent_register_timeout_ms": "600000",
    "RAY_worker_register_timeout_seconds": "600",
}
# Ports of a node's helpers: the option, and the file that tells the node that its helper listens. A node gives up after
# 15 s without these files (Ray's issue 65983), which is too short on a busy machine; so they are written here.
PORTS = {
    "dashboard-agent-listen": "dashboard_agent_listen",
    "dashboard-agent-grpc": "metrics_agent",
    "runtime-env-agent": "runtime_env_agent",
    "metrics-export": "metrics_export",
}
OWN_USER = [] if os.geteuid() == 0 else ["--map-root-user"]


def why_not() -> str:
    """Why no cluster can be started here; empty where one can."""
    try:
        import ray  # noqa: F401
    except ImportError:
        return "ray is not installed"
    tried = subprocess.run(["unshare", *OWN_USER, "--net", "--mount", "ip", "link", "set", "lo", "up"])
    return "no network namespace can be made here" if tried.returncode else ""


class RayCluster:
    """A head without cores. Each worker has one core and a working folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._nodes: list[subprocess.Popen[Any]] = []

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True)
        self._temp = tempfile.TemporaryDirectory(prefix="ray", dir="/tmp")  # paths of sockets must be short
        up = "ip link set lo up && echo up && exec sleep infinity"
        self._holder = subprocess.Popen(
            ["unshare", *OWN_USER, "--net", "sh", "-c", up], stdout=subprocess.PIPE, text=True
        )
        assert self._holder.stdout and self._holder.stdout.readline() == "up\n"
        try:
            self._start(
                "--head", "--port=6379", "--num-cpus=0", "--include-dashboard=false", f"--temp-dir={self._temp.name}"
            )
        except BaseException:
            self.__exit__()
            raise
        return self

    def start_worker(self, *options: str, hidden: tuple[Path, ...] = (), **variables: str) -> "subprocess.Popen[Any]":
        """Start a node; it sees the hidden folders empty. Returns its process."""
        return self._start(f"--address={ADDRESS}", "--num-cpus=1", *options, hidden=hidden, **variables)

    def _start(self, *options: str, hidden: tuple[Path, ...] = (), **variables: str) -> "subprocess.Popen[Any]":
        place = self.folder / f"node{len(self._nodes)}"
        place.mkdir()
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", *options, "--block", "--disable-usage-stats"]
        command.append("--object-store-memory=100000000")
        number = len(self._nodes)
        name = f"{number + 1:056x}"
        ports = {option: 20_000 + 10 * number + place for place, option in enumerate(PORTS)}
        command += [f"--{option}-port={port}" for option, port in ports.items()]
        variables = variables | {"RAY_OVERRIDE_NODE_ID_FOR_TESTING": name}
        if hidden:
            hide = 'while [ "$1" != -- ]; do mount -t tmpfs none "$1" || exit 1; shift; done; shift; exec "$@"'
            command = ["unshare", "--mount", "sh", "-c", hide, "hide", *map(str, hidden), "--", *command]
        with open(place / "log", "w") as log:
            node = self.enter(command, cwd=place, stdout=log, stderr=log, env=self.environment() | variables)
        self._nodes.append(node)
        deadline = time.monotonic() + 600
        while "Ray runtime started" not in (place / "log").read_text():
            for session in Path(self._temp.name).glob("session_2*/"):
                for option, file in PORTS.items():
                    (session / f"{file}_port_{name}").write_text(str(ports[option]))
            assert node.poll() is None and time.monotonic() < deadline, (place / "log").read_text()
            time.sleep(0.2)
        return node

    def environment(self) -> dict[str, str]:
        """The variables of a node or driver: no Python path, so that nobody finds the code by chance."""
        kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MATHCODE_SCRATCH")}
        return kept | {"RAY_ADDRESS": ADDRESS, "RAY_USAGE_STATS_ENABLED": "0", "OMP_NUM_THREADS": "1"} | SLOW

    def enter(self, command: list[str], **options: Any) -> "subprocess.Popen[Any]":
        """Start a command beside the cluster."""
        user = ["--user", "--preserve-credentials"] if OWN_USER else []
        return subprocess.Popen(
            ["nsenter", "--target", str(self._holder.pid), *user, "--net", "--", *command], **options
        )

    def processes(self) -> list[int]:
        """The ids of all processes of the namespace but the one that holds it."""
        own = Path(f"/proc/{self._holder.pid}/ns/net").readlink()
        found = []
        for link in Path("/proc").glob("[0-9]*/ns/net"):
            try:
                if link.readlink() == own:
                    found.append(int(link.parts[2]))
            except OSError:
                continue
        return [pid for pid in found if pid != self._holder.pid]

    def __exit__(self, *_: object) -> None:
        while left := self.processes():
            for pid in left:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.1)
        for process in [*self._nodes, self._holder]:
            process.kill()
            process.wait()
        self._temp.cleanup()
