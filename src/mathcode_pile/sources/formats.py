"""Turn the files of a source into rows: the records of tabular files, and whole files of text, notebooks, PDF."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml

from mathcode_pile.core.errors import InputError
from mathcode_pile.sources.records import Tabular, read_records
from mathcode_pile.sources.source_rows import MAX_RECORD_BYTES, Rejected, Row

Format = Literal["parquet", "arrow", "jsonl", "csv", "text", "markdown", "notebook", "pdf"]

SUFFIXES: dict[Format, tuple[str, ...]] = {
    "parquet": (".parquet",),
    "arrow": (".arrow",),
    "jsonl": (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz", ".json"),
    "csv": (".csv", ".csv.gz"),
    "text": (".txt", ".py", ".tex", ".md"),
    "markdown": (".md",),
    "notebook": (".ipynb", ".jsonl", ".jsonl.gz"),
    "pdf": (".pdf",),
}
# What `columns` may find in the records of a source.
COLUMNS = ("text", "id", "url")
# Metadata nested deeper than this is not metadata.
MAX_DEPTH = 50


def read_rows(
    path: Path, name: str, url: str, file_format: Format, license_name: str, columns: dict[str, str]
) -> Iterator[Row | Rejected]:
    """Yield the rows of one file.

    name: the file's path within its source, the start of every key. columns: which of the file's
    columns is `text` (default text, else content), `id`, `url`; the others become metadata.
    """
    if file_format in ("parquet", "arrow", "jsonl", "csv") or (
        file_format == "notebook" and not name.endswith(".ipynb")
    ):
        tabular: Tabular = "jsonl" if file_format == "notebook" else file_format
        for number, record in enumerate(read_records(path, name, tabular), start=1):
            yield record if isinstance(record, Rejected) else _to_row(record, name, number, url, license_name, columns)
        return
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            yield Rejected(name, "too_large", f"a file of more than {MAX_RECORD_BYTES} bytes")
            return
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
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
    reason, detail = _find_fault(text)
    yield Rejected(name, reason, detail) if reason else Row(name, text, url, license_name, metadata)


def _find_fault(text: str) -> tuple[str, str]:
    """Return why a text is none that can be used, and where; two empty strings where it can be."""
    if not text.strip():
        return "no_text", ""
    if "\0" in text:
        return "nul_character", f"at character {text.index(chr(0))}"
    if len(text) > MAX_RECORD_BYTES:
        return "too_large", f"more than {MAX_RECORD_BYTES} characters"
    return "", ""


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
    reason, detail = _find_fault(text)
    if reason:
        return Rejected(key, reason, f"{name} row {number}: {detail}")
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
    try:
        return Row(key, text, found, license_name, to_json_values(rest))
    except InputError as error:
        return Rejected(key, "unreadable_metadata", f"{name} row {number}: {error}")


def to_json_values(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON can hold it: dates and other objects as their text, numbers that are none as null.

    Raises InputError where it nests deeper than MAX_DEPTH.
    """
    if depth > MAX_DEPTH:
        raise InputError(f"nested more than {MAX_DEPTH} deep")
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): to_json_values(v, depth + 1) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_json_values(part, depth + 1) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def split_front_matter(text: str, name: str) -> tuple[dict[str, Any], str]:
    """Return the YAML front matter of a Markdown file and the text after it."""
    if not text.startswith("---\n"):
        return {}, text
    front, bound, rest = text[4:].partition("\n---\n")
    if not bound:
        raise InputError(f"{name}: front matter has no closing ---")
    try:
        _refuse_hostile_yaml(front, name)
        values = yaml.safe_load(front)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{name}: front matter is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(values, dict):
        raise InputError(f"{name}: front matter must be a mapping")
    return to_json_values(values), rest.lstrip("\n")


def _refuse_hostile_yaml(front: str, name: str) -> None:
    """Raise InputError for a few lines that would take gigabytes or hours."""
    depth = 0
    for event in yaml.parse(front, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"{name}: front matter must not have aliases")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise InputError(f"{name}: front matter is nested more than {MAX_DEPTH} deep")
