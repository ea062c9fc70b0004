"""Serve a GGUF file by OpenAI's protocol on 127.0.0.1 with llama.cpp; prints the address when it listens.

Not a part of the tools' command line: it runs in the Python of .venv-llm, which has xllamacpp and none of the
pipeline's packages.
"""

import argparse
import os
import signal
from pathlib import Path

import xllamacpp


def serve(model: Path, name: str, context_tokens: int, slots: int, port: int) -> None:
    """Serve a model until this process is ended.

    context_tokens: of each slot. slots: how many prompts are worked on at once.
    """
    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {name}
    params.hostnames = ["127.0.0.1"]
    params.port = port
    params.n_parallel = slots
    params.n_ctx = slots * context_tokens  # llama.cpp divides it among the slots
    params.cache_ram_mib = 0  # or it keeps old prompts, in up to 8 GB of memory
    params.cpuparams.n_threads = len(os.sched_getaffinity(0))
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    signal.pause()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--context-tokens", type=int, required=True)
    parser.add_argument("--slots", type=int, required=True)
    parser.add_argument("--port", type=int, required=True)
    # Ctrl-C ends it at once, without Python's traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    serve(**vars(parser.parse_args()))


if __name__ == "__main__":
    main()
