"""Find and run the tools that the benchmarks compare with; tools/setup_bench.sh installs them into .venv-bench.

Other tools run on the same core as ours. Their processor time includes that of their child processes. The time that a
program needs before its first document (interpreter, imports, spaCy, its own preparation) is measured by running the
same command on a single document, and subtracted.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

from bench.table import best_seconds
from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.shards import read_rows, write_shards

ROOT = Path(__file__).resolve().parents[1]
# Documents and benchmarks that are not in the repository.
REAL_DATA = Path(os.environ.get("MATHCODE_REAL_DATA") or ROOT.parent / "shared" / "data")
FOLDER = ROOT / ".venv-bench"


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the rows of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


def borrow_packages() -> None:
    """Add the packages of bench/borrowed.txt to the end of the import path; raise PipelineError if they are missing."""
    borrowed = FOLDER / "borrowed"
    if not borrowed.is_dir():
        raise PipelineError(f"{borrowed}: no such folder; `make bench` makes it")
    if str(borrowed) not in sys.path:
        sys.path.append(str(borrowed))


def find_fasttext() -> str | None:
    """Return the fastText tool that setup built, else one on the path, else None."""
    built = FOLDER / "bin" / "fasttext"
    return str(built) if built.is_file() else shutil.which("fasttext")


def run_datatrove(*arguments: str | Path) -> None:
    """Run bench.datatrove_runs with the Python that has datatrove, without our packages on its path."""
    python = FOLDER / "bin" / "python"
    if not python.is_file():
        raise PipelineError(f"{python}: no such file; `make bench` makes it")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [python, "-m", "bench.datatrove_runs", *arguments]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise PipelineError(f"datatrove: {' '.join(map(str, arguments))}: {done.stderr[-1000:]}")


@contextmanager
def one_worker(scratch: Path) -> Iterator[None]:
    """Make stages use one process and an empty scratch folder, so that no finished shard is reused."""
    before = {name: os.environ.get(name) for name in ("MATHCODE_WORKERS", "MATHCODE_SCRATCH")}
    shutil.rmtree(scratch, ignore_errors=True)
    os.environ |= {"MATHCODE_WORKERS": "1", "MATHCODE_SCRATCH": str(scratch)}
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def take_texts(texts: Path, out: Path, megabytes: float) -> Path:
    """Write the first documents of the texts, `megabytes` of them but at least one, to a folder; return the folder."""
    rows, size = [], 0
    for row in read_rows(texts):
        rows.append(row)
        size += len(row["text"].encode())
        if size >= megabytes * 1e6:
            break
    write_shards(out, [pa.RecordBatch.from_pylist(rows, DOCUMENT)], DOCUMENT)
    return out


def seconds_beyond_start(run: Callable[[Path, Path], None], texts: Path, folder: Path) -> tuple[float, float]:
    """Return the processor seconds of run(texts, out) without its start-up, and those of the start-up."""
    single = take_texts(texts, folder / "single", 0)
    start, _ = best_seconds(lambda: run(single, folder / "single-out"), 2)
    whole, _ = best_seconds(lambda: run(texts, folder / "whole-out"), 1)
    return whole - start, start
