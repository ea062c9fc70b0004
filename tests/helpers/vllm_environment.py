"""An environment that looks like vLLM's own, whose vLLM is the played one."""

import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def make_environment(folder: Path) -> Path:
    """Write an environment whose Python finds the played vLLM; return its folder."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nPYTHONPATH={HERE / "played_vllm"} exec {sys.executable} "$@"\n')
    python.chmod(0o755)
    return folder


def read_lines(log: Path) -> list[dict[str, Any]]:
    """Return the lines of a JSON log; none where it does not exist yet."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []
