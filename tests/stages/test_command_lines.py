"""The command lines of the stages."""

from pathlib import Path

import pytest
from conftest import ROOT, run_module


@pytest.mark.parametrize("script", ["fetch", "select", "pack", "report"])
def test_a_stage_has_help(script: str) -> None:
    said = run_module(f"stages.{script}", "--help", folder=ROOT)
    assert said.returncode == 0 and "Usage" in said.stdout and script in said.stdout


def test_an_unknown_param_ends_a_stage_in_one_line(project: Path) -> None:
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("  timeout_s:", "  timeout:", 1))
    done = run_module("stages.extract_textbooks", "in", "out", "--metrics", "m.json", folder=project)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "extract_textbooks.timeout" in done.stderr and done.stderr.count("\n") == 1
