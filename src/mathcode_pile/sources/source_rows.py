"""What every kind of source yields, and the limits that bound it."""

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import Field

from mathcode_pile.core.params import Section

# A larger document is a named drop: a stage holds a few of its batches at a time.
MAX_RECORD_BYTES = 256 << 20


class Row(NamedTuple):  # one record of a source, before it is a document
    key: str
    """Unique within the source: a path, a path and row number, or the record's own id."""
    content: str | bytes
    url: str
    license: str
    metadata: dict[str, Any]


class Rejected(NamedTuple):  # one record of a source that cannot become a document
    key: str
    reason: str
    detail: str


class Limits(Section):
    """How much of an origin is taken; null is all of it."""

    files: int | None = Field(default=None, gt=0)
    rows: int | None = Field(default=None, gt=0)
    bytes: int | None = Field(default=None, gt=0)
    """Of text in UTF-8, or of PDFs; the row that reaches it is the last."""
    share: float | None = Field(default=None, gt=0, le=1)
    """A sample of the rows, chosen by a hash of their keys: the same rows whatever the order."""
    seed: int = 0


def in_share(key: str, share: float, seed: int) -> bool:
    """Say whether a key falls into a sample of the given share, by its hash."""
    digest = hashlib.blake2b(f"{seed}:{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def bounded(rows: Iterator[Row | Rejected], limits: Limits) -> Iterator[Row | Rejected]:
    """Yield rows until a limit is reached; sampled-out rows are no part of the source."""
    taken = held = 0
    for row in rows:
        if limits.share is not None and not in_share(row.key, limits.share, limits.seed):
            continue
        if isinstance(row, Row):
            if limits.bytes is not None:
                held += len(row.content.encode()) if isinstance(row.content, str) else len(row.content)
            taken += 1
        yield row
        if (limits.rows is not None and taken >= limits.rows) or (limits.bytes is not None and held >= limits.bytes):
            return
