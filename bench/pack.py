"""Packing, Parquet to rows, against next-fit in batches of 1,000 documents: padding, cut documents and speed.

    python -m bench.pack

Lengths are log-normal, rows of 8,192. Next-fit fills a row until the next document does not fit, and starts
anew with each batch.
"""

import json
import os
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import typer
from numpy.typing import NDArray

from bench.table import Row, best_seconds, describe_machine, to_markdown
from mathcode_pile.kernels.packing import pack_pieces
from mathcode_pile.mixture import ShareParams, cut_documents
from mathcode_pile.pack import PackParams, pack
from mathcode_pile.packed import Vocabulary, token_schema
from mathcode_pile.shards import write_shards

SEQUENCE_LENGTH = 8192
BATCH = 1000
DOCUMENTS = 50_000
PLANS = 20


def next_fit(lengths: NDArray[np.int32], sequence_length: int) -> int:
    """Return the rows of next-fit in batches; what is longer than a row is cut to rows first."""
    rows = 0
    for start in range(0, len(lengths), BATCH):
        room = 0
        for length in lengths[start : start + BATCH].tolist():
            while length > sequence_length:
                rows, length, room = rows + 1, length - sequence_length, 0
            if length > room:
                rows, room = rows + 1, sequence_length
            room -= length
    return rows


def write_tokens(folder: Path, lengths: NDArray[np.int32]) -> None:
    """Write a component of documents with these lengths."""
    vocabulary = Vocabulary(60_000, 1, 2, 2)
    schema = token_schema(vocabulary)
    rng = np.random.default_rng(0)
    bounds = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    values = pa.array(rng.integers(3, 60_000, bounds[-1], dtype=np.uint16))
    tokens = pa.ListArray.from_arrays(pa.array(bounds), values, type=schema.field("tokens").type)
    names = pa.array([f"s/{i}" for i in range(len(lengths))])
    batch = pa.RecordBatch.from_arrays([names, pa.array(["s"] * len(lengths)), tokens], schema=schema)
    write_shards(folder / "web", [batch], schema)
    values_ = {"vocabulary_size": vocabulary.size, "bos_id": 1, "eos_id": 2, "pad_id": 2}
    (folder / "web" / "vocabulary.json").write_text(json.dumps(values_))


def measure(megabytes: int = 0) -> list[Row]:
    """Return the rows of this benchmark; its size does not follow megabytes."""
    lengths = np.maximum(3, np.random.default_rng(0).lognormal(6.3, 1.1, DOCUMENTS)).astype(np.int32)
    total = int(lengths.sum())
    params = PackParams(sequence_length=SEQUENCE_LENGTH, max_epochs=4, seed=0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_tokens(folder / "tokens", lengths)
        run = lambda: pack(folder / "tokens", folder / "out", params, {"web": ShareParams(weight=1)})  # noqa: E731
        seconds, metrics = best_seconds(run)
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")
    start = time.process_time()
    for _ in range(PLANS):
        pack_pieces(cut_documents(lengths, SEQUENCE_LENGTH).length, SEQUENCE_LENGTH)
    plan = (time.process_time() - start) / PLANS
    rows = next_fit(lengths, SEQUENCE_LENGTH)
    loose = 1 - total / (rows * SEQUENCE_LENGTH)
    note = f"{total / 1e6:.0f}M tokens; the plan alone {total / 1e6 / plan:.0f}M/s"
    return [
        Row("packing, Parquet to rows", total / 1e6 / seconds, 10, "M tokens/s", "the aim", note),
        Row(
            "tokens in rows",
            1 - metrics["padding"],
            1 - loose,
            "of all places",
            "next-fit in batches of 1,000",
            f"padding {metrics['padding']:.3%} and {loose:.2%}",
        ),
    ]


def main() -> None:
    """Print the table."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(describe_machine())
    print(to_markdown(measure()))


if __name__ == "__main__":
    typer.run(main)
