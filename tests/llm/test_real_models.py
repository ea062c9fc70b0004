"""Real models over real pages: llama.cpp as a server (`make test-llm`), vLLM as one and without one (`make test-vllm`).

SmolLM2-135M answers, on a CPU, mostly nonsense. What is shown is that every reply is parsed or has a named reason,
and that none is asked for twice.
"""

import os
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from conftest import ROOT
from real_models import (
    LLAMA_PYTHON,
    VLLM,
    VLLM_PYTHON,
    Project,
    Run,
    bring_smollm2,
    llama_command,
    served,
    vllm_command,
)
from scripted import write_documents

from mathcode_pile.core.funnel import parse_reasons
from mathcode_pile.core.shards import read_rows
from mathcode_pile.llm.cache import ReplyCache

pytestmark = pytest.mark.llm

STAGES = ("annotate", "translate")
ANSWERED = {f"type_{number}" for number in range(1, 8)}

needs_llama = pytest.mark.skipif(not LLAMA_PYTHON.is_file(), reason="no .venv-llm: `make test-llm` makes it")
has_vllm = pytest.mark.skipif(not VLLM_PYTHON.is_file(), reason="no .venv-vllm: `make test-vllm` makes it")


def needs_vllm(test: Callable[..., None]) -> Callable[..., None]:
    return pytest.mark.vllm(has_vllm(test))


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return bring_smollm2(tmp_path_factory.mktemp("smollm2"))


