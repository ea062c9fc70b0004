"""Run `dvc repro` in a clone, and kill it with kill -9 when a test says so."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml


def clone(source: Path, folder: Path, **environment: str) -> dict[str, str]:
    """Clone a repository to folder/repository; return the environment of its commands, with folders of their own."""
    subprocess.run(["git", "clone", "-q", str(source), str(folder / "repository")], check=True)
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MATHCODE_SCRATCH": str(folder / "scratch"),
        "DVC_SITE_CACHE_DIR": str(folder / "site"),
    }
    return os.environ | own | environment


def read_hashes(lock: Path) -> dict[str, Any]:
    """Return the hash of every out that a dvc.lock records, metrics aside."""
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
    outs = (out for stage in stages.values() for out in stage["outs"])
    return {out["path"]: out["md5"] for out in outs if not out["path"].startswith("metrics/")}


def reproduce(
    folder: Path, log: Path, environment: dict[str, str], is_time: Callable[[], bool] = lambda: False
) -> int | None:
    """Run `dvc repro`; kill it once is_time says so. Returns its exit status, None where it was killed.

    Raises AssertionError where one of its processes outlives it.
    """
    with open(log, "w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "dvc", "repro"], cwd=folder, env=environment, stdout=output, stderr=output
        )
        while process.poll() is None:
            time.sleep(0.1)
            if is_time():
                _kill(process)
                return None
    return process.returncode


def has_begun(log: Path, stage: str) -> Callable[[], bool]:
    """Return a condition that is true a moment after a stage began."""

    def is_time() -> bool:
        if f"Running stage '{stage}'" not in log.read_text(errors="replace"):
            return False
        time.sleep(1.5)
        return True

    return is_time


def _kill(process: "subprocess.Popen[Any]") -> None:
    below = _children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 30
    while any(_is_there(pid) for pid in below) and time.monotonic() < deadline:
        time.sleep(0.1)
    left = [pid for pid in below if _is_there(pid)]
    assert not left, f"{left} outlived dvc"


def _is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}/exe").exists()


def _children(pid: int) -> list[int]:
    """Return the ids of the processes below a process."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [tuple(map(int, line.split())) for line in listed.splitlines()]
    found, waiting = [], [pid]
    while waiting:
        here = waiting.pop()
        below = [child for child, parent in parents if parent == here]
        found += below
        waiting += below
    return found
