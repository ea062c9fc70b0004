"""Start vLLM's servers on this machine for the time of a stage, and ask them.

vLLM has an environment of its own (`make setup-vllm`), because it needs other versions of numpy, numba and
transformers than the pipeline. The pipeline speaks to it by HTTP only.
"""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from mathcode_pile.core.engine import say
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.scratch import PROJECT, scratch_folder
from mathcode_pile.llm import keeper
from mathcode_pile.llm.served import KEY_VARIABLE, ServedModel
from mathcode_pile.llm.settings import ModelParams, ServerParams, Task

ENVIRONMENT_VARIABLE = "MATHCODE_VLLM"
HOST = "127.0.0.1"
LOG_LINES = 6
_ERROR = re.compile(r"\b(?:\w+\.)*[A-Z]\w*(?:Error|Exception): .*")


def vllm_environment() -> Path:
    """Return vLLM's environment: $MATHCODE_VLLM, else `.venv-vllm` beside dvc.yaml (in experiments, the main one's)."""
    given = os.environ.get(ENVIRONMENT_VARIABLE)
    return Path(given) if given else Path(os.environ.get("DVC_ROOT") or PROJECT) / ".venv-vllm"


def vllm_python() -> Path:
    """Return the Python of vLLM's environment; raises PipelineError where there is no such environment."""
    python = vllm_environment() / "bin" / "python"
    if not python.is_file():
        raise PipelineError(f"vLLM is not installed: {python} does not exist; `make setup-vllm` installs it")
    return python


def server_command(model: ModelParams) -> list[str]:
    """Return the command of a server of a model, less its port."""
    params = model.vllm
    assert params
    options = {
        "--host": HOST,
        "--model": model.id,
        "--served-model-name": model.id,
        "--revision": model.commit_of(model.id),
        "--max-model-len": model.context_tokens,
        "--tensor-parallel-size": params.tensor_parallel,
        "--gpu-memory-utilization": params.gpu_memory_share,
        "--dtype": params.dtype,
        "--seed": model.seed,
        # Else the server adds the sampling settings that the model's files suggest.
        "--generation-config": "vllm",
        "--uvicorn-log-level": "warning",
    }
    if model.tokenizer not in (None, "bytes"):
        assert model.tokenizer
        options |= {"--tokenizer": model.tokenizer, "--tokenizer-revision": model.commit_of(model.tokenizer)}
    # Not `vllm serve`: the build for CPUs lacks the metadata that it reads.
    command = [str(vllm_python()), "-m", "vllm.entrypoints.openai.api_server"]
    command += [str(part) for option in options.items() if option[1] is not None for part in option]
    return [*command, "--enforce-eager"] if params.enforce_eager else command


def share_gpus(engines: int, width: int) -> list[str]:
    """Return the CUDA_VISIBLE_DEVICES of each engine; empty: all GPUs that this process sees.

    Raises PipelineError where this process sees fewer than the engines need.
    """
    if engines == 1:
        return [""]
    needed, stated = engines * width, os.environ.get("CUDA_VISIBLE_DEVICES")
    ids = stated.split(",") if stated else [str(i) for i in range(needed)]
    if len(ids) < needed:
        raise PipelineError(f"llm: vllm.engines x tensor_parallel needs {needed} GPUs, and CUDA shows {len(ids)}")
    return [",".join(ids[i * width : (i + 1) * width]) for i in range(engines)]


