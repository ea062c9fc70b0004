"""Lay pieces of documents out in rows, and write the rows; see packed.py for the format.

Memory: planning takes at most 150 bytes a piece, and one file of rows is in memory at a time
(ROWS_FILE_TOKENS); the tokens pass through temporary files of their own size in the scratch folder.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.core.scratch import working_folder
from mathcode_pile.core.shards import list_shards, read_batches
from mathcode_pile.tokens.packed import Vocabulary, row_schema, token_arrays
from stages.pack.mixture import Documents, Pieces
from stages.pack.packing_kernel import copy_runs, pack_pieces

# Tokens in a file of rows: 256 MB of 16-bit ids.
ROWS_FILE_TOKENS = 1 << 27
# Tokens in a record batch, which a reader maps at once, and of a heap, read at once.
BATCH_TOKENS = 1 << 23
# The ends of long documents that are held back to fill gaps with, in rows; and the smallest gap worth it.
HELD_BACK_ROWS = 2
MIN_FRAGMENT = 8


class Chosen(NamedTuple):  # the pieces of all components, with where they come from and go to
    place: NDArray[np.int64]
    """Of the piece's document in the order of reading, all components counted through."""
    start: NDArray[np.int32]
    length: NDArray[np.int32]
    row: NDArray[np.int32]
    offset: NDArray[np.int32]
    """Of the piece in its row."""

    def join(self, other: "Chosen") -> "Chosen":
        """Return these pieces, then others."""
        place = np.concatenate([self.place, other.place])
        return Chosen(place, *(np.concatenate([a, b]) for a, b in zip(self[1:], other[1:], strict=True)))

    def select(self, which: Any) -> "Chosen":
        """Return some of the pieces."""
        return Chosen(self.place[which], self.start[which], self.length[which], self.row[which], self.offset[which])


def plan_rows(documents: list[Documents], pieces: list[Pieces], sequence_length: int, seed: int) -> tuple[Chosen, int]:
    """Return every piece with its row and its place in it, in the order of reading, and the number of rows."""
    length = np.concatenate([p.length for p in pieces])
    start = np.concatenate([p.start for p in pieces])
    place = np.concatenate([d.places[p.document] for d, p in zip(documents, pieces, strict=True)])
    unplaced = np.zeros(len(length), np.int32)
    every = Chosen(place, start, length, unplaced, unplaced)
    held = _choose_ends(np.flatnonzero((start > 0) & (length < sequence_length)), length, sequence_length)
    rest = np.delete(np.arange(len(length)), held)
    plan = pack_pieces(length[rest], sequence_length)
    packed = every.select(rest)._replace(row=plan.row, offset=plan.start)
    both, rows = _pour(every.select(held), packed, plan.rows, sequence_length)
    order = np.argsort(both.place, kind="stable")
    shuffle = np.random.default_rng([seed, rows]).permutation(rows).astype(np.int32)
    return both._replace(row=shuffle[both.row]).select(order), rows


def _choose_ends(ends: NDArray[np.int64], length: NDArray[np.int32], sequence_length: int) -> NDArray[np.int64]:
    """Return the longest ends of documents that are cut anyway, HELD_BACK_ROWS rows of them in all."""
    longest = ends[np.argsort(-length[ends], kind="stable")[: 4 * HELD_BACK_ROWS]]
    before = np.cumsum(length[longest]) - length[longest]
    return longest[before < HELD_BACK_ROWS * sequence_length]


