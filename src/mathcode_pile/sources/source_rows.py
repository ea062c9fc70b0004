"""What every kind of source yields: rows and rejected records. Also the limits on how much is taken."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

from pydantic import Field

from mathcode_pile.core.funnel import CoreReason, DropReason, Failed, attempt
from mathcode_pile.core.params import Section

# Larger records are dropped by name, because a stage holds several batches in memory at once.
MAX_RECORD_BYTES = 256 << 20

T = TypeVar("T")


class Row(NamedTuple):  # one record of a source, before it becomes a document
    key: str
    """Unique within the source: a path, a path and row number, or the record's own id."""
    content: str | bytes
    url: str
    license: str
    metadata: dict[str, Any]


class Rejected(NamedTuple):  # one record of a source that cannot become a document
    key: str
    reason: DropReason
    detail: str


def attempt_record(key: str, work: Callable[..., T], *args: Any) -> T | Rejected:
    """Return work(*args), or the record as Rejected where our code raises on it, so that its reader continues."""
    made = attempt(work, *args)
    return Rejected(key, CoreReason.FAILED, made.detail) if isinstance(made, Failed) else made


class Limits(Section):
    """How much of an origin is taken; null takes all of it."""

    files: int | None = Field(default=None, gt=0)
    """A hash of seed and name chooses them, from each of the origin's patterns in turn."""
    rows: int | None = Field(default=None, gt=0)
    """At most so many rows: one of each pattern in turn or, if `files` is set too, one of each file in turn."""
    bytes: int | None = Field(default=None, gt=0)
    """Bytes of text in UTF-8, or of PDFs, in the same order. The row that reaches this limit is the last one."""
    share: float | None = Field(default=None, gt=0, le=1)
    """The share of rows to sample. A hash of their keys chooses them, so their order does not matter."""
    seed: int = 0
    """The seed of what is chosen."""


def in_share(key: str, share: float, seed: int) -> bool:
    """Say whether the hash of a key puts it into a sample of the given share."""
    digest = hashlib.blake2b(f"{seed}:{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64


def bounded(rows: Iterator[Row | Rejected], limits: Limits) -> Iterator[Row | Rejected]:
    """Yield rows until a limit is reached. Rows outside the sample are skipped and not counted."""
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
