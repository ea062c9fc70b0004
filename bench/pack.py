"""Compare packing, from Parquet to rows, with trl's and with next-fit in batches of 1,000: padding and speed.

    python -m bench.pack

Document lengths are log-normal, and rows have 8,192 tokens. Next-fit fills a row until the next document does not fit,
and starts a new row with each batch of 1,000 documents.
"""

import json
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import typer
from numpy.typing import NDArray

from bench.environment import borrow_packages
from bench.table import Row, best_seconds, print_alone
from mathcode_pile.core.shards import list_shards, write_shards
from mathcode_pile.tokens.packed import Vocabulary, token_schema
from stages.pack.mixture import ShareParams, cut_documents
from stages.pack.packing_kernel import pack_pieces
from stages.pack.stage import PackParams, pack

SEQUENCE_LENGTH = 8192
BATCH = 1000


def next_fit(lengths: NDArray[np.int32], sequence_length: int) -> int:
    """Return the number of rows that next-fit needs in batches; longer documents are first cut into full rows."""
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


def compare(megabytes: int = 100) -> list[Row]:
    """Return the rows of this benchmark; megabytes: 100 means about 50 million tokens."""
    rng = np.random.default_rng(0)
    lengths = np.maximum(3, rng.lognormal(6.3, 1.1, 500 * megabytes)).astype(np.int32)
    total = int(lengths.sum())
    params = PackParams(sequence_length=SEQUENCE_LENGTH, max_epochs=4, seed=0)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_tokens(folder / "tokens", lengths)
        run = lambda: pack(folder / "tokens", folder / "out", params, {"web": ShareParams(weight=1)})  # noqa: E731
        seconds, metrics = best_seconds(run)
        trl, rows, lost = _pack_with_trl(folder / "tokens" / "web", folder)
    plan, _ = best_seconds(lambda: pack_pieces(cut_documents(lengths, SEQUENCE_LENGTH).length, SEQUENCE_LENGTH), 5)
    loose = 1 - total / (next_fit(lengths, SEQUENCE_LENGTH) * SEQUENCE_LENGTH)
    split = 1 - total / (rows * SEQUENCE_LENGTH)
    speed, filled = "packing, Parquet to rows", f"fill of rows of {SEQUENCE_LENGTH:,}"
    said = f"{total / 1e6:.0f}M tokens; our planning alone {total / 1e6 / plan:.0f}M/s"
    return [
        Row(speed, total / 1e6 / seconds, total / 1e6 / trl, "M tokens/s", "trl's bfd_split", said),
        _compare_fill(filled, metrics["padding"], split, f"trl's bfd_split; its bfd drops {lost:.2%} of the tokens"),
        _compare_fill(filled, metrics["padding"], loose, f"next-fit in batches of {BATCH:,}"),
    ]


def _compare_fill(what: str, ours: float, other: float, against: str) -> Row:
    return Row(what, 1 - ours, 1 - other, "of the capacity", against, f"padding {ours:.3%} and {other:.3%}")


def _pack_with_trl(tokens: Path, folder: Path) -> tuple[float, int, float]:
    """Return trl's seconds from Parquet to rows, its rows, and the share of tokens that its default strategy drops.

    It gets all documents as one batch, like our packing. In its default batches of 1,000 it would pad more.
    """
    borrow_packages()
    from datasets import Dataset, disable_caching, disable_progress_bars
    from trl.data_utils import pack_dataset

    disable_caching()
    disable_progress_bars()

    def run(strategy: str) -> Dataset:
        table = pq.read_table(list_shards(tokens), columns=["tokens"])
        options = {"batch_size": None, "keep_in_memory": True}
        packed = pack_dataset(Dataset(table), SEQUENCE_LENGTH, strategy, options)
        packed.save_to_disk(folder / "trl")
        return packed

    def count(packed: Dataset) -> int:
        return int(pc.sum(pc.list_value_length(packed.data.column("tokens"))).as_py())

    seconds, packed = best_seconds(lambda: run("bfd_split"), 2)
    return seconds, len(packed), 1 - count(run("bfd")) / count(packed)


def main(megabytes: int = 100) -> None:
    """Print the table."""
    print_alone(compare, megabytes)


if __name__ == "__main__":
    typer.run(main)
