"""`make serve-model` says what it needs, serves with the profile's settings, and leaves no server behind.

A fake xllamacpp takes the place of llama.cpp; `make test-llm` tests the real one.
"""

import os
import signal
import socket
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from conftest import ROOT, run_module
from typer.main import get_command

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.params import parse_section, read_yaml
from mathcode_pile.llm import LlmParams, ModelParams
from tools.__main__ import app
from tools.serve import CODER, check_memory, check_port, serve_coder

FAKE = """
import os
import sys
from types import SimpleNamespace

class CommonParams(SimpleNamespace):
    def __init__(self):
        super().__init__(model=SimpleNamespace(), cpuparams=SimpleNamespace())

class Server:
    def __init__(self, params):
        if "broken" in params.model.path:
            raise RuntimeError("cannot load the model")
        self.listening_address = f"http://{params.hostnames[0]}:{params.port}"
        print(params.model_alias, params.n_parallel, params.n_ctx, os.getpid(), file=sys.stderr, flush=True)
"""
SERVE = """
import sys
from pathlib import Path
from mathcode_pile.core.command import run
from mathcode_pile.llm import ModelParams
from tools.serve import serve_file

def serve(gguf: Path, model: str, port: int) -> None:
    serve_file(gguf, ModelParams.model_validate_json(model), port, Path(sys.executable))

run(serve)
"""
MODEL = ModelParams.model_validate(
    {"id": "small", "revision": "1", "context_tokens": 512}
    | {"openai": {"base_urls": ["http://127.0.0.1:8012/v1"], "concurrency": 3}}
)


class Serving:
    """Starts the tool with the fake, in a process group of its own, as a shell does."""

    def __init__(self, folder: Path) -> None:
        (folder / "xllamacpp.py").write_text(FAKE)
        self.log = folder / "scratch" / "logs" / "serve-model.log"
        self.environment = os.environ | {
            "PYTHONPATH": f"{folder}:{ROOT}:{ROOT / 'src'}",
            "MATHCODE_SCRATCH": str(folder / "scratch"),
        }

    def start(self, gguf: str = "small.gguf", port: int = 8012) -> "subprocess.Popen[str]":
        self.tool = subprocess.Popen(
            [sys.executable, "-c", SERVE, gguf, MODEL.model_dump_json(), str(port)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return self.tool

    def started(self) -> psutil.Process:
        """Wait until the tool says that it serves; return the server's process."""
        assert self.tool.stdout
        assert self.tool.stdout.readline().startswith("serving on ")
        return psutil.Process(int(self.log.read_text().split()[-1]))


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    serving = Serving(tmp_path)
    yield serving
    if serving.tool.poll() is None:
        os.killpg(serving.tool.pid, signal.SIGKILL)
    serving.tool.communicate()


def test_it_says_the_address_and_the_profile_and_ctrl_c_ends_it(serving: Serving) -> None:
    tool = serving.start()
    server = serving.started()
    assert tool.stdout and "profile: coder" in tool.stdout.readline()
    os.killpg(tool.pid, signal.SIGINT)
    assert tool.communicate() == ("", "")
    assert tool.returncode == 0
    assert not psutil.wait_procs([server], timeout=10)[1]


def test_the_model_s_entry_gives_its_name_its_slots_and_their_context(serving: Serving) -> None:
    serving.start()
    serving.started()
    assert serving.log.read_text().split()[:3] == ["{'small'}", "3", "1536"]


def test_another_port_than_the_profile_s_is_explained(serving: Serving) -> None:
    tool = serving.start(port=8013)
    assert tool.stdout
    said = [tool.stdout.readline() for _ in range(3)]
    assert said[0].startswith("serving on http://127.0.0.1:8013/v1 until Ctrl-C: 3 prompts at once, 512 tokens each")
    assert said[2].startswith("the profile asks http://127.0.0.1:8012/v1: ")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_with_the_tool(serving: Serving, number: signal.Signals) -> None:
    tool = serving.start()
    server = serving.started()
    tool.send_signal(number)
    tool.wait()
    assert not psutil.wait_procs([server], timeout=10)[1]


def test_a_server_that_does_not_start_is_one_line_with_its_log(serving: Serving) -> None:
    out, err = serving.start(gguf="broken.gguf").communicate()
    assert (out, err) == ("", f"error: the server ended with status 1; its log is {serving.log}\n")
    assert "cannot load the model" in serving.log.read_text()


def test_short_memory_is_named_before_the_model_is_downloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = namedtuple("memory", "available")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(2.5e9))
    with pytest.raises(PipelineError, match=r"^the model needs 3 GB of memory, and 2\.5 GB are free$"):
        check_memory()


def test_a_port_in_use_is_named() -> None:
    said = r"^port \d+: Address already in use; `make serve-model PORT=8013` takes another$"
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.raises(PipelineError, match=said):
        check_port(other.getsockname()[1])


def test_without_its_environment_it_says_what_makes_it(project: Path) -> None:
    with pytest.raises(PipelineError, match="^.venv-llm/bin/python is missing: `make serve-model` makes it"):
        serve_coder(8012)


def test_the_profile_asks_the_model_that_is_served() -> None:
    model = parse_section("llm", read_yaml(ROOT / "profiles" / "coder.yaml")["llm"], LlmParams).models["coder"]
    (port,) = (option for option in get_command(app).commands["serve"].params if option.name == "port")  # type: ignore[attr-defined]
    assert model.openai and model.openai.base_urls == (f"http://127.0.0.1:{port.default}/v1",)
    assert CODER.joined and CODER.joined.file == f"{model.id}.gguf"
    assert model.revision == CODER.joined.sha256


def test_the_profile_is_the_sample_but_for_its_model() -> None:
    sample, coder = (read_yaml(ROOT / "profiles" / f"{name}.yaml") for name in ("sample", "coder"))
    assert list(coder) == list(sample)
    changed = {name for name in sample if sample[name] != coder[name]}
    assert changed == {"annotate", "translate", "llm", "corpus"}


def test_nothing_but_the_server_is_missing_to_run_the_profile(project: Path) -> None:
    profile = project / "profiles" / "coder.yaml"
    profile.write_text(profile.read_text().replace("127.0.0.1:8012", "127.0.0.1:9"))
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("profile: sample", "profile: coder"))
    (project / "sample").symlink_to(ROOT / "sample")
    done = run_module("tools", "check", folder=project)
    assert done.returncode == 1 and "start `make serve-model`" in done.stderr and done.stderr.count("\n") == 1
