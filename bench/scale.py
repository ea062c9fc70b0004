"""Measure what one process does for a whole corpus, on generated ids, and the engine's own time for each shard.

    python -m bench.scale                       one million documents, 500 shards; minutes
    python -m bench.scale --documents 5000000 --shards 5000
    RAY_ADDRESS=... python -m bench.scale --ray    the engine on that cluster too

The steps are those that neither the local workers nor a cluster share out: docs/scale.md counts them up to a billion
documents. Signatures are drawn at random, one in ten a copy of another.
"""

import json
import multiprocessing
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer
import yaml

from bench.environment import ROOT
from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.params import load
from mathcode_pile.core.scratch import hash_file
from mathcode_pile.core.shards import ShardWriter, shard_name
from stages.annotate.stage import last_chosen_hash
from stages.deduplicate.clusters import decide
from stages.deduplicate.signatures import DeduplicateParams, Signed
from stages.pack.mixture import Documents, cut_documents
from stages.pack.row_plan import plan_rows
from stages.select.stage import SelectParams, SourceParams, select

SEQUENCE_LENGTH = 8192


def hash_megabytes(folder: Path) -> str:
    """Hash a file of 256 MB."""
    path = folder / "bytes"
    path.write_bytes(os.urandom(256 << 20))
    start = time.process_time()
    hash_file(path)
    return f"{(256 << 20) / 1e6 / (time.process_time() - start):.0f} MB/s a thread"


def sample_ids(folder: Path, documents: int) -> None:
    """Find which of the ids are sampled, as annotate does."""
    (folder / "ids").mkdir()
    with pq.ParquetWriter(folder / "ids" / shard_name(0), pa.schema({"id": pa.string()})) as writer:
        for first in range(0, documents, 20_000):
            ids = [f"source/{n:016x}" for n in range(first, min(documents, first + 20_000))]
            writer.write_table(pa.table({"id": ids}))
    _time(lambda: last_chosen_hash(folder / "ids", 20_000))


def cluster(folder: Path, documents: int) -> None:
    """Cluster documents by their signatures, as deduplicate does."""
    params = load("deduplicate", DeduplicateParams, root=ROOT)
    rng = np.random.default_rng(0)
    signatures = rng.integers(0, 1 << 16, (documents, params.permutations), dtype=np.uint16)
    signatures[::10] = signatures[rng.integers(0, documents, len(signatures[::10]))]
    hashes = rng.integers(0, 1 << 63, (2, documents)).astype(np.uint64)
    words = np.full(documents, 300, np.int32)
    signed = Signed(*hashes, words, signatures, np.array([0, documents]))
    priority = np.zeros(documents, np.int16)
    few = slice(0, 1000)
    decide(Signed(*hashes[:, few], words[few], signatures[few], signed.bounds), priority[few], params, np.argsort)
    _time(lambda: decide(signed, priority, params, np.argsort))


def plan(folder: Path, documents: int) -> None:
    """Plan the rows of a training run, as pack does."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(6.5, 1, documents), 1, 1 << 20).astype(np.int32)
    everything = Documents(lengths, np.arange(documents))
    few = lengths[:9]
    plan_rows([Documents(few, np.arange(9))], [cut_documents(few, SEQUENCE_LENGTH)], SEQUENCE_LENGTH, 0)
    _time(lambda: plan_rows([everything], [cut_documents(lengths, SEQUENCE_LENGTH)], SEQUENCE_LENGTH, 0))


STEPS: dict[str, Callable[[Path, int], Any]] = {"annotate: ids": sample_ids, "deduplicate": cluster, "pack: plan": plan}
_taken = [0.0]


def _time(work: Callable[[], Any]) -> None:
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    start = time.process_time()
    work()
    _taken[0] = time.process_time() - start


def _run_step(name: str, documents: int, sender: Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        before = _resident("VmRSS")
        STEPS[name](Path(folder), documents)
        sender.send((_taken[0], _resident("VmHWM") - before))


def _resident(field: str) -> int:
    """Return a field of this process's status, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def measure_step(name: str, documents: int) -> tuple[float, int]:
    """Return the processor seconds of a step, and the bytes that it needed; it runs in a process of its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_run_step, args=(name, documents, sender))
    process.start()
    found: tuple[float, int] = receiver.recv()
    process.join()
    return found


def measure_engine(folder: Path, shards: int, kind: str) -> tuple[float, int]:
    """Return the milliseconds a small shard that select takes on an engine, and the bytes that the driver grew by."""
    project = folder / kind
    (project / "profiles").mkdir(parents=True)
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["engine"]["kind"] = kind
    (project / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    shutil.copy(ROOT / "profiles" / f"{params['profile']}.yaml", project / "profiles")
    os.chdir(project)
    os.environ["MATHCODE_SCRATCH"] = str(project / "scratch")
    source = SourceParams(component="c", input="i", keep="all")
    kept = SelectParams(keep_types=[1])
    select(folder / "few", project / "warm", source, kept)  # connects, and starts workers
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    select(folder / "shards", project / "out", source, kept)
    seconds = time.perf_counter() - start
    return 1000 * seconds / shards, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024


def make_small_shards(folder: Path, shards: int) -> None:
    """Write shards of one document each."""
    row = {"source": "s", "url": "", "license": "", "metadata": "{}"}
    for index in range(shards):
        with ShardWriter(folder / shard_name(index), DOCUMENT) as writer:
            writer.write_rows([row | {"id": f"s/{index}", "text": f"Text {index}."}])


def main(
    documents: int = typer.Option(1_000_000, help="how many documents the steps have"),
    shards: int = typer.Option(500, help="how many small shards the engine has"),
    ray: bool = typer.Option(False, help="measure the engine on the cluster of RAY_ADDRESS too"),
    only_engine: bool = typer.Option(False, help="measure no step"),
) -> None:
    """Print the steps' processor seconds and memory, and the engine's milliseconds a shard, as JSON lines."""
    with tempfile.TemporaryDirectory() as folder:
        if not only_engine:
            print(json.dumps({"hash": hash_megabytes(Path(folder))}), flush=True)
            for name in STEPS:
                seconds, held = measure_step(name, documents)
                each = {"s_per_million": round(1e6 * seconds / documents, 2), "bytes_each": round(held / documents)}
                print(json.dumps({"step": name} | each), flush=True)
        make_small_shards(Path(folder) / "shards", shards)
        make_small_shards(Path(folder) / "few", 4)
        for kind in ["local", *(["ray"] if ray else [])]:
            each_ms, grown = measure_engine(Path(folder), shards, kind)
            figures = {"ms_a_shard": round(each_ms, 1), "driver_grew_mb": grown >> 20}
            print(json.dumps({"engine": kind} | figures), flush=True)


if __name__ == "__main__":
    typer.run(main)
