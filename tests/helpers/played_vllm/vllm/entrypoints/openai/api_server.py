"""Plays vLLM's server: a scripted server behind vLLM's options, with an engine process that ignores SIGTERM.

The model `no_memory` cannot be loaded, and `endless` never is. Each start is a line of $PLAYED_VLLM_LOG: the options,
the GPUs, the environment's variables, and the engine's process id. $PLAYED_VLLM_SERVER has more options of the scripted
server.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

SCRIPTED_SERVER = Path(__file__).resolve().parents[4] / "scripted_server.py"
ENGINE = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("host", "port", "model", "served-model-name", "revision", "tokenizer", "tokenizer-revision"):
        parser.add_argument(f"--{name}")
    for name in ("max-model-len", "tensor-parallel-size", "gpu-memory-utilization", "seed"):
        parser.add_argument(f"--{name}", type=float)
    for name in ("dtype", "generation-config", "uvicorn-log-level"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--enforce-eager", action="store_true")
    options = parser.parse_args()
    # Apart from our session and ignoring SIGTERM, as an engine that hangs would be.
    engine = subprocess.Popen([sys.executable, "-c", ENGINE], start_new_session=True)
    start = {"options": vars(options), "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"), "engine": engine.pid}
    log = Path(os.environ["PLAYED_VLLM_LOG"])
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(start | {"variables": sorted(os.environ)}) + "\n")
    if options.model == "no_memory":
        print("(EngineCore pid=7) torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.", flush=True)
        sys.exit("RuntimeError: Engine core initialization failed. See root cause above.")
    if options.model == "endless":
        time.sleep(600)
    scripted = [str(SCRIPTED_SERVER), "--port", options.port, "--name", options.served_model_name]
    scripted += os.environ.get("PLAYED_VLLM_SERVER", "").split()
    os.execv(sys.executable, [sys.executable, *scripted, "--log", f"{log}.requests"])


if __name__ == "__main__":
    main()
