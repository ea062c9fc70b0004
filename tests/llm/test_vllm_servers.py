"""vLLM's servers: started from their own environment, asked like any other, and ended on every way out."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from vllm_environment import make_environment, read_lines

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.llm import ModelParams, Prompt, Reply, Task, Template, ask_plainly
from mathcode_pile.llm.asker import Asker, open_backend
from mathcode_pile.llm.cache import ReplyCache
from mathcode_pile.llm.prompts import Turn
from mathcode_pile.llm.reasons import NoReply
from mathcode_pile.llm.settings import VllmParams
from mathcode_pile.llm.vllm_servers import VllmServers, server_command, share_gpus

PROMPT = Template("test", Prompt((Turn("system", "Judge the text."), Turn("user", "{{text}}"))))


@pytest.fixture
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The log of a played vLLM's starts; its requests are in the file `.requests` beside it."""
    log = tmp_path / "vllm.log"
    monkeypatch.setenv("MATHCODE_VLLM", str(make_environment(tmp_path / "environment")))
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("PLAYED_VLLM_LOG", str(log))
    yield log
    # Whatever a test did, no engine is left.
    _, alive = psutil.wait_procs([psutil.Process(pid) for pid in list_engines(log)], timeout=20)
    for process in alive:
        process.kill()
    assert not alive


def list_engines(log: Path) -> list[int]:
    """The engine processes that are still there."""
    return [start["engine"] for start in read_lines(log) if psutil.pid_exists(start["engine"])]


def make_model(name: str = "small", **options: Any) -> ModelParams:
    more = options.pop("model", {})
    engine = VllmParams(**({"concurrency": 4} | options))
    return ModelParams(
        **({"id": name, "revision": "1", "tokenizer": "bytes", "context_tokens": 512} | more), vllm=engine
    )


def ask(folder: Path, prompts: list[str | Prompt], name: str = "small", **options: Any) -> list[Any]:
    task = Task("annotate", "vllm", make_model(name, **options), 16, 0.5)
    asker = Asker(task, open_backend(task), ReplyCache(folder))
    dialogues = [ask_plainly(prompt) if isinstance(prompt, str) else prompt for prompt in prompts]
    try:
        return [reply for _, reply in asker.ask(enumerate(dialogues), len(prompts), "document")]
    finally:
        asker.close()


def read_requests(log: Path) -> list[dict[str, Any]]:
    return read_lines(log.with_name(f"{log.name}.requests"))


def test_a_server_is_started_with_the_models_params_asked_and_ended(tmp_path: Path, vllm: Path) -> None:
    prompts = [f"prompt {number}" for number in range(20)]
    assert ask(tmp_path, prompts, gpu_memory_share=0.5, enforce_eager=True) == [Reply("Type: 2", False)] * 20
    (start,) = read_lines(vllm)
    options = {name: value for name, value in start["options"].items() if name != "port"}
    assert options == {
        "host": "127.0.0.1",
        "model": "small",
        "served_model_name": "small",
        "revision": "1",
        "tokenizer": None,
        "tokenizer_revision": None,
        "max_model_len": 512,
        "tensor_parallel_size": 1,
        "gpu_memory_utilization": 0.5,
        "seed": 0,
        "dtype": "auto",
        "generation_config": "vllm",
        "uvicorn_log_level": "warning",
        "enforce_eager": True,
    }
    assert not psutil.pid_exists(start["engine"])
    # Every reply is kept, so nothing is started for them again.
    assert ask(tmp_path, prompts) == [Reply("Type: 2", False)] * 20
    assert len(read_lines(vllm)) == 1 and len(read_requests(vllm)) == 20


def test_a_server_gets_the_dialogue_and_the_switches_of_the_chat_template(tmp_path: Path, vllm: Path) -> None:
    ask(tmp_path, [PROMPT.render(text="a")], model={"chat_template_kwargs": {"enable_thinking": False}})
    (request,) = read_requests(vllm)
    assert request["messages"] == [{"role": "system", "content": "Judge the text."}, {"role": "user", "content": "a"}]
    assert request["chat_template_kwargs"] == {"enable_thinking": False} and request["model"] == "small"


