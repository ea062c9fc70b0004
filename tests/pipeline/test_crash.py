"""Killed in five stages, on one worker, in another clone: the same hashes as an undisturbed run."""

import re
from pathlib import Path

import pytest
from conftest import ROOT
from killed_run import clone, has_begun, read_hashes, reproduce

KILLED = ["fetch@cc_en", "deduplicate", "execute", "decontaminate", "pretrain"]


@pytest.mark.slow
def test_kill_9_in_five_stages_on_one_worker_gives_the_recorded_hashes(tmp_path: Path) -> None:
    environment = clone(ROOT, tmp_path, MATHCODE_WORKERS="1")
    folder, log = tmp_path / "repository", tmp_path / "log"
    recorded = read_hashes(folder / "dvc.lock")
    for stage in KILLED:
        status = reproduce(folder, log, environment, has_begun(log, stage))
        assert status is None, f"{stage} was not reached: {log.read_text()[-2000:]}"
    assert reproduce(folder, log, environment) == 0, log.read_text()[-2000:]
    made = read_hashes(folder / "dvc.lock")
    differing = {path for path in recorded | made if recorded.get(path) != made.get(path)}
    assert not differing
    assert not re.findall(r"\.partial$", "\n".join(str(p) for p in (folder / "data").rglob("*")))
