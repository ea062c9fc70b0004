"""Read the records of one tabular file: Parquet, Arrow, JSONL or an array in JSON (plain, gz, zst), CSV.

A record that cannot be used is yielded as Rejected. A file that cannot be read raises InputError. Memory holds
one batch of a columnar file, or one line of at most MAX_RECORD_BYTES, whatever the size of the file when it is
decompressed. A file that is elsewhere is read only as far as its records are asked for.
"""

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import pyarrow as pa
import pyarrow.parquet as pq

from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.downloads.remote import RemoteFile
from mathcode_pile.sources.json_array import HEAD_BYTES, begins_array, read_array
from mathcode_pile.sources.reasons import Reason
from mathcode_pile.sources.source_rows import MAX_RECORD_BYTES, Rejected

Tabular = Literal["parquet", "arrow", "jsonl", "csv"]
Records = Iterator[dict[str, Any] | Rejected]

BATCH_ROWS = 200
SKIP_BYTES = 1 << 20


def read_records(path: Path | RemoteFile, name: str, file_format: Tabular) -> Records:
    """Yield the records of a tabular file as dictionaries; name: its path within the source."""
    read = {"parquet": _read_parquet, "arrow": _read_arrow, "jsonl": _read_jsonl, "csv": _read_csv}[file_format]
    try:
        yield from read(path, name)
    except (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable {file_format} file: {first_line(error)}") from error


def _read_parquet(path: Path | RemoteFile, name: str) -> Records:
    with ExitStack() as stack:
        source = path if isinstance(path, Path) else stack.enter_context(path.open())
        file = stack.enter_context(pq.ParquetFile(source, memory_map=True))
        _refuse_twins(path, file.schema_arrow.names)
        number = 1
        for group in range(file.num_row_groups):  # one at a time: Arrow would read ahead over all of them
            for batch in file.iter_batches(batch_size=BATCH_ROWS, row_groups=[group], use_threads=False):
                yield from _to_records(batch, name, number)
                number += batch.num_rows


def _read_arrow(path: Path | RemoteFile, name: str) -> Records:
    """Read Arrow's stream format, which `datasets` writes, or its file format."""
    with pa.memory_map(str(path)) if isinstance(path, Path) else pa.PythonFile(path.open(), "r") as file:
        is_file = file.read(6) == b"ARROW1"
        file.seek(0)
        reader = pa.ipc.open_file(file) if is_file else pa.ipc.open_stream(file)
        _refuse_twins(path, reader.schema.names)
        batches: Iterable[pa.RecordBatch] = (
            (reader.get_batch(index) for index in range(reader.num_record_batches)) if is_file else reader
        )
        number = 1
        for batch in batches:
            _check_buffers(batch)
            for start in range(0, batch.num_rows, BATCH_ROWS):
                yield from _to_records(batch.slice(start, BATCH_ROWS), name, number + start)
            number += batch.num_rows


def _check_buffers(batch: pa.RecordBatch) -> None:
    """Raise ArrowInvalid where offsets point outside their buffers: Arrow does not check the files it maps."""
    for column in batch.columns:
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            if "UTF8" not in str(error):  # invalid UTF-8 rejects its record, not the whole file
                raise


def _refuse_twins(path: Path | RemoteFile, names: list[str]) -> None:
    twins = [column for column, count in Counter(names).items() if count > 1]
    if twins:
        raise InputError(f"{path}: two columns are named {twins[0]!r}")


def _to_records(batch: pa.RecordBatch, name: str, number: int) -> Records:
    """Yield a batch's rows; those with a value that Python cannot hold as Rejected. number: of the first row."""
    schema = pa.schema([field.with_type(_in_utc(field.type)) for field in batch.schema])
    batch = batch if schema.equals(batch.schema) else batch.cast(schema)
    try:
        yield from batch.to_pylist()
    except (ValueError, OverflowError):
        for row in range(batch.num_rows):
            try:
                (record,) = batch.slice(row, 1).to_pylist()
            except (ValueError, OverflowError) as error:
                reason = Reason.INVALID_UTF8 if isinstance(error, UnicodeDecodeError) else Reason.UNREADABLE_VALUE
                record = Rejected(f"{name}#{number + row}", reason, first_line(error))
            yield record


def _in_utc(kind: pa.DataType) -> pa.DataType:
    """Return a type whose times are in UTC, as Arrow stores them: the names of time zones differ between machines."""
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        return pa.timestamp(kind.unit, "UTC")
    if pa.types.is_struct(kind):
        return pa.struct([kind.field(index).with_type(_in_utc(kind.field(index).type)) for index in range(len(kind))])
    if pa.types.is_map(kind):
        return pa.map_(_in_utc(kind.key_type), _in_utc(kind.item_type))
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        make = pa.list_ if pa.types.is_list(kind) else pa.large_list
        return make(kind.value_field.with_type(_in_utc(kind.value_type)))
    return kind


def _read_jsonl(path: Path | RemoteFile, name: str) -> Records:
    with open_decompressed(path) as file:
        if begins_array(file):
            yield from read_array(file, path, name)
            return
        for number, line in enumerate(_bounded_lines(file), start=1):
            key = f"{name}#{number}"
            if line is None:
                yield Rejected(key, Reason.TOO_LARGE, f"a line of more than {MAX_RECORD_BYTES} bytes")
                continue
            try:
                text = line.decode("utf-8-sig")
            except UnicodeDecodeError as error:
                yield Rejected(key, Reason.INVALID_UTF8, str(error))
                continue
            if not text.strip():
                continue
            try:
                record = json.loads(text)
            except (ValueError, RecursionError) as error:
                yield Rejected(key, Reason.NOT_JSON, first_line(error))
                continue
            if isinstance(record, dict):
                yield record
            else:
                yield Rejected(key, Reason.NOT_JSON, f"a {type(record).__name__}, not an object")


def _bounded_lines(file: BinaryIO) -> Iterator[bytes | None]:
    """Yield the lines of a file; None for a line longer than MAX_RECORD_BYTES."""
    while line := file.readline(MAX_RECORD_BYTES + 1):
        if len(line) <= MAX_RECORD_BYTES:
            yield line
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(SKIP_BYTES)
        yield None


def _read_csv(path: Path | RemoteFile, name: str) -> Records:
    csv.field_size_limit(MAX_RECORD_BYTES)
    with open_decompressed(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file, strict=True)
        header = next(rows, [])
        _refuse_twins(path, header)
        for number, values in enumerate(rows, start=1):
            if len(values) == len(header):
                yield dict(zip(header, values, strict=True))
            elif values:
                detail = f"{len(values)} values for {len(header)} columns"
                yield Rejected(f"{name}#{number}", Reason.WRONG_COLUMN_COUNT, detail)


def open_decompressed(path: Path | RemoteFile) -> io.BufferedReader:
    """Open a file for reading; one named .gz or .zst is decompressed."""
    file = _open(path)
    if not path.name.endswith((".gz", ".zst")):
        return file
    if not file.peek(1):
        raise EOFError("it is empty, which a compressed file never is")
    # Arrow's reader raises where a stream was cut; the zstandard package's reader just ends.
    packed = gzip.GzipFile(fileobj=file) if path.name.endswith(".gz") else pa.input_stream(file, compression="zstd")
    return io.BufferedReader(cast(io.RawIOBase, packed), HEAD_BYTES)


def _open(path: Path | RemoteFile) -> io.BufferedReader:
    return io.BufferedReader(io.FileIO(path), HEAD_BYTES) if isinstance(path, Path) else path.open()
