"""Killed in five stages, on one worker, in another clone: the same hashes as an undisturbed run."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

KILLED = ["fetch@cc_en", "deduplicate", "execute", "decontaminate", "pretrain"]


def read_hashes(lock: Path) -> dict[str, Any]:
    """Return the hash of every out that a dvc.lock records, metrics aside."""
    stages = yaml.safe_load(lock.read_text(encoding="utf-8"))["stages"]
    outs = (out for stage in stages.values() for out in stage["outs"])
    return {out["path"]: out["md5"] for out in outs if not out["path"].startswith("metrics/")}


def children(pid: int) -> list[int]:
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


def run_until(folder: Path, log: Path, stage: str | None, environment: dict[str, str]) -> int | None:
    """Run dvc repro; kill it a moment after `stage` began. Returns its exit status, None where it was killed."""
    with open(log, "w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "dvc", "repro"], cwd=folder, env=environment, stdout=output, stderr=output
        )
        while process.poll() is None:
            time.sleep(0.1)
            if stage and f"Running stage '{stage}'" in log.read_text(errors="replace"):
                time.sleep(1.5)
                below = children(process.pid)
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
                deadline = time.monotonic() + 10
                while any(Path(f"/proc/{pid}/exe").exists() for pid in below) and time.monotonic() < deadline:
                    time.sleep(0.1)
                left = [pid for pid in below if Path(f"/proc/{pid}/exe").exists()]
                assert not left, f"{stage}: {left} outlived dvc"
                return None
    return process.returncode


@pytest.mark.slow
def test_kill_9_in_five_stages_on_one_worker_gives_the_recorded_hashes(tmp_path: Path) -> None:
    folder = tmp_path / "repository"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "MATHCODE_SCRATCH": str(tmp_path / "scratch"),
        "MATHCODE_WORKERS": "1",
        "DVC_SITE_CACHE_DIR": str(tmp_path / "site"),
    }
    recorded = read_hashes(folder / "dvc.lock")
    for stage in KILLED:
        status = run_until(folder, tmp_path / "log", stage, environment)
        assert status is None, f"{stage} was not reached: {(tmp_path / 'log').read_text()[-2000:]}"
    status = run_until(folder, tmp_path / "log", None, environment)
    assert status == 0, (tmp_path / "log").read_text()[-2000:]
    made = read_hashes(folder / "dvc.lock")
    differing = {path for path in recorded | made if recorded.get(path) != made.get(path)}
    assert not differing
    assert not re.findall(r"\.partial$", "\n".join(str(p) for p in (folder / "data").rglob("*")))
