"""`make ablation`: a grid's cells, its table, and a played grid that is killed and goes on."""

import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, run_module
from dvc.utils.cli_parse import to_path_overrides
from dvc.utils.hydra import apply_overrides

from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.params import parse_section
from tools.ablation import GridParams, choose_metrics, list_cells, read_grid
from tools.ablation_table import WITHIN, compare, draw_curves, draw_measures, tabulate
from tools.ablation_workspace import remember_workspace, restore_workspace
from tools.check import check_all

GRID: dict[str, Any] = {
    "set": ["steps=2"],
    "mixtures": {"text": [], "with_code": ["share=0.5"]},
    "seeds": [0, 1],
    "seed_params": ["seed", "other.seed"],
    "measures": ["metrics/result.json:loss_*"],
}


def grid(**changes: Any) -> GridParams:
    return parse_section("grid", GRID | changes, GridParams)


def test_each_mixture_gets_each_seed_and_the_first_seeds_come_first() -> None:
    cells = list_cells("my_grid", grid())
    assert [cell.experiment for cell in cells] == [
        "my-grid-text-0", "my-grid-with-code-0", "my-grid-text-1", "my-grid-with-code-1",
    ]  # fmt: skip
    assert cells[3].overrides == ["steps=2", "share=0.5", "seed=1", "other.seed=1"]


def test_a_grid_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match="names experiments"):
        grid(mixtures={"a b": [], "c": []})
    with pytest.raises(ParamsError, match="mixtures"):
        grid(mixtures={"alone": []})
    with pytest.raises(InputError, match="none.yaml: not a readable grid"):
        read_grid(tmp_path / "none.yaml")


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_repositorys_grids_can_be_used(path: Path) -> None:
    assert len({cell.experiment for cell in list_cells(path.stem, read_grid(path))}) >= 4