def _pour(ends: Chosen, packed: Chosen, rows: int, sequence_length: int) -> tuple[Chosen, int]:
    """Cut the ends to fit the gaps that packing left, widest first, then new rows; return all pieces, and the rows.

    Best fit leaves its last row or two half empty, which in few rows is most of the padding.
    """
    room = sequence_length - np.bincount(packed.row, weights=packed.length, minlength=rows).astype(np.int64)
    order = np.argsort(-room, kind="stable")
    gaps = [(int(row), int(room[row])) for row in order[: np.searchsorted(-room[order], -MIN_FRAGMENT, side="right")]]
    gaps.reverse()  # the widest is taken from the end
    placed: list[tuple[int, int, int, int, int]] = []
    for place, start, length in zip(ends.place.tolist(), ends.start.tolist(), ends.length.tolist(), strict=True):
        while length:
            if not gaps:
                gaps.append((rows, sequence_length))
                rows += 1
            row, gap = gaps.pop()
            # What is left over is no crumb either.
            taken = min(gap, length) if length <= gap else min(gap, length - min(MIN_FRAGMENT, length // 2))
            placed.append((place, start, taken, row, sequence_length - gap))
            start, length = start + taken, length - taken
            if gap - taken >= MIN_FRAGMENT:
                gaps.append((row, gap - taken))
    table = np.array(placed, np.int64).reshape(-1, 5)
    small = table.astype(np.int32)
    poured = Chosen(table[:, 0], small[:, 1], small[:, 2], small[:, 3], small[:, 4])
    return packed.join(poured), rows


def write_rows(
    tokenized: Path,
    names: list[str],
    out: Path,
    chosen: Chosen,
    rows: int,
    sequence_length: int,
    vocabulary: Vocabulary,
) -> list[dict[str, Any]]:
    """Write the files of rows; return their names and sizes.

    The tokens are read once, in order, and each piece is appended to the heap of its file; then heap by heap
    is laid out in memory and written. So everything is read and written from beginning to end.
    """
    out.mkdir(parents=True, exist_ok=True)
    file_rows = max(1, ROWS_FILE_TOKENS // sequence_length)
    kind = np.dtype(vocabulary.token_type().to_pandas_dtype())
    files = []
    with working_folder("pack") as scratch:
        heaps = [scratch / f"{number}" for number in range(-(-rows // file_rows))]
        _deal(_read_places(tokenized, names), chosen, file_rows, heaps)
        number_of = chosen.row // file_rows
        for number, heap in enumerate(heaps):
            own = number_of == number
            mine = chosen.select(own)
            name = f"rows-{number:05d}.arrow"
            count = min(file_rows, rows - number * file_rows)
            laid = np.full((count, sequence_length), vocabulary.pad_id, kind)
            bounds = _lay_out(heap, mine, number * file_rows, laid)
            heap.unlink()
            _write_file(out / name, laid, *bounds, row_schema(vocabulary, sequence_length))
            files.append({"name": name, "rows": count})
    return files


def _read_places(tokenized: Path, names: list[str]) -> Iterator[tuple[NDArray, NDArray[np.int32]]]:
    """Yield the tokens and offsets of batches of documents, in the order that `place` counts."""
    for name in names:
        for shard in list_shards(tokenized / name):
            for batch in read_batches(shard, ["tokens"]):
                yield token_arrays(batch.column("tokens"))


def _deal(
    batches: Iterator[tuple[NDArray, NDArray[np.int32]]], chosen: Chosen, file_rows: int, heaps: list[Path]
) -> None:
    """Append each piece's tokens to its file's heap, in the order of `chosen`."""
    opened = [open(heap, "wb") for heap in heaps]  # noqa: SIM115 -- all at once, closed below
    try:
        done = first = 0
        for values, offsets in batches:
            stop = first + len(offsets) - 1
            end = int(np.searchsorted(chosen.place, stop))
            part = chosen.select(slice(done, end))
            number = part.row // file_rows
            order = np.argsort(number, kind="stable")
            lengths = part.length[order].astype(np.int64)
            dealt = np.empty(lengths.sum(), values.dtype)
            starts = offsets[part.place - first][order].astype(np.int64) + part.start[order]
            copy_runs(values, starts, lengths, dealt, np.cumsum(lengths) - lengths)
            bounds = np.cumsum(np.bincount(number, weights=part.length, minlength=len(heaps))).astype(np.int64)
            for file, a, b in zip(opened, [0, *bounds.tolist()], bounds.tolist(), strict=False):
                if b > a:
                    dealt[a:b].tofile(file)
            first, done = stop, end
    finally:
        for file in opened:
            file.close()


def _lay_out(heap: Path, pieces: Chosen, first_row: int, laid: NDArray) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Copy a heap's pieces to their [rows, sequence_length] places; return bounds, as values and [rows + 1] offsets."""
    rows, sequence_length = laid.shape
    row = (pieces.row - first_row).astype(np.int64)
    lengths = pieces.length.astype(np.int64)
    targets = row * sequence_length + pieces.offset
    ends = np.cumsum(lengths)
    cuts = [*np.searchsorted(ends, np.arange(0, ends[-1], BATCH_TOKENS)).tolist(), len(ends)]
    with open(heap, "rb") as file:
        for start, stop in itertools.pairwise(cuts):
            own = lengths[start:stop]
            tokens = np.fromfile(file, laid.dtype, int(own.sum()))
            copy_runs(tokens, np.cumsum(own) - own, own, laid.reshape(-1), targets[start:stop])
    # Each row's bounds: where its pieces start, and where the last one ends.
    used = np.bincount(row, weights=lengths, minlength=rows).astype(np.int64)
    bounds = np.concatenate(
        [row * (sequence_length + 1) + pieces.offset, np.arange(rows) * (sequence_length + 1) + used]
    )
    bounds.sort()
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows) + 1)])
    return (bounds % (sequence_length + 1)).astype(np.int32), offsets.astype(np.int64)


def _write_file(
    path: Path, tokens: NDArray, bounds: NDArray[np.int32], offsets: NDArray[np.int64], schema: pa.Schema
) -> None:
    length = schema.field("tokens").type.list_size
    step = max(1, BATCH_TOKENS // length)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for start in range(0, len(offsets) - 1, step):
            own = offsets[start : start + step + 1]
            values = pa.array(tokens[start : start + len(own) - 1].reshape(-1))
            rows = pa.FixedSizeListArray.from_arrays(values, type=schema.field("tokens").type)
            places = pa.array((own - own[0]).astype(np.int32))
            inner = pa.array(bounds[own[0] : own[-1]])
            lists = pa.ListArray.from_arrays(places, inner, type=schema.field("bounds").type)
            stream.write(pa.RecordBatch.from_arrays([rows, lists], schema=schema))
