"""Folders of Parquet shards: read in batches, written beside their place and renamed.

A shard is `part-00000.parquet`, `part-00001.parquet` and on. Its bytes depend on its rows alone.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathcode_pile.core.documents import DOCUMENT
from mathcode_pile.core.errors import InputError, first_line

# A row group is what a reader holds in memory at once.
ROW_GROUP_BYTES = 16 << 20
ROW_GROUP_ROWS = 20_000
SHARD_BYTES = 256 << 20


def shard_name(index: int) -> str:
    """Return the file name of a folder's shard number `index`."""
    return f"part-{index:05d}.parquet"


def list_shards(folder: Path) -> list[Path]:
    """Return the shards of a folder in order, those of its subfolders not included.

    Raises InputError where the folder is missing. A folder without shards is an empty corpus.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    return sorted(folder.glob("part-*.parquet"))


def read_batches(shard: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a shard, one row group at a time; of a shard that was made elsewhere as ours have them.

    Raises InputError where the file is not whole Parquet, lacks a column, or has a row without an id.
    """
    with _naming(shard), pq.ParquetFile(shard, memory_map=True) as file:
        _require(shard, file.schema_arrow, columns or [])
        for group in range(file.num_row_groups):
            table = file.read_row_group(group, columns=columns, use_threads=False)
            for batch in table.combine_chunks().to_batches():
                yield _as_ours(batch, shard)


def _as_ours(batch: pa.RecordBatch, shard: Path) -> pa.RecordBatch:
    """Return a batch with the types of our columns, where a null is an empty text and missing metadata are `{}`.

    Each stage has its own rule for documents without text.
    """
    schema = _our_schema(batch.schema)
    batch = batch if schema.equals(batch.schema) else batch.cast(schema)
    for name in DOCUMENT.names:
        place = schema.get_field_index(name)
        if place < 0 or not _is_text(schema.field(place).type):
            continue
        column = batch.column(place)
        if name == "id" and column.null_count:
            raise InputError(f"{shard}: a row has no id")
        if column.null_count:
            column = pc.fill_null(column, "")
        if name == "metadata" and pc.any(pc.equal(column, "")).as_py():
            column = pc.if_else(pc.equal(column, ""), "{}", column)
        if column is not batch.column(place):
            batch = batch.set_column(place, schema.field(place), column)
    return batch


def _is_text(kind: pa.DataType) -> bool:
    """Say whether a column may hold text; one of nulls alone has no type of its own."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
    return any(test(kind) for test in tests)


def _our_schema(schema: pa.Schema) -> pa.Schema:
    """Return a schema in which the columns of documents have their types, where they are text of any kind."""
    for ours in DOCUMENT:
        place = schema.get_field_index(ours.name)
        if place >= 0 and _is_text(schema.field(place).type) and schema.field(place).type != ours.type:
            schema = schema.set(place, schema.field(place).with_type(ours.type))
    return schema


def read_schema(shard: Path, columns: Sequence[str] = ()) -> pa.Schema:
    """Return a shard's schema as read_batches has it; raises InputError where the file lacks one of `columns`."""
    with _naming(shard):
        schema = _our_schema(pq.read_schema(shard))
    _require(shard, schema, columns)
    return schema


def count_shard(shard: Path) -> int:
    """Return the number of a shard's rows, from its footer; raises InputError where the file is not Parquet."""
    with _naming(shard):
        return int(pq.read_metadata(shard).num_rows)


def _require(shard: Path, schema: pa.Schema, columns: Sequence[str]) -> None:
    for column in columns:
        if column not in schema.names:
            raise InputError(f"{shard}: no column {column!r}")


