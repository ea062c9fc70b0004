"""Read the records of one tabular file: Parquet, Arrow, JSONL (plain, gz, zst), CSV.

A record that cannot be used is yielded as Rejected. A file that cannot be read raises InputError. Memory holds
one batch of a columnar file, or one line of at most MAX_RECORD_BYTES, whatever the size of the file when it is
decompressed.
"""

import csv
import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import pyarrow as pa
import pyarrow.parquet as pq

from mathcode_pile.core.errors import InputError, first_line
from mathcode_pile.sources.reasons import Reason
from mathcode_pile.sources.source_rows import MAX_RECORD_BYTES, Rejected

Tabular = Literal["parquet", "arrow", "jsonl", "csv"]
Records = Iterator[dict[str, Any] | Rejected]

BATCH_ROWS = 200
SKIP_BYTES = 1 << 20


def read_records(path: Path, name: str, file_format: Tabular) -> Records:
    """Yield the records of a tabular file as dictionaries."""
    read = {"parquet": _read_parquet, "arrow": _read_arrow, "jsonl": _read_jsonl, "csv": _read_csv}[file_format]
    try:
        yield from read(path, name)
    except (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable {file_format} file: {first_line(error)}") from error


def _read_parquet(path: Path, name: str) -> Records:
    with pq.ParquetFile(path, memory_map=True) as file:
        _refuse_twins(path, file.schema_arrow.names)
        number = 1
        for batch in file.iter_batches(batch_size=BATCH_ROWS, use_threads=False):
            yield from _to_records(batch, name, number)
            number += batch.num_rows


def _read_arrow(path: Path, name: str) -> Records:
    """Read Arrow's stream format, which `datasets` writes, or its file format."""
    with pa.memory_map(str(path)) as file:
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


def _refuse_twins(path: Path, names: list[str]) -> None:
    twins = [column for column, count in Counter(names).items() if count > 1]
    if twins:
        raise InputError(f"{path}: two columns are named {twins[0]!r}")


def _to_records(batch: pa.RecordBatch, name: str, number: int) -> Records:
    """Yield a batch's rows; those with a value that Python cannot hold as Rejected. number: of the first row."""
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


def _read_jsonl(path: Path, name: str) -> Records:
    with open_decompressed(path) as file:
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


def _read_csv(path: Path, name: str) -> Records:
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


def open_decompressed(path: Path) -> BinaryIO:
    """Open a file for reading; one named .gz or .zst is decompressed."""
    if not path.name.endswith((".gz", ".zst")):
        return open(path, "rb")
    if not path.stat().st_size:
        raise EOFError("it is empty, which a compressed file never is")
    if path.name.endswith(".gz"):
        return cast(BinaryIO, gzip.open(path, "rb"))
    # Arrow's reader raises where a stream was cut; the zstandard package's reader just ends.
    return cast(BinaryIO, io.BufferedReader(pa.input_stream(str(path), compression="zstd")))
