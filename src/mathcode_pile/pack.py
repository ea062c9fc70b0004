"""Mix the components and pack them into rows: exactly what was asked, no token lost, hardly any padding.

The rows depend on the documents, the params and the seed, not on how the documents lie in shards: documents
are put in the order of a hash of id and seed, packed by best-fit decreasing, and the rows shuffled with the
seed. That is the order of training. Memory: the plan takes about 60 bytes a document and repetition (1.2 GB
for 20 million), and one file of rows is in memory at a time (ROWS_FILE_TOKENS); the tokens pass through
temporary files of their own size in the scratch folder.
"""

import csv
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray
from pydantic import Field

from mathcode_pile.errors import InputError, ParamsError
from mathcode_pile.kernels.packing import copy_runs, pack_pieces
from mathcode_pile.mixture import Documents, Pieces, ShareParams, ask_tokens, choose_pieces
from mathcode_pile.packed import (
    Vocabulary,
    list_components,
    read_vocabulary,
    row_schema,
    token_arrays,
)
from mathcode_pile.params import Section
from mathcode_pile.scratch import scratch_folder
from mathcode_pile.shards import list_shards, read_batches

# Tokens in a file of rows: 256 MB of 16-bit ids.
ROWS_FILE_TOKENS = 1 << 27
# Tokens in a record batch, which a reader maps at once.
BATCH_TOKENS = 1 << 23


class PackParams(Section):
    """The rows."""

    sequence_length: int = Field(ge=2)
    """Tokens per row, begin- and end-of-text tokens included."""
    tokens: int | None = Field(default=None, ge=1)
    """The overall budget; null: what the mixture comes to."""
    max_epochs: float = Field(gt=0)
    """A component repeated more often than this is an error."""
    seed: int


class Chosen(NamedTuple):  # the pieces of all components, with where they come from and go to
    place: NDArray[np.int64]
    """Of the piece's document in the order of reading, all components counted through."""
    start: NDArray[np.int32]
    length: NDArray[np.int32]
    row: NDArray[np.int32]
    offset: NDArray[np.int32]
    """Of the piece in its row."""

    def select(self, which: Any) -> "Chosen":
        """Return some of the pieces."""
        return Chosen(self.place[which], self.start[which], self.length[which], self.row[which], self.offset[which])


