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
import shutil
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import typer
import yaml

from bench.environment import ROOT
from bench.table import best_seconds
from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.params import load
from mathcode_pile.core.removals import Removals
from mathcode_pile.core.scratch import hash_file
from mathcode_pile.core.shards import ShardWriter, shard_name
from stages.annotate.choosing import AnnotateSource, last_chosen_hash
from stages.deduplicate.clusters import decide
from stages.deduplicate.signatures import DeduplicateParams, Signed, map_minima
from stages.pack.mixture import Documents, cut_documents
from stages.pack.row_plan import gather_pieces, plan_rows
from stages.select.stage import SelectParams, SourceParams, select

Work = Callable[[], Any]
SEQUENCE_LENGTH = 8192
IDS_A_SHARD = 250_000
WATCH_EVERY_S = 0.01


def hash_megabytes(folder: Path) -> str:
    """Hash a file of 256 MB."""
    path = folder / "bytes"
    path.write_bytes(os.urandom(256 << 20))
    seconds, _ = best_seconds(lambda: hash_file(path), 1)
    return f"{(256 << 20) / 1e6 / seconds:.0f} MB/s a thread"


def sample_ids(folder: Path, documents: int) -> Work:
    """Find which of the ids are sampled, as annotate does."""
    ids = folder / "ids"
    ids.mkdir()
    for shard, first in enumerate(range(0, documents, IDS_A_SHARD)):
        names = [f"source/{n:016x}" for n in range(first, min(documents, first + IDS_A_SHARD))]
        pq.write_table(pa.table({"id": names}), ids / shard_name(shard), row_group_size=20_000)
    task = AnnotateSource(input="", sample=20_000)
    return lambda: last_chosen_hash(ids, task)


def cluster(folder: Path, documents: int) -> Work:
    """Cluster documents by their signatures, which are in a file, as deduplicate does."""
    params = load("deduplicate", DeduplicateParams, root=ROOT)
    rng = np.random.default_rng(0)
    signatures = map_minima(folder / "minima", documents, params.permutations)
    for first in range(0, documents, IDS_A_SHARD):
        part = signatures[first : first + IDS_A_SHARD]
        part[:] = rng.integers(0, 1 << 16, part.shape, dtype=np.uint16)
        part[::10] = part[rng.integers(0, len(part), len(part[::10]))]
    hashes = rng.integers(0, 1 << 63, (2, documents)).astype(np.uint64)
    signed = Signed(*hashes, np.full(documents, 300, np.int32), signatures, np.array([0, documents]))
    priority = np.zeros(documents, np.int16)
    return lambda: decide(signed, priority, params, np.argsort)


def plan(folder: Path, documents: int) -> Work:
    """Plan the rows of a training run, as pack does."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(6.5, 1, documents), 1, 1 << 20).astype(np.int32)
    known = [Documents(lengths, rng.permutation(documents))]
    pieces = [cut_documents(lengths, SEQUENCE_LENGTH)]
    chosen = (gather_pieces(known.pop(), pieces.pop()) for _ in range(1))
    return lambda: plan_rows(chosen, SEQUENCE_LENGTH, 0)


# Each makes its input in a folder and returns the work that is measured.
STEPS: dict[str, Callable[[Path, int], Work]] = {
    "annotate: ids": sample_ids,
    "deduplicate": cluster,
    "pack: plan": plan,
}


def _run_step(name: str, documents: int, sender: Connection) -> None:
    with tempfile.TemporaryDirectory() as few, tempfile.TemporaryDirectory() as folder:
        STEPS[name](Path(few), 1000)()  # imports, and compiles kernels
        before = read_memory(os.getpid())
        work = STEPS[name](Path(folder), documents)
        sender.send(before)
        seconds, _ = best_seconds(work, 1)
        sender.send(seconds)


def read_memory(pid: int) -> int:
    """Return the bytes of memory of a process, without files that it maps."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:"))


def measure(run: Callable[..., None], *arguments: Any) -> tuple[float, int]:
    """Return the seconds that a function sends, and the bytes by which the memory of its process grows.

    It runs in a process of its own, which this one watches. First it sends the bytes from which growth counts.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(*arguments, sender))
    process.start()
    before = peak = receiver.recv()
    while not receiver.poll(WATCH_EVERY_S):
        peak = max(peak, read_memory(process.pid or 0))
    seconds = receiver.recv()
    process.join()
    return seconds, peak - before


def _run_engine(kind: str, folder: Path, sender: Connection) -> None:
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
    select(folder / "few", project / "few", source, kept, Removals())  # connects, and starts workers
    sender.send(read_memory(os.getpid()))
    start = time.perf_counter()
    select(folder / "shards", project / "shards", source, kept, Removals())
    sender.send(time.perf_counter() - start)


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
                seconds, held = measure(_run_step, name, documents)
                each = {"s_per_million": round(1e6 * seconds / documents, 2), "bytes_each": round(held / documents)}
                print(json.dumps({"step": name} | each), flush=True)
        make_small_shards(Path(folder) / "shards", shards)
        make_small_shards(Path(folder) / "few", 4)
        for kind in ["local", *(["ray"] if ray else [])]:
            seconds, grown = measure(_run_engine, kind, Path(folder))
            figures = {"ms_a_shard": round(1000 * seconds / shards, 1), "driver_grew_mb": round(grown / 1e6, 1)}
            print(json.dumps({"engine": kind} | figures), flush=True)


if __name__ == "__main__":
    typer.run(main)
