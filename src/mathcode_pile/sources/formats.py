"""Turn the files of a source into rows: one for each record of a table, page of a crawl, or file of another format."""

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast, get_args

import yaml

from mathcode_pile.core.errors import InputError, printable
from mathcode_pile.downloads.remote import RemoteFile
from mathcode_pile.sources.html import Fault, Page, read_page
from mathcode_pile.sources.html.warc import read_warc
from mathcode_pile.sources.reasons import Reason
from mathcode_pile.sources.records import Tabular, read_records
from mathcode_pile.sources.source_rows import MAX_RECORD_BYTES, Rejected, Row, attempt_record

Format = Literal["parquet", "arrow", "jsonl", "csv", "text", "markdown", "notebook", "pdf", "html", "warc"]

SUFFIXES: dict[Format, tuple[str, ...]] = {
    "parquet": (".parquet",),
    "arrow": (".arrow",),
    "jsonl": (".jsonl", ".jsonl.gz", ".jsonl.zst", ".json.gz", ".json"),
    "csv": (".csv", ".csv.gz"),
    "text": (".txt", ".py", ".tex", ".md"),
    "markdown": (".md",),
    "notebook": (".ipynb", ".jsonl", ".jsonl.gz"),
    "pdf": (".pdf",),
    "html": (".html", ".htm", ".xhtml"),
    "warc": (".warc", ".warc.gz", ".warc.zst"),
}
# The names that `columns` of a source may map to columns of its files.
COLUMNS = ("text", "id", "url")
# What is written for an id that is missing, in lower case.
NO_ID = ("", "nan", "none", "null", "na", "n/a", "<na>")
# Real metadata is not nested deeper than this.
MAX_DEPTH = 50


class Place(NamedTuple):  # where rows come from
    name: str
    """The file's path within its source. Every key begins with it."""
    url: str
    license: str


def is_tabular(file_format: Format, name: str) -> bool:
    """Say whether a file has several rows, and is not one document."""
    return file_format in get_args(Tabular) or (file_format == "notebook" and not name.endswith(".ipynb"))


def read_rows(
    path: Path | RemoteFile, place: Place, file_format: Format, columns: dict[str, str]
) -> Iterator[Row | Rejected]:
    """Yield the rows of one file; a file that is elsewhere must be tabular.

    columns: which of the file's columns are `text` (default text, else content), `id` and `url`. All other
    columns become metadata.
    """
    name = place.name
    if file_format == "warc":
        assert isinstance(path, Path)
        for key, url, made, metadata in read_warc(path):
            yield _to_page_row(f"{name}:{key}", url or place.url, place.license, made, metadata)
        return
    if not is_tabular(file_format, name):
        assert isinstance(path, Path)
        yield attempt_record(name, _read_file, path, place, file_format)
        return
    tabular = cast(Tabular, "jsonl" if file_format == "notebook" else file_format)
    for number, record in enumerate(read_records(path, name, tabular), start=1):
        if isinstance(record, Rejected):
            yield record
        else:
            identity = record.get(columns.get("id", "id"))
            key = f"{name}#{number}" if _is_missing(identity) else f"{name}:{identity}"
            yield attempt_record(key, _to_row, record, key, number, place, columns)


def _is_missing(identity: Any) -> bool:
    """Say whether an id is none: null, NaN, blank, or the word that a library writes for one of these."""
    if isinstance(identity, float):
        return math.isnan(identity)
    return identity is None or (isinstance(identity, str) and identity.strip().lower() in NO_ID)


def _read_file(path: Path, place: Place, file_format: Format) -> Row | Rejected:
    name = place.name
    try:
        if path.stat().st_size > MAX_RECORD_BYTES:
            return Rejected(name, Reason.TOO_LARGE, f"a file of more than {MAX_RECORD_BYTES} bytes")
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    metadata: dict[str, Any] = {"path": name}
    if file_format == "pdf":
        return Row(name, content, place.url, place.license, metadata)
    if file_format == "html":
        return _to_page_row(name, place.url, place.license, read_page(content), metadata)
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        return Rejected(name, Reason.INVALID_UTF8, str(error))
    if file_format == "markdown":
        try:
            front, text = split_front_matter(text)
        except InputError as error:
            return Rejected(name, Reason.UNREADABLE_FRONT_MATTER, str(error))
        metadata |= front
    if fault := _find_fault(text):
        return Rejected(name, *fault)
    return Row(name, text, place.url, place.license, metadata)


