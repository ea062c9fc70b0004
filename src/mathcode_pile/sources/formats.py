"""Read the records of one local file: Parquet, Arrow, JSONL (plain, gz, zst), text, Markdown, notebooks, PDF.

A record that cannot be used is yielded as Rejected; a file that cannot be read raises InputError.
"""

import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from mathcode_pile.errors import InputError
from mathcode_pile.sources.rows import Rejected, Row

Format = Literal["parquet", "arrow", "jsonl", "text", "markdown", "notebook", "pdf"]

SUFFIXES: dict[Format, tuple[str, ...]] = {
    "parquet": (".parquet",),
    "arrow": (".arrow",),
    "jsonl": (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz", ".json"),
    "text": (".txt", ".py", ".tex", ".md"),
    "markdown": (".md",),
    "notebook": (".ipynb", ".jsonl", ".jsonl.gz"),
    "pdf": (".pdf",),
}


def read_records(path: Path, name: str, file_format: Format) -> Iterator[dict[str, Any] | Rejected]:
    """Yield the records of a tabular file as dictionaries, one row group or line at a time."""
    if file_format == "parquet":
        yield from _read_parquet(path)
    elif file_format == "arrow":
        yield from _read_arrow(path)
    else:
        yield from _read_jsonl(path, name)


def _read_parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            for batch in file.iter_batches(batch_size=1000, use_threads=False):
                yield from batch.to_pylist()
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a readable Parquet file: {str(error).splitlines()[0]}") from error


def _read_arrow(path: Path) -> Iterator[dict[str, Any]]:
    """Read the stream format that `datasets` writes, or the file format."""
    try:
        with pa.memory_map(str(path)) as file:
            try:
                for batch in pa.ipc.open_stream(file):
                    yield from batch.to_pylist()
            except pa.ArrowInvalid:
                reader = pa.ipc.open_file(file)
                for index in range(reader.num_record_batches):
                    yield from reader.get_batch(index).to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path}: not a readable Arrow file: {str(error).splitlines()[0]}") from error


def _read_jsonl(path: Path, name: str) -> Iterator[dict[str, Any] | Rejected]:
    try:
        with open_decompressed(path) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line.decode("utf-8"))
                except UnicodeDecodeError as error:
                    yield Rejected(f"{name}#{number}", "invalid_utf8", str(error))
                    continue
                except (ValueError, RecursionError) as error:
                    yield Rejected(f"{name}#{number}", "not_json", str(error).splitlines()[0])
                    continue
                if isinstance(record, dict):
                    yield record
                else:
                    yield Rejected(f"{name}#{number}", "not_json", f"a {type(record).__name__}, not an object")
    except (EOFError, zlib.error, OSError) as error:
        raise InputError(f"{path}: not a whole file: {str(error).splitlines()[0]}") from error


def open_decompressed(path: Path) -> BinaryIO:
    """Open a file for reading, through gzip or zstd where its name says so."""
    if path.name.endswith(".gz"):
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.name.endswith(".zst"):
        # Arrow's reader says where a stream was cut; the zstandard package's ends in silence.
        return io.BufferedReader(pa.input_stream(str(path), compression="zstd"))
    return open(path, "rb")


def read_rows(
    path: Path, name: str, url: str, file_format: Format, license_name: str, columns: dict[str, str]
) -> Iterator[Row | Rejected]:
    """Yield the rows of one file.

    name: the file's path within its source, the start of every key. columns: which of the file's
    columns is `text` (default text, else content), `id`, `url`; the others become metadata.
    """
    if file_format in ("parquet", "arrow", "jsonl") or (file_format == "notebook" and not name.endswith(".ipynb")):
        tabular: Format = "jsonl" if file_format == "notebook" else file_format
        for number, record in enumerate(read_records(path, name, tabular), start=1):
            yield record if isinstance(record, Rejected) else _to_row(record, name, number, url, license_name, columns)
        return
    content = path.read_bytes()
    if file_format == "pdf":
        yield Row(name, content, url, license_name, {"path": name})
        return
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        yield Rejected(name, "invalid_utf8", str(error))
        return
    metadata: dict[str, Any] = {"path": name}
    if file_format == "markdown":
        front, text = split_front_matter(text, name)
        metadata |= front
    yield Row(name, text, url, license_name, metadata) if text.strip() else Rejected(name, "no_text", "")


def _to_row(
    record: dict[str, Any], name: str, number: int, url: str, license_name: str, columns: dict[str, str]
) -> Row | Rejected:
    text_column = columns.get("text") or ("content" if "content" in record and "text" not in record else "text")
    identity = record.get(columns.get("id", "id"))
    key = f"{name}#{number}" if identity in (None, "") else f"{name}:{identity}"
    text = record.get(text_column)
    if not isinstance(text, str) or not text.strip():
        kind = "missing" if text is None else "empty" if isinstance(text, str) else f"a {type(text).__name__}"
        return Rejected(key, "no_text", f"{name} row {number}: column {text_column!r} is {kind}")
    row_url = record.get(columns.get("url", "url"))
    rest = {k: v for k, v in record.items() if k not in (text_column, "id", "url")}
    if isinstance(rest.get("metadata"), dict):
        rest |= rest.pop("metadata")
    found = row_url if isinstance(row_url, str) else f"{url}#{number}"
    try:
        for part in (text, key, found):
            part.encode("utf-8")
    except UnicodeEncodeError as error:
        return Rejected(key.encode("utf-8", "backslashreplace").decode(), "invalid_utf8", str(error))
    return Row(key, text, found, license_name, _jsonable(rest))


def _jsonable(values: dict[str, Any]) -> dict[str, Any]:
    return json.loads(json.dumps(values, default=str, ensure_ascii=True))


def split_front_matter(text: str, name: str) -> tuple[dict[str, Any], str]:
    """Return the YAML front matter of a Markdown file and the text after it."""
    if not text.startswith("---\n"):
        return {}, text
    front, bound, rest = text[4:].partition("\n---\n")
    if not bound:
        raise InputError(f"{name}: front matter has no closing ---")
    try:
        values = yaml.safe_load(front)
    except yaml.YAMLError as error:
        raise InputError(f"{name}: front matter is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise InputError(f"{name}: front matter must be a mapping")
    return _jsonable(values), rest.lstrip("\n")
