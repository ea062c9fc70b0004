"""`make compare`: experiments side by side, and what it says before there is one."""

import subprocess
from pathlib import Path

import pytest
from conftest import ROOT, run_module

from mathcode_pile.core.params import read_yaml
from tools.compare import read_measures, tabulate
from tools.recorded import Objects

EXPORTED = """Experiment,rev,State,documents,loss,mixture.textbooks.weight,data/pack
,workspace,,7,5.5,1.0,ab.dir
main,1234567,,7,5.5,1.0,ab.dir
lowly-wife,7654321,Success,7,5.1,2,cd.dir
late-nun,7777777,Queued,,,3,cd.dir
"""
MEASURES = {
    "1234567": {
        "documents": "7",
        "loss": "5.5",
        "share of tokens: textbooks": "0.1",
        "held-out loss: textbooks": "5.5",
    },
    "7654321": {
        "documents": "7",
        "loss": "5.1",
        "share of tokens: textbooks": "0.2",
        "held-out loss: textbooks": "5.1",
    },
}


def test_experiments_are_side_by_side_with_what_matters() -> None:
    lines = [line.split() for line in tabulate(EXPORTED, MEASURES.__getitem__).splitlines()]
    assert lines == [
        ["main", "lowly-wife", "late-nun"],
        ["mixture.textbooks.weight", "1.0", "2", "3"],
        ["loss", "5.5", "5.1"],
        ["share", "of", "tokens:", "textbooks", "0.1", "0.2"],
        ["held-out", "loss:", "textbooks", "5.5", "5.1"],
    ]


def test_the_measures_of_a_commit_are_its_summary_shares_and_losses_without_their_errors() -> None:
    measures = read_measures(Objects(), "HEAD")
    assert list(measures)[:2] == ["documents", "snippets"] and "math" in measures
    parts = [name.partition(": ")[0] for name in measures if ": " in name]
    components = len(read_yaml(ROOT / "params.yaml")["components"])
    assert parts == ["share of tokens"] * components + ["held-out loss"] * (components + 1)  # and other text
    assert float(measures["held-out loss: other text"]) > 0


@pytest.mark.parametrize("columns", ["rev,Created", "rev,Created,mixture.textbooks.weight"])
def test_a_table_without_an_experiment_says_how_to_make_one(columns: str) -> None:
    exported = f"{columns}\nworkspace,,2\nmain,2026-11-28T11:39:26,1\n"
    assert tabulate(exported, MEASURES.__getitem__).startswith("no experiments yet: dvc exp run -S ")


def test_a_new_repository_has_no_experiments(tmp_path: Path) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").touch()
    params = tmp_path / "params.yaml"
    params.write_text("seed: 1\n")
    for command in ("init -q", "add params.yaml", "-c user.name=a -c user.email=a@b commit -qm first"):
        subprocess.run(["git", *command.split()], cwd=tmp_path, check=True)
    params.write_text("seed: 2\n")
    said = run_module("tools", "compare", folder=tmp_path)
    assert (said.returncode, said.stdout.partition(":")[0]) == (0, "no experiments yet")


def test_outside_a_repository_one_line_says_so(tmp_path: Path) -> None:
    said = run_module("tools", "compare", folder=tmp_path)
    assert said.returncode == 1 and said.stderr.startswith("error: dvc exp show: ") and said.stderr.count("\n") == 1
