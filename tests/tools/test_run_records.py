"""After `make repro` it is said whether the run is the recorded one, and why training may differ."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tools.run_records import compare_with_commit


def write_lock(folder: Path, **hashes: str) -> None:
    stages = {
        name: {"cmd": name, "deps": [{"path": "x", "md5": "0"}], "outs": [{"path": path, "md5": hashes[name]}]}
        for name, path in (("corpus", "data/corpus"), ("pretrain", "models/pretrain"), ("report", "data/report"))
    }
    (folder / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose commit records a run; it is the present folder."""
    monkeypatch.chdir(tmp_path)
    write_lock(tmp_path, corpus="a.dir", pretrain="b.dir", report="c.dir")
    for command in ("init -q", "add dvc.lock", "-c user.name=a -c user.email=a@b commit -qm first"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    return tmp_path


def test_the_same_run_is_said_to_be_the_same(repository: Path) -> None:
    assert compare_with_commit() == (True, ["data/corpus has the recorded hash a.dir."])


def test_another_processor_s_training_is_explained(repository: Path) -> None:
    write_lock(repository, corpus="a.dir", pretrain="other.dir", report="d.dir")
    is_same, (same, explained) = compare_with_commit()
    assert is_same and same == "data/corpus has the recorded hash a.dir."
    assert "depend on the processor" in explained and "in pretrain, report." in explained
    assert "git checkout dvc.lock metrics" in explained


def test_another_corpus_is_named_and_no_processor_is_blamed(repository: Path) -> None:
    write_lock(repository, corpus="z.dir", pretrain="b.dir", report="d.dir")
    assert compare_with_commit() == (
        False,
        [
            "data/corpus has the hash z.dir; the last commit records a.dir.",
            "These stages have other outputs than the last commit records: report.",
        ],
    )
    lock = (repository / "dvc.lock").read_text().replace("b.dir", "y.dir").replace("md5: '0'", "md5: '1'")
    (repository / "dvc.lock").write_text(lock)
    assert compare_with_commit().lines[1].endswith("records: pretrain, report.")


def test_without_a_recorded_run_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q"], check=True)
    write_lock(tmp_path, corpus="a.dir", pretrain="b.dir", report="c.dir")
    is_same, (line,) = compare_with_commit()
    assert not is_same and "no recorded run" in line
