"""Run the chain of ray_chain.py with one engine or the other, and see how far it is."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from ray_cluster import RayCluster

CHAIN = Path(__file__).with_name("ray_chain.py")


def set_engine(project: Path, resources: str = "{}") -> None:
    params = project / "params.yaml"
    text = params.read_text(encoding="utf-8")
    text = text.replace("  kind: local ", "  kind: ray ")
    params.write_text(text.replace("  resources: {}", f"  resources: {resources}"), encoding="utf-8")
    assert "kind: ray" in text


def drive(cluster: RayCluster, scratch_folder: Path, *arguments: str | Path) -> "subprocess.Popen[str]":
    """Start a driver with arguments of ray_chain.py in the working folder."""
    variables = cluster.environment() | {"MATHCODE_SCRATCH": str(scratch_folder), "MATHCODE_API_KEY": "key"}
    return cluster.enter(
        [sys.executable, str(CHAIN), *map(str, arguments)], env=variables, stderr=subprocess.PIPE, text=True
    )


def finish(driver: "subprocess.Popen[str]") -> str:
    """Wait until a driver has done its work; return what it said."""
    _, said = driver.communicate(timeout=900)
    assert driver.returncode == 0, said[-3000:]
    return said


def wait_until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so, at most five minutes."""
    deadline = time.monotonic() + 300
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finished(scratch_folder: Path, stage: str) -> dict[Path, int]:
    """The shards that a stage has finished, and when."""
    reports = (scratch_folder / "shards" / stage).glob("*/*/report.json")
    return {report: report.stat().st_mtime_ns for report in reports if report.parent.name[0] != "."}


def kill_within_a_task(cluster: RayCluster) -> None:
    """Kill -9 a worker that is in the middle of a task."""
    wait_until(lambda: any(_kill_within_a_task(pid) for pid in cluster.processes()))


def _kill_within_a_task(pid: int) -> bool:
    if not _is_at_work(pid):
        return False
    os.kill(pid, signal.SIGSTOP)  # so that it cannot end its task meanwhile
    is_at_work = _is_at_work(pid)
    os.kill(pid, signal.SIGKILL if is_at_work else signal.SIGCONT)
    return is_at_work


def _is_at_work(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::do_task")
    except OSError:
        return False


def asked(log: Path) -> Counter[str]:
    """How often a scripted server was asked each last turn."""
    bodies = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return Counter(body["messages"][-1]["content"] for body in bodies)


def count_replies(scratch_folder: Path) -> int:
    """Count the replies that are kept."""
    path = scratch_folder / "replies" / "replies.sqlite"
    if not path.is_file():
        return 0
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        try:
            return int(database.execute("select count(*) from replies").fetchone()[0])
        except sqlite3.OperationalError:
            return 0
