"""A clone of the repository in which a profile of real sources runs against a hub and a model of this machine."""

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT
from hub import Hub
from killed_run import clone
from played_hub import TOKEN
from real_models import LLAMA_PYTHON, VLLM, VLLM_PYTHON, bring_smollm2, served
from scripted import Server
from vllm_environment import make_environment

from mathcode_pile.core.shards import read_rows
from mathcode_pile.llm import ModelParams
from mathcode_pile.llm.settings import VllmParams
from mathcode_pile.llm.vllm_servers import server_command
from tools.serve import server_command as llama_server_command

OVERLAY = yaml.safe_load((Path(__file__).parent / "overlay.yaml").read_text(encoding="utf-8"))
# As the profile workstation has it.
CONTEXT_TOKENS = 8192


@dataclass(frozen=True)
class Answerer:
    """Who answers the prompts of a run."""

    name: str
    """scripted, llama or vllm: which part of the overlay applies."""
    url: str
    """The address of a server that runs already."""
    environment: dict[str, str]
    """What a run's commands must know besides."""
    model: str = ""
    """The folder of a model that vLLM is to load."""
    logs: tuple[Path, ...] = ()
    """With a line for each request, where servers write them."""

    def prompts(self) -> Counter[str]:
        """Return how often each request for a chat was made."""
        lines = (log.read_text(encoding="utf-8").splitlines() for log in self.logs if log.exists())
        return Counter(line for log in lines for line in log if '"messages"' in line)


@contextmanager
def start_answerer(name: str, home: Path, delay_s: float) -> Iterator[Answerer]:
    """Start who answers; delay_s: how long a scripted server takes. Skips the test where its software is missing."""
    with ExitStack() as stack:
        yield {"scripted": _start_scripted, "llama": _start_llama, "vllm": _start_vllm}[name](home, delay_s, stack)


def _start_scripted(home: Path, delay_s: float, stack: ExitStack) -> Answerer:
    options = ["--plays-model", "--delay", str(delay_s)]
    server = Server(home / "prompts", *options)
    stack.callback(server.stop)
    log = home / "vllm.log"
    environment = {
        "MATHCODE_VLLM": str(make_environment(home / "vllm")),
        "PLAYED_VLLM_LOG": str(log),
        "PLAYED_VLLM_SERVER": " ".join(options),
    }
    return Answerer("scripted", server.url, environment, logs=(server.log, home / "vllm.log.requests"))


def _start_llama(home: Path, _: float, stack: ExitStack) -> Answerer:
    if not LLAMA_PYTHON.is_file():
        pytest.skip("no .venv-llm: `make test-llm` makes it")
    _, gguf = bring_smollm2(home / "smollm2")
    command = llama_server_command(LLAMA_PYTHON, gguf, "smollm2", CONTEXT_TOKENS, 2)
    return Answerer("llama", stack.enter_context(served(command, home / "llama.log")), {})


def _start_vllm(home: Path, _: float, stack: ExitStack) -> Answerer:
    if not VLLM_PYTHON.is_file():
        pytest.skip("no .venv-vllm: `make test-vllm` makes it")
    folder, _ = bring_smollm2(home / "smollm2")
    params = VllmParams(dtype="float32", enforce_eager=True)
    model = ModelParams(id=str(folder), revision="1", context_tokens=CONTEXT_TOKENS, vllm=params)
    url = stack.enter_context(served(server_command(model), home / "vllm.log"))
    # The hub is played, so it is there to be asked.
    environment = VLLM | {"HF_HUB_OFFLINE": "0", "MATHCODE_VLLM": str(VLLM_PYTHON.parents[1])}
    return Answerer("vllm", url, environment, str(folder))


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """Return the values of both; where both have one, that of `above`."""
    joined = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(below.get(key), dict)
        joined[key] = merge(below[key], value) if both else value
    return joined


class ProfileProject:
    """The clone, with its profile pinned to the hub's commits and overlaid."""

    def __init__(self, home: Path, profile: str, hub: Hub, answerer: Answerer) -> None:
        self.home, self.folder, self.log, self.profile = home, home / "repository", home / "log", profile
        addresses = {"HF_ENDPOINT": hub.url, "HF_HOME": str(home / "huggingface"), "HF_TOKEN": TOKEN}
        self.environment = clone(ROOT, home, **addresses, **answerer.environment)
        params = (self.folder / "params.yaml").read_text(encoding="utf-8")
        changed = re.sub(r"^profile: \w+", f"profile: {profile}", params, flags=re.MULTILINE)
        (self.folder / "params.yaml").write_text(changed, encoding="utf-8")
        self.run("tools", "pin", profile)
        path = self.folder / "profiles" / f"{profile}.yaml"
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
        overlay = json.loads(json.dumps(OVERLAY).replace("SERVER", answerer.url).replace("MODEL", answerer.model))
        for part in (overlay["every"], overlay[profile], overlay[answerer.name].get(profile, {})):
            values = merge(values, part)
        path.write_text(yaml.safe_dump(values, sort_keys=False), encoding="utf-8")

    def run(self, *arguments: str, fails: bool = False) -> str:
        """Run `python -m` in the clone; return what it said."""
        done = subprocess.run(
            [sys.executable, "-m", *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert fails or done.returncode == 0, done.stderr[-3000:]
        return done.stdout + done.stderr

    def is_running(self, stage: str) -> bool:
        """Say whether DVC has begun with a stage, and with none after it."""
        begun = re.findall(r"Running stage '([^']+)'", self.log.read_text(encoding="utf-8", errors="replace"))
        return begun[-1:] == [stage]

    def read_json(self, name: str) -> dict[str, Any]:
        """Return the content of a JSON file."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))  # type: ignore[no-any-return]

    def read_shards(self, name: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of a folder below data/."""
        return read_rows(self.folder / "data" / name)

    def metrics(self, name: str) -> dict[str, Any]:
        """Return the metrics of a stage."""
        return self.read_json(f"metrics/{name}.json")
