"""`python -m tools` and `make help` list every command with a sentence; help is quick and has an example."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, run_module
from typer.main import get_command

from tools.__main__ import app

LISTED = get_command(app).commands  # type: ignore[attr-defined]
COMMANDS = [[name] for name in LISTED if name != "replies"] + [["replies", name] for name in LISTED["replies"].commands]


def test_the_tools_are_listed_with_a_whole_sentence_each() -> None:
    said = run_module("tools", "--help").stdout.partition("Commands:\n")[2]
    listed = [line.split(maxsplit=1) for line in said.splitlines()]
    assert {"why", "compare", "plan", "check", "replies", "pin", "prune"} <= {name for name, _ in listed}
    assert all(re.fullmatch(r"[A-Z].*[^.]\.", sentence) for _, sentence in listed)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_tool_s_help_has_an_example_and_explains_its_arguments(command: list[str]) -> None:
    said = run_module("tools", *command, "--help").stdout
    assert f"Example: python -m tools {' '.join(command)}" in said
    arguments = said.partition("Arguments:\n")[2].partition("\n\n")[0]
    assert all(re.match(r"  \S+ <[\w\[\]]+>  [A-Z]", line) for line in arguments.splitlines())


def test_help_waits_for_no_large_package() -> None:
    code = "import sys, tools.__main__; print(*{'pyarrow', 'pydantic', 'numpy', 'rich', 'torch'} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True) == "\n"


def test_make_help_lists_every_command() -> None:
    said = subprocess.run(["make", "-s", "-C", str(ROOT), "help"], capture_output=True, text=True, check=True).stdout
    phony = next(line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith(".PHONY:"))
    listed = [line.split(maxsplit=1) for line in said.splitlines()]
    assert {command for command, _ in listed} == set(phony.split()[1:])
    assert len({line.index(text) for line, (_, text) in zip(said.splitlines(), listed, strict=True)}) == 1


def test_the_funnel_before_the_first_run_says_what_to_do(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    command = ["make", "-s", "-o", ".venv/.installed", "funnel"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode and done.stderr.startswith("no run yet: make repro\n")


def test_make_repro_runs_no_other_profile_than_is_asked_for(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "params.yaml").write_text("profile: sample\n", encoding="utf-8")
    command = ["make", "-s", "-o", ".venv/.installed", "repro", "PROFILE=paper"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode and "error: params.yaml names the profile sample" in done.stderr
    assert "dvc exp run -S profile=paper" in done.stderr