@pytest.fixture(scope="module")
def vllm_project(smollm2: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Project:
    """vLLM's server and vLLM in process share it, so what the one answered is a kept reply to the other."""
    return Project(tmp_path_factory.mktemp("vllm") / "project", {"id": str(smollm2[0])})


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """50 pages of the sample and one too long for the context; and 12 pages more."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "sample/pages").glob("*.md"))]
    first = [*texts[:50], "\n\n".join(texts[50:56])]
    folder = tmp_path_factory.mktemp("pages")
    return write_documents(folder / "first" / "pages", first), write_documents(
        folder / "more" / "pages", [*first, *texts[60:72]]
    )


def check(project: Project, stage: str, run: Run, documents: int) -> None:
    """Every document is kept or dropped for a reason, and every piece has an answer or is counted without one."""
    metrics, out = run.metrics, project.folder / "out" / stage
    if stage == "translate":
        out /= "pages"
    assert metrics["in"] == documents == metrics["kept"] + metrics["dropped"]
    assert metrics["pieces"] == run.prompts > documents
    assert run.failed == 0
    assert Counter(row["reason"] for row in read_rows(out / "dropped")) == Counter(parse_reasons(metrics["reasons"]))
    kept = list(read_rows(out))
    if stage == "annotate":
        assert len(kept) == metrics["kept"]
        answered = sum(count for name, count in metrics.items() if name in ANSWERED)
        assert answered + metrics.get("unanswered_pieces", 0) == metrics["pieces"]
    else:
        assert len(kept) == metrics["snippets"]
        assert len({row["document_id"] for row in kept}) == metrics["kept"]


def tell(capsys: pytest.CaptureFixture[str], what: str, stage: str, run: Run) -> None:
    """Print what a person would want to know of a run."""
    metrics = run.metrics
    if stage == "annotate":
        types = ", ".join(f"{name} {count}" for name, count in metrics.items() if name in ANSWERED)
        replies = f"{types or 'no type'}, without a type {metrics.get('unanswered_pieces', 0)}"
    else:
        replies = f"{metrics['snippets']} snippets, looked at and left: {metrics.get('skipped', 'nothing')}"
    with capsys.disabled():
        print(
            f"\n{what}, {stage}: {metrics['in']} documents, {run.prompts} pieces, hits {run.hits}, misses {run.misses}"
        )
        print(f"  {run.tokens} tokens, {run.tokens_per_s} tokens/s; {replies}")
        print(f"  documents kept {metrics['kept']}, dropped {metrics['dropped']} ({metrics['reasons']})")


def forget_shards(project: Project) -> None:
    """Leave the replies, and nothing else, to a stage that runs again."""
    shutil.rmtree(project.folder / "scratch" / "shards")


def ask_server(
    name: str, command: list[str], project: Project, pages: Path, concurrency: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with served(command, project.folder / "server.log") as url:
        project.write_params("openai", base_urls=[url], concurrency=concurrency, timeout_s=600)
        first = {stage: project.run(stage, pages) for stage in STAGES}
    for stage, run in first.items():
        tell(capsys, name, stage, run)
        check(project, stage, run, documents=51)
        assert run.hits + run.misses == run.prompts
        assert run.tokens > 100 * run.misses
    # The server is gone: an answer can only be a kept one.
    forget_shards(project)
    for stage in STAGES:
        again = project.run(stage, pages)
        assert (again.hits, again.misses) == (again.prompts, 0)
        assert again.metrics == first[stage].metrics


@needs_vllm
def test_vllm_as_a_server(
    smollm2: tuple[Path, Path], vllm_project: Project, pages: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    ask_server("vLLM, served", vllm_command(smollm2[0]), vllm_project, pages[0], 16, capsys)


@needs_llama
def test_llama_cpp_as_a_server(
    smollm2: tuple[Path, Path], pages: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = {"id": smollm2[1].name, "tokenizer": str(smollm2[0])}
    project = Project(tmp_path / "project", model)
    ask_server("llama.cpp, served", llama_command(smollm2[1], slots=2), project, pages[0], 2, capsys)


@needs_vllm
def test_vllm_in_process_asks_only_what_the_server_did_not_answer(
    vllm_project: Project, pages: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    vllm_project.write_params("vllm", dtype="float32", enforce_eager=True)
    served = vllm_project.prompts.get("annotate", 0)
    run = vllm_project.run("annotate", pages[1], VLLM_PYTHON)
    tell(capsys, "vLLM, in process", "annotate", run)
    check(vllm_project, "annotate", run, documents=63)
    assert run.hits == served
    assert run.misses == run.prompts - served >= 12


@needs_vllm
def test_vllm_in_process_killed_half_way_leaves_no_process_and_goes_on(
    vllm_project: Project, pages: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    vllm_project.write_params("vllm", dtype="float32", enforce_eager=True)
    served = vllm_project.prompts.get("translate", 0)
    replies = ReplyCache(vllm_project.folder / "scratch" / "replies")
    before = replies.count()
    stage = vllm_project.start("translate", pages[1], VLLM_PYTHON)
    while replies.count() < before + 2:
        assert stage.poll() is None, stage.communicate()[1][-3000:]
        time.sleep(0.02)
    children = psutil.Process(stage.pid).children(recursive=True)
    stage.kill()
    stage.wait()
    assert children
    assert not psutil.wait_procs(children, timeout=30)[1]
    kept = replies.count() - before
    run = vllm_project.run("translate", pages[1], VLLM_PYTHON)
    tell(capsys, f"vLLM, in process, killed after {kept} replies and run again", "translate", run)
    check(vllm_project, "translate", run, documents=63)
    assert run.hits == served + kept
    assert run.misses == run.prompts - served - kept


TWO_ENGINES = """
import sys
from pathlib import Path
from mathcode_pile.llm.asker import Asker, open_backend
from mathcode_pile.llm.cache import ReplyCache
from mathcode_pile.llm.prompts import ask_plainly
from mathcode_pile.llm.settings import ModelParams, Task, VllmParams

if __name__ == "__main__":
    engine = VllmParams(engines=2, dtype="float32", enforce_eager=True)
    model = ModelParams(id=sys.argv[1], revision="1", context_tokens=2048, vllm=engine)
    task = Task("annotate", "vllm", model, 16, 0.5)
    asker = Asker(task, open_backend(task), ReplyCache(Path(sys.argv[2])))
    prompts = ["word " * 3000, *(f"What is {i} + {i}?" for i in range(11))]
    for number, reply in asker.ask(enumerate(map(ask_plainly, prompts)), len(prompts), "prompt"):
        print(number, reply.failure or "answered")
    asker.close()
"""


@needs_vllm
def test_two_engines_answer_and_refuse_what_is_too_long(smollm2: tuple[Path, Path], tmp_path: Path) -> None:
    program = tmp_path / "two_engines.py"
    program.write_text(TWO_ENGINES, encoding="utf-8")
    done = subprocess.run(
        [VLLM_PYTHON, program, smollm2[0], tmp_path / "replies"],
        env=os.environ | VLLM | {"PYTHONPATH": str(ROOT / "src"), "CUDA_VISIBLE_DEVICES": "0,1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers = [line for line in done.stdout.splitlines() if line[:1].isdigit()]  # vLLM writes there too
    assert answers == ["0 refused_by_vllm", *(f"{number} answered" for number in range(1, 12))]
