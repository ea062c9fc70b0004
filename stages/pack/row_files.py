"""Write rows to files; packed.py describes the format.

Memory: one file of rows at a time (ROWS_FILE_TOKENS). The tokens pass through temporary files in the scratch folder,
which take as much space as the tokens themselves.
"""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.core.scratch import working_folder
from mathcode_pile.core.shards import list_shards, read_batches
from mathcode_pile.tokens.packed import Vocabulary, row_schema, token_arrays
from stages.pack.packing_kernel import copy_runs
from stages.pack.row_plan import Placed

# Tokens in a file of rows: 256 MB of 16-bit ids.
ROWS_FILE_TOKENS = 1 << 27
# Tokens in a record batch, which a reader maps at once; also the tokens of a heap that are read at once.
BATCH_TOKENS = 1 << 23


def write_rows(
    tokenized: Path,
    names: list[str],
    out: Path,
    pieces: Placed,
    rows: int,
    sequence_length: int,
    vocabulary: Vocabulary,
) -> list[dict[str, Any]]:
    """Write the files of rows; return their names and sizes.

    The tokens are read once, in order, and each piece is appended to the heap of its file, a temporary file. Then the
    rows of one heap after another are put together in memory and written. So every file is read and written in order.
    """
    out.mkdir(parents=True, exist_ok=True)
    file_rows = max(1, ROWS_FILE_TOKENS // sequence_length)
    kind = np.dtype(vocabulary.token_type().to_pandas_dtype())
    files = []
    with working_folder("pack") as scratch:
        heaps = [scratch / f"{number}" for number in range(-(-rows // file_rows))]
        _deal(_read_places(tokenized, names), pieces, file_rows, heaps)
        heap_of = pieces.row // file_rows
        for number, heap in enumerate(heaps):
            name = f"rows-{number:05d}.arrow"
            count = min(file_rows, rows - number * file_rows)
            laid = np.full((count, sequence_length), vocabulary.pad_id, kind)
            bounds = _lay_out(heap, pieces.select(heap_of == number), number * file_rows, laid)
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
    batches: Iterator[tuple[NDArray, NDArray[np.int32]]], pieces: Placed, file_rows: int, heaps: list[Path]
) -> None:
    """Append each piece's tokens to the heap of its file, in the order of the pieces."""
    opened = [open(heap, "wb") for heap in heaps]  # noqa: SIM115 -- all at once, closed below
    try:
        done = first = 0
        for values, offsets in batches:
            stop = first + len(offsets) - 1
            end = int(np.searchsorted(pieces.place, stop))
            part = pieces.select(slice(done, end))
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


def _lay_out(heap: Path, pieces: Placed, first_row: int, laid: NDArray) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Copy a heap's pieces to their places in `laid`; return the rows' bounds as values and [rows + 1] offsets.

    laid: [rows, sequence_length], filled with padding.
    """
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
    # A row's bounds are where its pieces start, and where the last one ends. One sort orders those of all rows, because
    # each is numbered through all rows, in which a bound may be from 0 to sequence_length.
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