def pack(tokenized: Path, out: Path, params: PackParams, mixture: Mapping[str, ShareParams]) -> dict[str, Any]:
    """Write rows and pack.json to a folder; return the stage's metrics.

    Raises InputError where components were tokenized with different tokenizers, ParamsError where the mixture
    cannot be met.
    """
    names = [name for name in mixture if name in list_components(tokenized)]
    names += [name for name in list_components(tokenized) if name not in mixture]
    vocabulary = _one_vocabulary(tokenized, names)
    documents, first = {}, 0
    for name in names:
        documents[name] = read_documents(tokenized / name, params.seed, first)
        first += len(documents[name].lengths)
    available = {name: int(d.lengths.sum(dtype=np.int64)) for name, d in documents.items() if len(d.lengths)}
    asked = ask_tokens(mixture, available, params.tokens, params.max_epochs)
    pieces = {name: choose_pieces(documents[name], asked.get(name, 0), params.sequence_length) for name in names}
    chosen, rows = plan_rows([documents[n] for n in names], [pieces[n] for n in names], params)
    if rows == 0:
        raise ParamsError("mixture: no component has tokens to train on")
    del documents
    files = write_rows(tokenized, names, out, chosen, rows, params.sequence_length, vocabulary)
    tokens = int(chosen.length.sum(dtype=np.int64))
    content = {
        "sequence_length": params.sequence_length,
        "vocabulary_size": vocabulary.size,
        "bos_id": vocabulary.bos_id,
        "eos_id": vocabulary.eos_id,
        "pad_id": vocabulary.pad_id,
        "rows": rows,
        "tokens": tokens,
        "files": files,
    }
    (out / "pack.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    metrics: dict[str, Any] = {"rows": rows, "tokens": tokens}
    metrics["padding"] = round(1 - tokens / (rows * params.sequence_length), 6)
    metrics["pieces"] = len(chosen.length)
    return metrics | _account(asked, available, pieces, tokens)


def _one_vocabulary(tokenized: Path, names: list[str]) -> Vocabulary:
    if not names:
        raise InputError(f"{tokenized}: no tokenized component")
    vocabularies = {name: read_vocabulary(tokenized / name) for name in names}
    for name, vocabulary in vocabularies.items():
        if vocabulary != vocabularies[names[0]]:
            raise InputError(f"{tokenized}: {names[0]} and {name} were tokenized with different tokenizers")
    return vocabularies[names[0]]


def _account(
    asked: Mapping[str, float], available: Mapping[str, int], pieces: Mapping[str, Pieces], tokens: int
) -> dict[str, Any]:
    """Return, for each component, what it has, what was asked, what was got, and how much of that repeats."""
    metrics: dict[str, Any] = {}
    for name, wanted in asked.items():
        has, got = available.get(name, 0), pieces[name].tokens if name in pieces else 0
        metrics[f"{name}_available"] = has
        metrics[f"{name}_asked"] = round(wanted)
        metrics[f"{name}_tokens"] = got
        metrics[f"{name}_repeated"] = max(0, got - has)
        metrics[f"{name}_share"] = round(got / tokens, 6)
        metrics[f"{name}_epochs"] = round(got / has, 6) if has else 0.0
    return metrics


def write_mixture(path: Path, metrics: Mapping[str, Any], names: list[str]) -> None:
    """Write the table of what the mixture became: component, tokens, share, epochs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(["component", "tokens", "share", "epochs"])
        table.writerows(
            [name, *(metrics[f"{name}_{what}"] for what in ("tokens", "share", "epochs"))] for name in names
        )


def read_documents(folder: Path, seed: int, first: int) -> Documents:
    """Return a component's documents in the order of their hashes; first: the place of the first one read."""
    hashes, lengths = [np.empty(0, np.uint64)], [np.empty(0, np.int32)]
    for shard in list_shards(folder):
        for batch in read_batches(shard, ["id", "tokens"]):
            names = batch.column("id").to_pylist()
            hashes.append(np.array([xxhash.xxh3_64_intdigest(n.encode("utf-8"), seed) for n in names], np.uint64))
            lengths.append(np.diff(token_arrays(batch.column("tokens"))[1]))
    keys, sizes = np.concatenate(hashes), np.concatenate(lengths).astype(np.int32)
    if len(sizes) and sizes.min() < 1:
        raise InputError(f"{folder}: a document without tokens")
    order = np.argsort(keys, kind="stable")
    return Documents(keys[order], sizes[order], order + first)


def plan_rows(documents: list[Documents], pieces: list[Pieces], params: PackParams) -> tuple[Chosen, int]:
    """Return every piece with its row and its place in it, in the order of reading, and the number of rows."""
    length = np.concatenate([p.length for p in pieces])
    plan = pack_pieces(length, params.sequence_length)
    shuffle = np.random.default_rng([params.seed, plan.rows]).permutation(plan.rows).astype(np.int32)
    place = np.concatenate([d.places[p.document] for d, p in zip(documents, pieces, strict=True)])
    start = np.concatenate([p.start for p in pieces])
    order = np.argsort(place, kind="stable")
    row = shuffle[plan.row] if plan.rows else plan.row
    return Chosen(place[order], start[order], length[order], row[order], plan.start[order]), plan.rows


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
    with tempfile.TemporaryDirectory(dir=scratch_folder("pack")) as temporary:
        heaps = [Path(temporary, f"{number}") for number in range(-(-rows // file_rows))]
        _deal(_read_places(tokenized, names), chosen, file_rows, heaps)
        number_of = chosen.row // file_rows
        for number, heap in enumerate(heaps):
            own = number_of == number
            mine = chosen.select(own)
            name = f"rows-{number:05d}.arrow"
            count = min(file_rows, rows - number * file_rows)
            tokens = np.fromfile(heap, kind)
            heap.unlink()
            laid = _lay_out(tokens, mine, number * file_rows, count, sequence_length, vocabulary.pad_id)
            _write_file(out / name, *laid, row_schema(vocabulary, sequence_length))
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


def _lay_out(
    tokens: NDArray, pieces: Chosen, first_row: int, rows: int, sequence_length: int, pad_id: int
) -> tuple[NDArray, NDArray[np.int32], NDArray[np.int64]]:
    """Return [rows * sequence_length] tokens, and the values and [rows + 1] offsets of the rows' bounds."""
    laid = np.full(rows * sequence_length, pad_id, tokens.dtype)
    row = (pieces.row - first_row).astype(np.int64)
    lengths = pieces.length.astype(np.int64)
    copy_runs(tokens, np.cumsum(lengths) - lengths, lengths, laid, row * sequence_length + pieces.offset)
    # Each row's bounds: where its pieces start, and where the last one ends.
    used = np.bincount(row, weights=lengths, minlength=rows).astype(np.int64)
    bounds = np.concatenate(
        [row * (sequence_length + 1) + pieces.offset, np.arange(rows) * (sequence_length + 1) + used]
    )
    bounds.sort()
    offsets = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=rows) + 1)])
    return laid, (bounds % (sequence_length + 1)).astype(np.int32), offsets.astype(np.int64)


def _write_file(
    path: Path, tokens: NDArray, bounds: NDArray[np.int32], offsets: NDArray[np.int64], schema: pa.Schema
) -> None:
    length = schema.field("tokens").type.list_size
    step = max(1, BATCH_TOKENS // length)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as stream:
        for start in range(0, len(offsets) - 1, step):
            own = offsets[start : start + step + 1]
            values = pa.array(tokens[start * length : (start + len(own) - 1) * length])
            rows = pa.FixedSizeListArray.from_arrays(values, type=schema.field("tokens").type)
            places = pa.array((own - own[0]).astype(np.int32))
            inner = pa.array(bounds[own[0] : own[-1]])
            lists = pa.ListArray.from_arrays(places, inner, type=schema.field("bounds").type)
            stream.write(pa.RecordBatch.from_arrays([rows, lists], schema=schema))
