"""Real models over real pages, served by llama.cpp (`make test-llm`) and by vLLM (`make test-vllm`).

SmolLM2-135M answers, on a CPU, mostly nonsense. What is shown is that every reply is parsed or has a named reason,
and that none is asked for twice.
"""

import shutil
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
from mathcode_pile.llm import ModelParams, NoReply, Task, ask_plainly
from mathcode_pile.llm.asker import Asker, open_backend
from mathcode_pile.llm.cache import ReplyCache
from mathcode_pile.llm.settings import VllmParams

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
    """Servers that stages start and one that was started by hand share it, and with it the kept replies."""
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
    # translate counts by translator.
    counted = metrics if stage == "annotate" else next(part for part in metrics.values() if isinstance(part, dict))
    assert counted["pieces"] == run.prompts > documents
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


@needs_llama
def test_llama_cpp_as_a_server(
    smollm2: tuple[Path, Path], pages: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = {"id": smollm2[1].name, "tokenizer": str(smollm2[0])}
    project = Project(tmp_path / "project", model)
    ask_server("llama.cpp, served", llama_command(smollm2[1], slots=2), project, pages[0], 2, capsys)


STARTED = {"dtype": "float32", "enforce_eager": True, "concurrency": 16}


@needs_vllm
def test_stages_start_vllm_and_ask_it_nothing_twice(
    vllm_project: Project,
    pages: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vllm_project.write_params("vllm", **STARTED)
    first = {stage: vllm_project.run(stage, pages[0]) for stage in STAGES}
    for stage, run in first.items():
        tell(capsys, "vLLM, started by the stage", stage, run)
        check(vllm_project, stage, run, documents=51)
        assert run.tokens > 100 * run.misses
    # No server can be started now: an answer can only be a kept one.
    monkeypatch.setenv("MATHCODE_VLLM", "/nowhere")
    forget_shards(vllm_project)
    for stage in STAGES:
        again = vllm_project.run(stage, pages[0])
        assert (again.hits, again.misses) == (again.prompts, 0)
        assert again.metrics == first[stage].metrics


@needs_vllm
def test_a_vllm_server_started_by_hand_is_asked_only_what_no_stage_asked(
    smollm2: tuple[Path, Path], vllm_project: Project, pages: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = vllm_project.prompts.get("annotate", 0)
    with served(vllm_command(smollm2[0]), vllm_project.folder / "server.log") as url:
        vllm_project.write_params("openai", base_urls=[url], concurrency=16, timeout_s=600)
        run = vllm_project.run("annotate", pages[1])
    tell(capsys, "vLLM, started by hand", "annotate", run)
    check(vllm_project, "annotate", run, documents=63)
    assert run.hits == asked
    assert run.misses == run.prompts - asked >= 12


@needs_vllm
def test_a_stage_killed_half_way_leaves_no_vllm_and_goes_on(
    vllm_project: Project, pages: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    vllm_project.write_params("vllm", **STARTED)
    asked = vllm_project.prompts.get("translate", 0)
    replies = ReplyCache(vllm_project.folder / "scratch" / "replies")
    before = replies.count()
    stage = vllm_project.start("translate", pages[1])
    while replies.count() < before + 2:
        assert stage.poll() is None, stage.communicate()[1][-3000:]
        time.sleep(0.02)
    children = psutil.Process(stage.pid).children(recursive=True)
    stage.kill()
    stage.wait()
    assert len(children) >= 3  # the keeper, the server, its engine
    assert not psutil.wait_procs(children, timeout=60)[1]
    kept = replies.count() - before
    run = vllm_project.run("translate", pages[1])
    tell(capsys, f"vLLM, started by a stage that was killed after {kept} replies and run again", "translate", run)
    check(vllm_project, "translate", run, documents=63)
    assert run.hits == asked + kept
    assert run.misses == run.prompts - asked - kept


@needs_vllm
def test_two_engines_answer_and_refuse_what_is_too_long(
    smollm2: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (VLLM | {"CUDA_VISIBLE_DEVICES": "0,1", "MATHCODE_SCRATCH": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    params = VllmParams(engines=2, **STARTED)
    model = ModelParams(id=str(smollm2[0]), revision="1", context_tokens=2048, vllm=params)
    task = Task("annotate", "vllm", model, 16, 0.5)
    asker = Asker(task, open_backend(task), ReplyCache(tmp_path / "replies"))
    prompts = ["word " * 3000, *(f"What is {i} + {i}?" for i in range(11))]
    try:
        replies = [reply for _, reply in asker.ask(enumerate(map(ask_plainly, prompts)), len(prompts), "prompt")]
    finally:
        asker.close()
    assert [reply.failure for reply in replies] == [NoReply.REFUSED_BY_SERVER, *[None] * 11]
