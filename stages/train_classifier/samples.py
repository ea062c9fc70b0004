"""Gather a training set: documents by a seeded hash of their id, some of each label held out.

Which documents are sampled, which are held out and in which order they are trained on depends on their ids
and the seed, not on how they lie in shards. Memory: 24 bytes for each sampled document, and one bucket of text.
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
_FEW = 5
# A line of fastText's training file before it is one: with what orders it.
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
    """Which rows are of this label; None: all."""


class Limits(NamedTuple):
    """Up to which hash a source's documents are sampled, and up to which of those held out."""

    sampled: int
    sampled_last: np.uint64
    held_out_last: np.uint64


def by_types(keep_types: Sequence[int], wanted: bool) -> Callable[[pa.RecordBatch], Mask]:
    """Return a choice of the documents which have a piece of a kept type, or of those which have none."""

    def choose(batch: pa.RecordBatch) -> Mask:
        types = batch.column("types")
        rows = np.repeat(np.arange(len(types)), types.value_lengths().fill_null(0).to_numpy(zero_copy_only=False))
        is_kept = np.isin(types.flatten().to_numpy(zero_copy_only=False), list(keep_types))
        found = np.zeros(len(types), dtype=bool)
        found[rows[is_kept]] = True
        return found if wanted else ~found

    return choose


def hash_ids(ids: pa.Array, seed: int) -> tuple[Hashes, Hashes]:
    """Return two independent seeded hashes of each id: one to sample and order by, one to hold out by."""
    first, second = text_hashes(ids)
    salt = np.random.default_rng(seed).integers(0, 2**64 - 1, size=2, dtype=np.uint64)
    return first ^ salt[0], second ^ salt[1]


def find_limits(sources: Sequence[Source], most: int, held_out_share: float, seed: int) -> list[Limits]:
    """Return each source's limits: at most `most` documents, and one bound of the held-out hash for all.

    The bound is the wanted share, raised where a label would have fewer than a few held-out documents.
    Raises PipelineError where a label has too few documents to train and to measure on.
    """
    found = [_sample_hashes(source, most, seed) for source in sources]
    for source, (order, _) in zip(sources, found, strict=True):
        if len(order) < 2:
            raise PipelineError(
                f"{source.folder}: {len(order)} {source.label} documents; a classifier needs two of each label at least"
            )
    bound = np.uint64(int(held_out_share * (2**64 - 1)))
    for _, side in found:
        few = min(_FEW, max(1, len(side) // 4))
        bound = max(bound, np.sort(side)[few - 1])
    return [Limits(len(order), np.max(order), bound) for order, _ in found]


def _sample_hashes(source: Source, most: int, seed: int) -> tuple[Hashes, Hashes]:
    order, side = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint64)
    for shard in list_shards(source.folder):
        for batch in read_batches(shard, ["id", *source.columns]):
            first, second = hash_ids(batch.column("id"), seed)
            if source.choose:
                chosen = source.choose(batch)
                first, second = first[chosen], second[chosen]
            order, side = np.concatenate([order, first]), np.concatenate([side, second])
            if len(order) > most:
                lowest = np.argpartition(order, most - 1)[:most]
                order, side = order[lowest], side[lowest]
    return order, side


class TrainingSet(NamedTuple):
    """What gather wrote."""

    training: Path
    """One line a document, in the order of the hash."""
    held_out: pa.Table
    """HELD_OUT, mapped from a file; no text of it stands in the training file too."""
    trained_on: dict[str, int]
    """Documents of each label in the training file."""


def gather(sources: Sequence[Source], limits: Sequence[Limits], seed: int, folder: Path) -> TrainingSet:
    """Write the training file into a folder and return it with the held-out documents; the first source is positive."""
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
    """Return the held-out documents whose text was not trained on, mapped from a file and not in memory."""
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
    """Sorts lines by their hash without holding them all: by its range to a file each, then within each."""

    def __init__(self, folder: Path, documents: int) -> None:
        self.count = 1 + documents // _BUCKET_DOCUMENTS
        self.paths = [folder / f"bucket-{index}.arrow" for index in range(self.count)]
        self.writers = [pa.ipc.new_file(path, _LINE) for path in self.paths]

    def write(self, label: str, order: Hashes, lines: pa.Array) -> None:
        # The sampled hashes are the lowest: their own low bits are uniform where their range is not.
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
