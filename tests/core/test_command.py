"""A stage that DVC starts ends with DVC, even where DVC was killed before the stage could ask for that."""

import os
import subprocess
import sys
import time
from pathlib import Path

import mathcode_pile

SOURCE = str(Path(mathcode_pile.__file__).parents[1])

STAGE = """
import pathlib, sys, time
time.sleep(float(sys.argv[2]))
from mathcode_pile.core.command import run
mark = pathlib.Path(sys.argv[1])
del sys.argv[1:]
run(lambda: mark.touch())
"""

# Starts the stage, and ends at once if it is told to.
PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", *sys.argv[2:]])
print(child.pid, flush=True)
if sys.argv[1] == "stay":
    sys.exit(child.wait())
"""


def start(mark: Path, parent: str, delay_s: str, **environment: str) -> int:
    """Start the stage from a parent in a session of its own; return the stage's process number."""
    command = [sys.executable, "-c", PARENT, parent, STAGE, str(mark), delay_s]
    started = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": SOURCE, "DVC_ROOT": "/", **environment},
        start_new_session=True,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return int(started.stdout)


def wait_for_end(pid: int) -> None:
    """Wait until a process that is no child of this one has ended."""
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid}").exists()


def test_a_stage_whose_parent_lives_runs(tmp_path: Path) -> None:
    wait_for_end(start(tmp_path / "ran", "stay", "0"))
    assert (tmp_path / "ran").exists()


def test_a_stage_whose_parent_ended_before_it_began_writes_nothing(tmp_path: Path) -> None:
    wait_for_end(start(tmp_path / "ran", "leave", "0.5"))
    assert not (tmp_path / "ran").exists()


def test_a_worker_of_a_launcher_has_a_session_of_its_own(tmp_path: Path) -> None:
    wait_for_end(start(tmp_path / "ran", "leave", "0.5", LOCAL_RANK="0"))
    assert (tmp_path / "ran").exists()