def _to_page_row(
    key: str, url: str, license: str, made: Page | Fault | Rejected, metadata: dict[str, Any]
) -> Row | Rejected:
    """Return a page of HTML as a row. Its metadata say how many formulas it shows that could not be read."""
    if isinstance(made, Rejected):
        return made
    if isinstance(made, Fault):
        return Rejected(key, made.reason, made.detail)
    counts = {"title": made.title, "formulas": made.formulas, "formulas_unread": made.formulas_unread}
    return Row(key, made.text, url, license, metadata | counts)


def _find_fault(text: str) -> tuple[Reason, str] | None:
    """Return why a text cannot be used, with a detail; None where it can."""
    if not text.strip():
        return Reason.NO_TEXT, ""
    if "\0" in text:
        return Reason.NUL_CHARACTER, f"at character {text.index(chr(0))}"
    if len(text) > MAX_RECORD_BYTES:
        return Reason.TOO_LARGE, f"more than {MAX_RECORD_BYTES} characters"
    return None


def _to_row(record: dict[str, Any], key: str, number: int, place: Place, columns: dict[str, str]) -> Row | Rejected:
    where = f"{place.name} row {number}"
    text_column = columns.get("text") or ("content" if "content" in record and "text" not in record else "text")
    text = record.get(text_column)
    if not isinstance(text, str) or not text.strip():
        kind = "missing" if text is None else "empty" if isinstance(text, str) else f"a {type(text).__name__}"
        return Rejected(key, Reason.NO_TEXT, f"{where}: column {text_column!r} is {kind}")
    if fault := _find_fault(text):
        return Rejected(key, fault[0], f"{where}: {fault[1]}")
    row_url = record.get(columns.get("url", "url"))
    rest = {k: v for k, v in record.items() if k not in (text_column, "id", "url")}
    if isinstance(rest.get("metadata"), dict):
        rest |= rest.pop("metadata")
    found = row_url if isinstance(row_url, str) else f"{place.url}#{number}"
    try:
        for part in (text, key, found):
            part.encode("utf-8")
    except UnicodeEncodeError as error:
        return Rejected(printable(key), Reason.INVALID_UTF8, str(error))
    try:
        return Row(key, text, found, place.license, to_json_values(rest))
    except InputError as error:
        return Rejected(key, Reason.UNREADABLE_METADATA, f"{where}: {error}")


def to_json_values(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON can hold it: dates and other objects as text, infinite numbers and NaN as null.

    Raises InputError where it is nested deeper than MAX_DEPTH.
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


# Front matter is between two lines `---`, or `---` and `...`. A blank line after the first one makes it a rule.
_FRONT_MATTER = re.compile(r"---[ \t]*\n(?![ \t]*\n)(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.MULTILINE | re.DOTALL)


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """Return the YAML front matter of a Markdown text and the text after it.

    A text that begins with a rule has no front matter: no second line `---` follows, or no mapping is between the two.
    Raises InputError where the front matter is not valid YAML, or is hostile.
    """
    match = _FRONT_MATTER.match(text)
    if not match:
        return {}, text
    try:
        _refuse_hostile_yaml(match[1])
        values = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"front matter is not YAML: {' '.join(str(error).split())}") from error
    if values is not None and not isinstance(values, dict):
        return {}, text
    return to_json_values(values or {}), text[match.end() :].lstrip("\n")


def _refuse_hostile_yaml(front: str) -> None:
    """Raise InputError where a few lines of YAML would take gigabytes or hours to load."""
    depth = 0
    for event in yaml.parse(front, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise InputError("front matter must not have aliases")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise InputError(f"front matter is nested more than {MAX_DEPTH} deep")