@contextmanager
def _naming(shard: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{shard}: not a readable Parquet file: {first_line(error)}") from error


def read_rows(folder: Path, columns: Sequence[str] | None = None) -> Iterator[dict[str, Any]]:
    """Yield the rows of a folder's shards as dictionaries, for small folders and for tests."""
    for shard in list_shards(folder):
        for batch in read_batches(shard, columns):
            yield from batch.to_pylist()


def number_batches(shard: Path, columns: Sequence[str] | None = None) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield each batch of a shard, as read_batches does, with the number of its first row."""
    start = 0
    for batch in read_batches(shard, columns):
        yield start, batch
        start += batch.num_rows


def count_rows(folder: Path) -> int:
    """Return the number of rows in a folder's shards, from their footers."""
    return sum(map(count_shard, list_shards(folder)))


def sync_folder(folder: Path) -> None:
    """Make a rename inside `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class ShardWriter:
    """Writes one shard; it takes its name only when the block ends without an error.

    Rows are buffered to row groups bounded in bytes and rows, whatever the size of the batches
    written: the same rows give the same file.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self.schema = schema
        self.rows = 0
        self._partial = path.with_name(f".{path.name}.partial")
        self._buffer: list[pa.RecordBatch] = []
        self._buffer_bytes = 0
        self._buffer_rows = 0

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = pq.ParquetWriter(
            self._partial, self.schema, compression="zstd", write_statistics=False, **_encodings(self.schema)
        )
        return self

    def write(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Append the rows of a batch of the schema; a null where none may be raises InputError."""
        batches = batch.to_batches() if isinstance(batch, pa.Table) else [batch]
        for one in batches:
            self._refuse_nulls(one)
            # Sizes are added up row by row, so row groups do not depend on how rows were batched.
            start = 0
            sizes = _row_bytes(one)
            for row in range(one.num_rows):
                self._buffer_bytes += int(sizes[row])
                self._buffer_rows += 1
                if self._buffer_bytes >= ROW_GROUP_BYTES or self._buffer_rows >= ROW_GROUP_ROWS:
                    self._buffer.append(one.slice(start, row + 1 - start))
                    start = row + 1
                    self._flush()
            if start < one.num_rows:
                self._buffer.append(one.slice(start))
            self.rows += one.num_rows

    def write_rows(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows given as dictionaries; a missing, null or wrong value raises InputError."""
        if rows:
            self.write(to_batch(rows, self.schema, self.path))

    def _refuse_nulls(self, batch: pa.RecordBatch) -> None:
        for field, column in zip(self.schema, batch.columns, strict=True):
            if not field.nullable and column.null_count:
                row = self.rows + column.is_null().index(True).as_py() + 1
                raise InputError(f"{self.path}: row {row}: column {field.name!r} is missing or null")

    def _flush(self) -> None:
        if self._buffer:
            table = pa.Table.from_batches(self._buffer, schema=self.schema).combine_chunks()
            self._file.write_table(table, row_group_size=max(1, table.num_rows))
        self._buffer, self._buffer_bytes, self._buffer_rows = [], 0, 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._flush()
        self._file.close()
        if kind is not None:
            self._partial.unlink(missing_ok=True)
            return
        with open(self._partial, "rb") as file:
            os.fsync(file.fileno())
        self._partial.rename(self.path)
        sync_folder(self.path.parent)


class LazyShard:
    """A shard that exists only if it gets a row."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.schema = schema
        self._path = path
        self._writer: ShardWriter | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def write(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Append the rows of a batch, as ShardWriter does."""
        if batch.num_rows:
            self._opened().write(batch)

    def write_rows(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows given as dictionaries, as ShardWriter does."""
        if rows:
            self._opened().write_rows(rows)

    def _opened(self) -> ShardWriter:
        if self._writer is None:
            self._writer = self._open.enter_context(ShardWriter(self._path, self.schema))
        return self._writer

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)


class ShardsWriter:
    """Writes shards of about `shard_bytes` of uncompressed text each. Without rows, the folder stays empty.

    A shard ends at the first row that reaches the limit, so the bounds do not depend on the batches.
    """

    def __init__(self, folder: Path, schema: pa.Schema, shard_bytes: int = SHARD_BYTES) -> None:
        self.schema = schema
        self.rows = 0
        self._folder, self._shard_bytes = folder, shard_bytes
        self._index = self._held = 0
        self._shard: ShardWriter | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def write(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Append the rows of a batch of the schema."""
        for one in batch.to_batches() if isinstance(batch, pa.Table) else [batch]:
            sizes = _row_bytes(one)
            start = 0
            for row in range(one.num_rows):
                self._held += int(sizes[row])
                if self._held >= self._shard_bytes:
                    self._opened().write(one.slice(start, row + 1 - start))
                    self._open.close()
                    self._shard, self._held, start, self._index = None, 0, row + 1, self._index + 1
            if start < one.num_rows:
                self._opened().write(one.slice(start))
            self.rows += one.num_rows

    def write_rows(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows given as dictionaries; a missing, null or wrong value raises InputError."""
        if rows:
            self.write(to_batch(rows, self.schema, self._folder))

    def _opened(self) -> ShardWriter:
        if self._shard is None:
            self._shard = self._open.enter_context(ShardWriter(self._folder / shard_name(self._index), self.schema))
        return self._shard

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)


def to_batch(rows: Sequence[dict[str, Any]], schema: pa.Schema, place: Path) -> pa.RecordBatch:
    """Return rows as a batch of a schema; a missing or wrong value raises InputError, which names `place`."""
    try:
        return pa.RecordBatch.from_pylist(list(rows), schema=schema)
    except (pa.ArrowException, UnicodeEncodeError, OverflowError) as error:
        raise InputError(f"{place}: {first_line(error)}") from error


def _encodings(schema: pa.Schema) -> dict[str, Any]:
    """Return the encodings of columns: dictionaries, except for token ids, which BYTE_STREAM_SPLIT makes smaller."""
    ids = [f.name for f in schema if pa.types.is_list(f.type) and pa.types.is_unsigned_integer(f.type.value_type)]
    if not ids:
        return {}
    return {
        "use_dictionary": [name for name in schema.names if name not in ids],
        "column_encoding": {f"{name}.list.element": "BYTE_STREAM_SPLIT" for name in ids},
    }


def _row_bytes(batch: pa.RecordBatch) -> Any:
    """[rows] bytes of each row's strings, which is what makes a row large."""
    import numpy as np

    total = np.zeros(batch.num_rows, dtype=np.int64)
    for column in batch.columns:
        if (
            pa.types.is_large_string(column.type)
            or pa.types.is_string(column.type)
            or pa.types.is_large_binary(column.type)
            or pa.types.is_binary(column.type)
        ):
            total += pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
        elif pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
            total += lengths.astype(np.int64) * 8
    return total


def write_shards(
    folder: Path, batches: Iterable[pa.RecordBatch], schema: pa.Schema, shard_bytes: int = SHARD_BYTES
) -> int:
    """Write batches as ShardsWriter does; return the rows."""
    with ShardsWriter(folder, schema, shard_bytes) as writer:
        for batch in batches:
            writer.write(batch)
    return writer.rows
