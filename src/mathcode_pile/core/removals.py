"""The list of documents that were taken down, removed.csv, and which documents its lines match.

A line names an id, a URL, a domain or the SHA-256 of a text. select and corpus drop every document that a line matches.
Not covered: copies of a document that differ from it by a character and have another address. deduplicate drops them
while the document is there; `python -m tools takedown` names them, so that they can be listed too.
"""

import csv
import hashlib
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import DropReason, Funnel

HEADER = ["kind", "value", "date", "reason"]
# What a value of each kind looks like.
KINDS = {
    "id": re.compile(r"[^/#\s]+/[0-9a-f]{16}"),
    "url": re.compile(r"\S+"),
    "domain": re.compile(r"[^/:@\s.]+(\.[^/:@\s.]+)+"),
    "text": re.compile(r"[0-9a-f]{64}"),
}


class Removal(NamedTuple):  # one line of removed.csv
    kind: str
    """id, url, domain or text."""
    value: str
    date: str
    """When the line was added, as 2025-12-31."""
    reason: str

    @property
    def name(self) -> str:
        """The kind and the value, as the `dropped` shards have them."""
        return f"{self.kind} {self.value}"


class Removals:
    """Lines of removed.csv, ready to be compared with documents."""

    def __init__(self, lines: Iterable[Removal] = ()) -> None:
        self.lines = list(lines)
        self._by_kind: dict[str, dict[str, Removal]] = {kind: {} for kind in KINDS}
        for line in self.lines:
            self._by_kind[line.kind].setdefault(_comparable(line.kind, line.value), line)

    def __bool__(self) -> bool:
        return bool(self.lines)

    @property
    def needs_text(self) -> bool:
        """Whether a line names a text by its hash."""
        return bool(self._by_kind["text"])

    def find(self, identity: str, url: str, text: str) -> Removal | None:
        """Return the line that matches a document, None where none does.

        text: hashed only if a line names a text.
        """
        if line := self._by_kind["id"].get(identity):
            return line
        if self._by_kind["url"] and (line := self._by_kind["url"].get(plain_url(url))):
            return line
        if domains := self._by_kind["domain"]:
            parts = find_host(url).split(".")
            for start in range(len(parts) - 1):
                if line := domains.get(".".join(parts[start:])):
                    return line
        return self._by_kind["text"].get(hash_text(text)) if self.needs_text else None

    def drop_from(self, batch: pa.RecordBatch, funnel: Funnel, reason: DropReason) -> pa.RecordBatch:
        """Return the documents of a batch that no line matches; the others are dropped, the line is the detail."""
        if not self:
            return batch
        names = ("id", "url", "text" if self.needs_text else "id")
        found = [self.find(*document) for document in zip(*(batch[name].to_pylist() for name in names), strict=True)]
        is_gone = pa.array([line is not None for line in found])
        details = pa.array([line.name for line in found if line], pa.string())
        funnel.drop_rows(batch["id"].filter(is_gone), reason, details)
        return batch.filter(pc.invert(is_gone))


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8, as 64 hex digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def plain_url(url: str) -> str:
    """Return a web address without its scheme, `www.`, fragment and last slash; other addresses as they are."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    if parts.scheme not in ("http", "https"):
        return url
    query = f"?{parts.query}" if parts.query else ""
    return parts.netloc.lower().removeprefix("www.") + parts.path.rstrip("/") + query


def find_host(url: str) -> str:
    """Return the host of an address in lower case, empty where it has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _comparable(kind: str, value: str) -> str:
    if kind == "url":
        return plain_url(value)
    return value.lower() if kind == "domain" else value


def read_removals(path: Path) -> Removals:
    """Return the lines of removed.csv; raises InputError naming the row that cannot be used."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, strict=True))
    except FileNotFoundError:
        raise InputError(
            f"{path}: no such file; if nothing was taken down it has the line {','.join(HEADER)}"
        ) from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8: {error}") from None
    if not rows or rows[0] != HEADER:
        raise InputError(f"{path}: the first line must be {','.join(HEADER)}")
    return Removals(_parse(path, number, row) for number, row in enumerate(rows[1:], start=2))


def _parse(path: Path, number: int, row: list[str]) -> Removal:
    if len(row) != len(HEADER):
        raise InputError(f"{path}: row {number}: {len(HEADER)} values are needed, got {len(row)}")
    line = Removal(*(value.strip() for value in row))
    if line.kind not in KINDS:
        raise InputError(f"{path}: row {number}: kind must be one of {', '.join(KINDS)}, got {line.kind!r}")
    if not KINDS[line.kind].fullmatch(line.value):
        raise InputError(f"{path}: row {number}: {line.value!r} is no {line.kind}")
    try:
        date.fromisoformat(line.date)
    except ValueError:
        raise InputError(f"{path}: row {number}: date must be as 2025-12-31, got {line.date!r}") from None
    if not line.reason:
        raise InputError(f"{path}: row {number}: the reason is missing")
    return line