@pytest.mark.parametrize("path", sorted((ROOT / "experiments").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_params_of_each_mixture_are_valid(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    grid = read_grid(path)
    for cell in list_cells(path.stem, grid)[: len(grid.mixtures)]:
        folder = tmp_path / cell.mixture
        shutil.copytree(ROOT / "profiles", folder / "profiles")
        shutil.copy(ROOT / "params.yaml", folder)
        monkeypatch.chdir(folder)
        for name, overrides in to_path_overrides(cell.overrides).items():
            apply_overrides(folder / name, overrides)
        monkeypatch.chdir(ROOT)
        assert check_all(folder)["pretrain"].seed == cell.seed


def test_a_pattern_chooses_numbers() -> None:
    values = {"loss_a": 1.5, "loss_b": 2, "loss_text": "3", "loss_flag": True, "other": 1}
    assert list(choose_metrics("loss_*", values)) == ["loss_a", "loss_b"]


def test_a_difference_that_another_seed_could_make_is_called_so() -> None:
    # Differences 1, 2, 3: mean 2, spread 1, and t(0.975, 2) = 4.3027, so the margin is 4.3027 / sqrt(3).
    found = compare({0: 2.0, 1: 4.0, 2: 6.0}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert found is not None and found.margin == pytest.approx(2.484, abs=1e-3)
    assert found.verdict() == WITHIN
    sure = compare({0: 2.0, 1: 3.1, 2: 4.0}, {0: 1.0, 1: 2.0, 2: 3.0})
    assert sure is not None and sure.verdict() == "more"
    assert compare({5: 1.0}, {6: 1.0}) is None
    single = compare({0: 1.0}, {0: 2.0})
    assert single is not None and single.verdict() == "one seed"


def test_the_table_has_means_spreads_and_verdicts() -> None:
    values = {"held_out_x": {"text": {0: 1.0, 1: 2.0}, "code": {0: 0.9, 1: 2.1}, "begun": {0: 1.5}}}
    assert tabulate(values, ["text", "code", "begun", "missing"]).splitlines() == [
        "| measure | text | code | begun | missing |",
        "|---|---|---|---|---|",
        f"| held out x | 1.5000 ± 0.7071 | 1.5000 ± 0.8485, {WITHIN} | 1.5000, one seed |  |",
    ]


def test_drawings_are_the_same_each_time(tmp_path: Path) -> None:
    values = {"loss": {"text": {0: 1.0, 1: 2.0}, "code": {0: 0.9}}}
    curves = {"web": {"text": {0: [9.0, 9.1], 10: [7.0, 7.2]}, "code": {0: [9.0], 10: [6.0]}}}
    for name in ("a", "b"):
        draw_measures(values, ["text", "code"], tmp_path / f"{name}.svg")
        draw_curves(curves, ["text", "code"], tmp_path / f"{name}_curves.svg")
    for kind in ("", "_curves"):
        content = (tmp_path / f"a{kind}.svg").read_bytes()
        assert content == (tmp_path / f"b{kind}.svg").read_bytes() and b"code" in content


PLAYED = """
import json, os, time, yaml
params = yaml.safe_load(open("params.yaml"))
with open(os.environ["PLAYED_LOG"], "a") as log:
    print(params["mixture"], params["seed"], os.environ.get("CUDA_VISIBLE_DEVICES"), file=log)
time.sleep(600 if params["mixture"] == os.environ.get("PLAYED_SLEEPS") else 0)
json.dump({"loss": params["seed"] + (0 if params["mixture"] == "text" else -5), "tokens": 8}, open("metrics.json", "w"))
with open("curves.csv", "w") as file:
    file.write("step,component,loss\\n0,web,9\\n1,web,%d\\n" % params["seed"])
"""


@pytest.fixture
def played(tmp_path: Path) -> Path:
    """A repository whose pipeline is one stage that sleeps and writes its seed as its loss."""
    folder = tmp_path / "played"
    folder.mkdir()
    (folder / "train.py").write_text(PLAYED)
    (folder / "params.yaml").write_text("mixture: none\nseed: 9\n")
    (folder / "dvc.yaml").write_text(
        f"stages:\n  train:\n    cmd: {sys.executable} train.py\n    deps: [train.py]\n    params: [mixture, seed]\n"
        "    metrics: [metrics.json: {cache: false}, curves.csv: {cache: false}]\n"
    )
    (folder / "grid.yaml").write_text(
        "mixtures: {text: [mixture=text], code: [mixture=code]}\nseeds: [0, 1]\nseed_params: [seed]\n"
        "target: train\nequal: metrics.json:tokens\nmeasures: ['metrics.json:loss']\ncurves: curves.csv\n"
    )
    for command in ("git init -q", f"{sys.executable} -m dvc init -q", "git add -A",
                    "git -c user.name=a -c user.email=a@b commit -qm first"):  # fmt: skip
        subprocess.run(command.split(), cwd=folder, check=True)
    subprocess.run(["git", "config", "user.email", "a@b"], cwd=folder, check=True)
    subprocess.run(["git", "config", "user.name", "a"], cwd=folder, check=True)
    return folder


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


@pytest.mark.parametrize("uncommitted", [True, False])
def test_a_workspace_is_put_back_after_dvc_was_killed_in_it(
    played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uncommitted: bool
) -> None:
    monkeypatch.chdir(played)
    params, branch = played / "params.yaml", git(played, "symbolic-ref", "HEAD")
    if uncommitted:
        params.write_text("mixture: mine\nseed: 9\n")
    before = params.read_text()
    remember_workspace(tmp_path)
    assert params.read_text() == before and not git(played, "stash", "list")
    # What DVC leaves: a detached HEAD, and the overrides in the file, already in the index.
    git(played, "checkout", "--quiet", "--detach")
    params.write_text("mixture: text\nseed: 0\n")
    git(played, "add", "params.yaml")
    restore_workspace(tmp_path)
    assert params.read_text() == before
    assert git(played, "symbolic-ref", "HEAD") == branch
    assert git(played, "status", "--porcelain") == (" M params.yaml\n" if uncommitted else "")
    assert "mixture: text" in git(played, "stash", "show", "--patch")  # nothing is lost
    params.write_text("mixture: later\nseed: 9\n")
    restore_workspace(tmp_path)  # only once
    assert "later" in params.read_text()


def test_a_workspace_that_moved_on_to_another_commit_is_left_alone(
    played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(played)
    remember_workspace(tmp_path)
    (played / "params.yaml").write_text("mixture: later\nseed: 9\n")
    git(played, "commit", "--all", "--quiet", "--message", "later")
    restore_workspace(tmp_path)
    assert "later" in (played / "params.yaml").read_text() and not git(played, "status", "--porcelain")


@pytest.mark.slow
def test_a_killed_grid_goes_on_with_the_cells_that_are_missing(
    played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("PLAYED_LOG", str(log))
    command = [sys.executable, "-m", "tools", "ablation", "grid.yaml", "--gpus", "3"]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PLAYED_SLEEPS": "code"}
    first = subprocess.Popen(command, cwd=played, env=environment, start_new_session=True)
    until = time.monotonic() + 1200
    while not log.is_file() or len(log.read_text().splitlines()) < 2:  # the first cell is done, the second one sleeps
        assert time.monotonic() < until and first.poll() is None
        time.sleep(0.2)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    with suppress(ProcessLookupError):
        os.killpg(first.pid, signal.SIGKILL)  # the stage: this one does not end with its parent
    assert log.read_text().splitlines() == ["text 0 3", "code 0 3"]

    said = run_module("tools", "ablation", "grid.yaml", "--gpus", "3,4", folder=played)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "4 cells, 1 done before" in said.stdout
    run = [line.rsplit(" ", 1) for line in log.read_text().splitlines()[2:]]
    assert sorted(cell for cell, _ in run) == ["code 0", "code 1", "text 1"]
    assert {gpu for _, gpu in run} == {"3", "4"}
    with open(played / "grid" / "cells.csv", newline="") as file:
        cells = {(row["mixture"], row["seed"]): float(row["value"]) for row in csv.DictReader(file)}
    assert cells == {("text", "0"): 0, ("text", "1"): 1, ("code", "0"): -5, ("code", "1"): -4}
    assert "| loss | 0.5000 ± 0.7071 | -4.5000 ± 0.7071, less |" in said.stdout
    assert {path.name for path in (played / "grid").iterdir()} == {
        "cells.csv", "table.md", "measures.svg", "curves.svg",
    }  # fmt: skip


@pytest.mark.slow
def test_a_grid_that_is_killed_while_dvc_sets_up_a_cell_goes_on(
    played: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYED_LOG", str(tmp_path / "log"))
    params = played / "params.yaml"
    before, branch = params.read_text(), git(played, "symbolic-ref", "HEAD")
    command = [sys.executable, "-m", "tools", "ablation", "grid.yaml"]
    first = subprocess.Popen(command, cwd=played, env=os.environ | {"PYTHONPATH": str(ROOT)}, start_new_session=True)
    while params.read_text() in ("", before):  # DVC writes the overrides into it
        assert first.poll() is None
        time.sleep(0.001)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert params.read_text() != before

    said = run_module("tools", "ablation", "grid.yaml", folder=played)
    assert said.returncode == 0, said.stdout + said.stderr
    assert "the workspace is put back as it was" in said.stdout and "4 cells, 0 done before" in said.stdout
    assert (params.read_text(), git(played, "symbolic-ref", "HEAD")) == (before, branch)
    assert "| loss | 0.5000 ± 0.7071 | -4.5000 ± 0.7071, less |" in said.stdout
