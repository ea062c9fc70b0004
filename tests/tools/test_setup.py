"""What a machine lacks ends set-up in one clear line."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import ROOT


def set_up(folder: Path, **environment: str) -> tuple[int, str]:
    """Run the set-up script in a copy of what it reads; its status and what it said."""
    (folder / "tools").mkdir(parents=True)
    for name in ("tools/setup.sh", "requirements.in", "requirements.lock"):
        shutil.copy(ROOT / name, folder / name)
    environment = os.environ | {"PYTHON": sys.executable} | environment
    done = subprocess.run(
        [folder / "tools/setup.sh", ".venv"], cwd=folder, capture_output=True, text=True, env=environment
    )
    return done.returncode, done.stderr


def fake(folder: Path, name: str, script: str) -> str:
    """Write an executable of that name; the PATH that finds it first."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    status, said = set_up(tmp_path / "clone", PYTHON="python9")
    assert status == 1 and "python9 is missing" in said and said.count("\n") == 1


def test_an_old_python_is_named(tmp_path: Path) -> None:
    fake(tmp_path / "bin", "python3", 'test "$1" = --version && echo "Python 3.9.2" && exit 0; exit 1')
    status, said = set_up(tmp_path / "clone", PYTHON=str(tmp_path / "bin" / "python3"))
    assert status == 1 and "Python 3.9.2 is too old: Python 3.11 or newer" in said and said.count("\n") == 1


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    path = fake(tmp_path / "bin", "df", "echo head; echo '/dev/x 100 98 2 98% /'")
    status, said = set_up(tmp_path / "clone", PATH=path)
    assert status == 1 and "2 MB are free here" in said and said.count("\n") == 1


def test_no_network_is_named(tmp_path: Path) -> None:
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "0",
        "PIP_FIND_LINKS": "",
        "PIP_CONFIG_FILE": "/dev/null",
    }
    status, said = set_up(tmp_path / "clone", **nowhere)
    assert status == 1 and "could not be installed: is there a network?" in said