class _Server(NamedTuple):
    keeper: "subprocess.Popen[bytes]"
    port: int
    log: Path

    def describe_end(self) -> str:
        """Return how a server that has ended did so, and the first error of its log."""
        # vLLM's last lines often say only that an engine failed; the cause is the first error.
        cause = next((match[0] for line in self._read_log() if (match := _ERROR.search(line))), "")
        said = f" after {cause!r}" if cause else ""
        return f"a vLLM server ended with status {self.keeper.returncode}{said}; its log is {self.log}"

    def last_lines(self) -> str:
        """Return the last lines of its log, each indented."""
        return "".join(f"\n  {line}" for line in self._read_log()[-LOG_LINES:]) or " (nothing)"

    def _read_log(self) -> list[str]:
        lines = self.log.read_text("utf-8", "replace").splitlines()
        return [line.rstrip() for line in lines if line.strip()]

    def is_ready(self, name: str) -> bool:
        """Tell whether it serves a model of this name."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
        try:
            connection.request("GET", "/v1/models")
            answer = connection.getresponse()
            return answer.status == 200 and name in {model["id"] for model in json.loads(answer.read())["data"]}
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
            return False
        finally:
            connection.close()


class VllmServers:
    """The servers of one model: one for each engine. They end with this process, however it ends."""

    def __init__(self, stage: str, model: ModelParams) -> None:
        assert model.vllm
        self.stage, self.model, self.params = stage, model, model.vllm
        self._servers: list[_Server] = []

    def start(self) -> tuple[str, ...]:
        """Start the servers and wait until each has loaded the model; return their addresses, `/v1` included.

        Raises PipelineError where vLLM is not installed, or a server ends or is not ready within start_timeout_s.
        """
        gpus = share_gpus(self.params.engines, self.params.tensor_parallel)
        command, ports = server_command(self.model), _free_ports(self.params.engines)
        for number, (visible, port) in enumerate(zip(gpus, ports, strict=True)):
            self._servers.append(_start(command, port, visible, f"vllm-{self.stage}-{number}"))
        logs = ", ".join(str(server.log) for server in self._servers)
        say(f"{self.stage}: vLLM loads {self.model.id}, which can take minutes; log: {logs}")
        deadline = time.monotonic() + self.params.start_timeout_s
        for server in self._servers:
            while not server.is_ready(self.model.id):
                if ended := self._find_ended():
                    raise PipelineError(f"{self.stage}: {ended.describe_end()}, which ends with:{ended.last_lines()}")
                if time.monotonic() > deadline:
                    limit = f"{self.params.start_timeout_s:g} s (llm.models.*.vllm.start_timeout_s)"
                    raise PipelineError(f"{self.stage}: vLLM is not ready after {limit}; its log is {server.log}")
                time.sleep(0.2)
        return tuple(f"http://{HOST}:{server.port}/v1" for server in self._servers)

    def why_ended(self) -> str:
        """Return why one of the servers has ended; empty while all run."""
        ended = self._find_ended()
        return ended.describe_end() if ended else ""

    def _find_ended(self) -> _Server | None:
        return next((server for server in self._servers if server.keeper.poll() is not None), None)

    def stop(self) -> None:
        """End all servers; returns when their processes are gone."""
        for server in self._servers:
            assert server.keeper.stdin
            with suppress(OSError):
                server.keeper.stdin.close()
        for server in self._servers:
            server.keeper.wait()
        self._servers.clear()


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:  # all are open at once, so no two are the same
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for free in sockets:
            free.bind((HOST, 0))
        return [free.getsockname()[1] for free in sockets]


def _start(command: list[str], port: int, gpus: str, name: str) -> _Server:
    log = scratch_folder("logs") / f"{name}.log"
    log.unlink(missing_ok=True)  # another run of this stage may still write to it
    # The pipeline's packages and its key for other servers are none of vLLM's business.
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", KEY_VARIABLE)}
    environment["PATH"] = f"{vllm_environment() / 'bin'}{os.pathsep}{environment.get('PATH', '')}"
    environment["VLLM_NO_USAGE_STATS"] = "1"
    if gpus:
        environment["CUDA_VISIBLE_DEVICES"] = gpus
    with log.open("wb") as output:
        kept = subprocess.Popen(
            [sys.executable, "-P", keeper.__file__, *command, "--port", str(port)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
        )
    return _Server(kept, port, log)


class VllmModel(ServedModel):
    """Asks servers that it starts when the first prompt has no kept reply."""

    def __init__(self, task: Task) -> None:
        params = task.model.vllm
        assert params
        # The addresses are known when the servers run.
        super().__init__(task, ServerParams(base_urls=("",), concurrency=params.engines * params.concurrency))
        self._servers = VllmServers(task.stage, task.model)

    def open(self) -> None:
        """Start the servers; raises PipelineError as VllmServers.start does."""
        self.params = self.params.model_copy(update={"base_urls": self._servers.start()})
        super().open()

    def close(self) -> None:
        """End the servers; answers that are not complete are dropped."""
        try:
            super().close()
        finally:
            self._servers.stop()

    def _why_down(self) -> str:
        return self._servers.why_ended()
