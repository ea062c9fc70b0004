"""Gather a training set: a seeded hash of their ids samples documents, and holds out some of each label.

Which documents are sampled, which are held out, and the order of training depend on the ids and the seed, not on
the shards. Memory: 24 bytes for each sampled document, and one bucket of text.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mathcode_pile.classifier.fasttext_words_kernel import join_words
from mathcode_pile.core.errors import InputError, PipelineError
from mathcode_pile.core.shards import list_shards, read_batches
from mathcode_pile.kernels.words import text_hashes

Hashes = NDArray[np.uint64]
Mask = NDArray[np.bool_]

_BUCKET_DOCUMENTS = 20_000
_FEW = 5  # held-out documents that each label should have at least
# A line of fastText's training file, with the number that lines are sorted by.
_LINE = pa.schema([("order", pa.uint64()), ("line", pa.large_string())])
HELD_OUT = pa.schema(
    [("id", pa.string()), ("line", pa.large_string()), ("is_positive", pa.bool_()), ("text_hash", pa.uint64())]
)


class Source(NamedTuple):
    """The documents of one label."""

    label: str
    folder: Path
    columns: Sequence[str]
    choose: Callable[[pa.RecordBatch], Mask] | None
    """Returns which rows have this label; None where all have."""
    share: float = 1.0
    """Of these documents, the share that may be used, chosen by the same hash as the sample."""


class Limits(NamedTuple):
    """The highest hashes at which a source's documents are sampled, and held out."""

    sampled: int
    sampled_last: np.uint64
    held_out_last: np.uint64