def test_vllm_gets_neither_the_pipelines_packages_nor_its_key(
    tmp_path: Path, vllm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/the/pipeline")
    monkeypatch.setenv("MATHCODE_API_KEY", "secret")
    ask(tmp_path, ["a"])
    (start,) = read_lines(vllm)
    assert "VLLM_NO_USAGE_STATS" in start["variables"] and "MATHCODE_API_KEY" not in start["variables"]


def test_a_folder_or_hub_model_is_named_with_its_revision_and_tokenizer(vllm: Path) -> None:
    commit = "a" * 40
    model = make_model("owner/model", model={"revision": commit, "tokenizer": "owner/model"})
    command = " ".join(server_command(model))
    assert f"--revision {commit} " in command and f"--tokenizer owner/model --tokenizer-revision {commit}" in command
    assert "--tokenizer" not in " ".join(server_command(make_model("owner/model", model={"revision": commit})))


def test_engines_get_gpus_of_their_own_and_share_the_prompts(
    tmp_path: Path, vllm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3,5,7")
    ask(tmp_path, [f"prompt {number}" for number in range(20)], engines=2, tensor_parallel=2)
    starts = read_lines(vllm)
    assert {start["gpus"] for start in starts} == {"2,3", "5,7"}
    assert len({start["options"]["port"] for start in starts}) == 2
    assert share_gpus(1, 4) == [""]
    with pytest.raises(PipelineError, match="needs 8 GPUs, and CUDA shows 4"):
        ask(tmp_path, ["new"], engines=8)


def test_a_model_that_cannot_be_loaded_is_one_error_with_its_cause_and_the_end_of_the_log(
    tmp_path: Path, vllm: Path
) -> None:
    with pytest.raises(PipelineError) as error:
        ask(tmp_path, ["a"], "no_memory")
    log = tmp_path / "scratch" / "logs" / "vllm-annotate-0.log"
    cause = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB."
    assert str(error.value) == (
        f"annotate: a vLLM server ended with status 1 after {cause!r}; its log is {log}, "
        f"which ends with:\n  (EngineCore pid=7) {cause}\n"
        "  RuntimeError: Engine core initialization failed. See root cause above."
    )


def test_a_model_that_never_is_loaded_stops_the_stage(tmp_path: Path, vllm: Path) -> None:
    with pytest.raises(PipelineError, match=r"annotate: vLLM is not ready after 3 s .*its log is .*annotate-0.log"):
        ask(tmp_path, ["a"], "endless", start_timeout_s=3)


def test_without_vllms_environment_the_command_that_makes_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATHCODE_VLLM", str(tmp_path / "nowhere"))
    with pytest.raises(PipelineError, match=r"vLLM is not installed: .*nowhere/bin/python .*`make setup-vllm`"):
        ask(tmp_path, ["a"])


def test_a_server_that_dies_at_work_stops_the_stage_and_loses_no_answer(tmp_path: Path, vllm: Path) -> None:
    task = Task("annotate", "vllm", make_model(), 16, 0.5)
    asker = Asker(task, open_backend(task), ReplyCache(tmp_path))

    def kill_the_server_half_way() -> Iterator[tuple[int, Prompt]]:
        for number in range(60):
            if number == 40:
                (engine,) = list_engines(vllm)
                psutil.Process(engine).parent().kill()
            yield number, ask_plainly(f"prompt {number}")

    with pytest.raises(
        PipelineError, match=r"annotate: a vLLM server ended with status 137; its log is .*; every reply"
    ):
        list(asker.ask(kill_the_server_half_way(), 60, "document"))
    asker.close()
    assert ReplyCache(tmp_path).count() >= 20


def test_a_prompt_that_the_server_refuses_is_a_named_failure(tmp_path: Path, vllm: Path) -> None:
    replies = ask(tmp_path, ["a", "play http_400 9;", "b"])
    assert [reply.failure for reply in replies] == [None, NoReply.REFUSED_BY_SERVER, None]


STAGE = """
import sys
from pathlib import Path
sys.path = {path!r}
import test_vllm_servers
test_vllm_servers.ask(Path({folder!r}), ["play hang 99;"], {model!r})
"""


@pytest.mark.parametrize("model", ["small", "endless"])
@pytest.mark.parametrize("way_out", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_server_outlives_its_stage(tmp_path: Path, vllm: Path, model: str, way_out: signal.Signals) -> None:
    program = STAGE.format(path=[*sys.path, str(Path(__file__).parent)], folder=str(tmp_path), model=model)
    stage = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL, start_new_session=True)
    wait_for(lambda: read_requests(vllm) if model == "small" else read_lines(vllm))
    processes = psutil.Process(stage.pid).children(recursive=True)
    assert len(processes) >= 3  # the keeper, the server, its engine
    if way_out is signal.SIGINT:
        os.killpg(stage.pid, way_out)  # as a terminal sends Ctrl-C
    else:
        stage.send_signal(way_out)
    stage.wait(timeout=60)
    _, alive = psutil.wait_procs(processes, timeout=60)
    assert not alive


def test_an_ended_keeper_leaves_nothing_either(vllm: Path) -> None:
    servers = VllmServers("annotate", make_model())
    servers.start()
    (engine,) = list_engines(vllm)
    keeper = psutil.Process(engine).parent().parent()
    keeper.terminate()
    _, alive = psutil.wait_procs([keeper, psutil.Process(engine)], timeout=30)
    assert not alive and re.match("a vLLM server ended", servers.why_ended())
    servers.stop()


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_server_says_which_model_it_has(vllm: Path) -> None:
    servers = VllmServers("annotate", make_model("owner/model", model={"revision": "a" * 40}))
    try:
        (url,) = servers.start()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/v1", url)
        (start,) = read_lines(vllm)
        assert json.dumps(start["options"]["port"]) in json.dumps(url.split(":")[-1].removesuffix("/v1"))
    finally:
        servers.stop()