def by_types(keep_types: Sequence[int], wanted: bool) -> Callable[[pa.RecordBatch], Mask]:
    """Return a function that chooses the documents with a piece of a kept type; those without one if not wanted."""

    def choose(batch: pa.RecordBatch) -> Mask:
        types = batch.column("types")
        rows = np.repeat(np.arange(len(types)), types.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
        is_kept = np.isin(types.flatten().to_numpy(zero_copy_only=False), list(keep_types))
        found = np.zeros(len(types), dtype=bool)
        found[rows[is_kept]] = True
        return found if wanted else ~found

    return choose


def hash_ids(ids: pa.Array, seed: int) -> tuple[Hashes, Hashes]:
    """Return two independent seeded hashes of each id: one for sampling and order, one for holding out."""
    first, second = text_hashes(ids)
    salt = np.random.default_rng(seed).integers(0, 2**64 - 1, size=2, dtype=np.uint64)
    return first ^ salt[0], second ^ salt[1]


def find_limits(sources: Sequence[Source], most: int, held_out_share: float, seed: int) -> list[Limits]:
    """Return each source's limits: at most `most` documents each, and the same bound of the held-out hash for all.

    The bound is the wanted share, raised where a label would have fewer than _FEW held-out documents.
    Raises PipelineError where a label has too few documents to train and to measure on.
    """
    found = [_sample_hashes(source, most, seed) for source in sources]
    for source, (order, _) in zip(sources, found, strict=True):
        if len(order) < 2:
            raise PipelineError(
                f"{source.folder}: {len(order)} {source.label} documents; a classifier needs two of each label at least"
            )
    bound = _bound(held_out_share)
    for _, side in found:
        few = min(_FEW, max(1, len(side) // 4))
        bound = max(bound, np.sort(side)[few - 1])
    return [Limits(len(order), np.max(order), bound) for order, _ in found]


def _bound(share: float) -> np.uint64:
    """Return the hash up to which a share of all hashes lies."""
    return np.uint64(min(int(share * 2**64), 2**64 - 1))


def _sample_hashes(source: Source, most: int, seed: int) -> tuple[Hashes, Hashes]:
    order, side = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint64)
    for shard in list_shards(source.folder):
        for batch in read_batches(shard, ["id", *source.columns]):
            first, second = hash_ids(batch.column("id"), seed)
            if source.choose:
                chosen = source.choose(batch)
                first, second = first[chosen], second[chosen]
            shared = first <= _bound(source.share)
            first, second = first[shared], second[shared]
            order, side = np.concatenate([order, first]), np.concatenate([side, second])
            if len(order) > most:
                lowest = np.argpartition(order, most - 1)[:most]
                order, side = order[lowest], side[lowest]
    return order, side


class TrainingSet(NamedTuple):
    """What `gather` returns."""

    training: Path
    """One line for each document, in the order of the hash."""
    held_out: pa.Table
    """Rows of HELD_OUT, mapped from a file; the training file contains none of their texts."""
    trained_on: dict[str, int]
    """The number of documents of each label in the training file."""


def gather(sources: Sequence[Source], limits: Sequence[Limits], seed: int, folder: Path) -> TrainingSet:
    """Write the training file into a folder; return it with the held-out documents. The first source is positive."""
    buckets = _Buckets(folder, sum(limit.sampled for limit in limits))
    known: list[Hashes] = []
    trained_on = {source.label: 0 for source in sources}
    with pa.ipc.new_file(folder / "held-out-all.arrow", HELD_OUT) as held_out:
        for source, limit in zip(sources, limits, strict=True):
            for batch in _sampled_batches(source, limit, seed):
                lines = join_words(batch.column("text"))
                has_words = pc.greater(pc.binary_length(lines), 0)
                ids, lines = batch.column("id").filter(has_words).cast(pa.string()), lines.filter(has_words)
                order, side = hash_ids(ids, seed)
                texts, _ = text_hashes(lines)
                is_held_out = side <= limit.held_out_last
                known.append(texts[~is_held_out])
                trained_on[source.label] += int((~is_held_out).sum())
                buckets.write(source.label, order[~is_held_out], lines.filter(pa.array(~is_held_out)))
                is_positive = pa.repeat(source is sources[0], len(lines))
                columns = [ids, lines, is_positive, pa.array(texts)]
                held_out.write_batch(pa.RecordBatch.from_arrays(columns, schema=HELD_OUT).filter(pa.array(is_held_out)))
    for source in sources:
        if not trained_on[source.label]:
            raise PipelineError(f"{source.folder}: no words in its {source.label} documents")
    training = buckets.join(folder / "training.txt")
    return TrainingSet(training, _without_copies(folder, np.sort(np.concatenate(known))), trained_on)


def _without_copies(folder: Path, known: Hashes) -> pa.Table:
    """Return the held-out documents whose text is not in the training file; they are mapped from a file."""
    every, measured = folder / "held-out-all.arrow", folder / "held-out.arrow"
    with pa.memory_map(str(every)) as source, pa.ipc.new_file(measured, HELD_OUT) as file:
        reader = pa.ipc.open_file(source)
        for index in range(reader.num_record_batches):
            batch = reader.get_batch(index)
            hashes = batch.column("text_hash").to_numpy()
            places = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
            file.write_batch(batch.filter(pa.array(known[places] != hashes)))
    every.unlink()
    return pa.ipc.open_file(pa.memory_map(str(measured))).read_all()


def _sampled_batches(source: Source, limit: Limits, seed: int) -> Iterator[pa.RecordBatch]:
    for shard in list_shards(source.folder):
        for batch in read_batches(shard, ["id", "text", *source.columns]):
            if not (
                pa.types.is_string(batch.column("text").type) or pa.types.is_large_string(batch.column("text").type)
            ):
                raise InputError(f"{shard}: column 'text' must hold text, it holds {batch.column('text').type}")
            sampled = hash_ids(batch.column("id"), seed)[0] <= limit.sampled_last
            if source.choose:
                sampled &= source.choose(batch)
            yield batch.filter(pa.array(sampled))


class _Buckets:
    """Sorts lines by their hash without holding all in memory: each range of hashes gets a file, sorted on its own."""

    def __init__(self, folder: Path, documents: int) -> None:
        self.count = 1 + documents // _BUCKET_DOCUMENTS
        self.paths = [folder / f"bucket-{index}.arrow" for index in range(self.count)]
        self.writers = [pa.ipc.new_file(path, _LINE) for path in self.paths]

    def write(self, label: str, order: Hashes, lines: pa.Array) -> None:
        # Only the lowest hashes are sampled, so their high bits are not uniform; multiplying spreads the low bits.
        shuffled = order * np.uint64(0x9E3779B97F4A7C15)
        places = (shuffled >> np.uint64(32)) * np.uint64(self.count) >> np.uint64(32)
        start, end, between = (pa.scalar(part, pa.large_string()) for part in (f"__label__{label} ", "\n", ""))
        full = pc.binary_join_element_wise(start, lines, end, between)
        batch = pa.RecordBatch.from_arrays([pa.array(shuffled), full], schema=_LINE)
        for index, writer in enumerate(self.writers):
            writer.write_batch(batch.filter(pa.array(places == index)))

    def join(self, path: Path) -> Path:
        for writer in self.writers:
            writer.close()
        with open(path, "wb") as file:
            for bucket in self.paths:
                with pa.OSFile(str(bucket)) as source:
                    table = pa.ipc.open_file(source).read_all()
                table = table.take(pa.array(np.argsort(table.column("order").to_numpy(), kind="stable")))
                for batch in table.combine_chunks().to_batches():
                    column = batch.column("line")
                    _, offsets, data = column.buffers()
                    bounds = np.frombuffer(offsets, dtype=np.int64)[column.offset : column.offset + len(column) + 1]
                    if data is not None:
                        file.write(memoryview(data)[bounds[0] : bounds[-1]])
                bucket.unlink()
        return path
