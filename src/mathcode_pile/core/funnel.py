"""Keep the books of a stage: every record read is kept, or dropped for a named reason.

A record that makes the stage's own code raise is dropped as `failed`, with the error and its place as detail. Errors
that no record causes (a full disk, no memory, a wrong param) still stop the stage.
"""

import json
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Protocol, Self, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from mathcode_pile.core.documents import DROPPED, record_ids
from mathcode_pile.core.errors import PipelineError, first_line
from mathcode_pile.core.shards import ShardWriter, read_batches

T = TypeVar("T")

# Drops written at once: writing one costs as much as writing hundreds.
DROPS_BUFFERED = 500


class DropReason(StrEnum):
    """Why a stage drops a record: the name that metrics and shards hold, and a sentence that explains it.

    Each stage's reasons.py has a subclass: `EMPTY_TEXT = "empty_text", "The document has no text."`
    """

    sentence: str

    def __new__(cls, name: str, sentence: str) -> Self:
        """Make a member whose value is the name alone."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.sentence = sentence
        return member


class CoreReason(DropReason):
    """The reason that every stage has."""

    FAILED = "failed", "The stage's own code raised an error on this record."


class Failed(NamedTuple):
    """What `attempt` returns where code raised an error on a record."""

    detail: str
    """The error's type, message and place: `ValueError: no digits (numbers.py:12)`."""


def attempt(work: Callable[..., T], *args: Any) -> T | Failed:
    """Return work(*args), or Failed where it raises; errors that are no record's fault are raised."""
    try:
        return work(*args)
    except (PipelineError, OSError, MemoryError):
        raise
    except Exception as error:
        return describe_failure(error)


def describe_failure(error: Exception) -> Failed:
    """Return an error's type, the first line of its message, and the innermost place it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "unknown place"
    return Failed(f"{type(error).__name__}: {first_line(error)[:200]} ({place})")


def attempt_rows(
    work: Callable[[pa.RecordBatch], T], batch: pa.RecordBatch
) -> Iterator[tuple[pa.RecordBatch, T | Failed]]:
    """Yield the batch with work(batch); where that raises, parts with their results, and each failing row alone.

    The work must have no effect but its result: it is done again on halves to find the rows that fail.
    """
    if not batch.num_rows:
        return
    result = attempt(work, batch)
    if isinstance(result, Failed) and batch.num_rows > 1:
        half = batch.num_rows // 2
        yield from attempt_rows(work, batch.slice(0, half))
        yield from attempt_rows(work, batch.slice(half))
    else:
        yield batch, result


@dataclass
class Report:
    """What became of the records of a stage: read = kept + the sum of dropped."""

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    """Parts of records that were looked at and left out, by reason; the records themselves may be kept."""
    counts: Counter[str] = field(default_factory=Counter)
    """Further sums, by name."""
    first_failure: str = ""
    """The id and detail of the first record dropped as `failed`."""
    parts: dict[str, "Report"] = field(default_factory=dict)
    """Reports by name, of what has a funnel of its own within the stage: each translator."""

    def part(self, name: str) -> "Report":
        """Return the report of a part, an empty one where there is none yet."""
        return self.parts.setdefault(name, Report())

    def __add__(self, other: "Report") -> "Report":
        return Report(
            self.read + other.read,
            self.kept + other.kept,
            self.dropped + other.dropped,
            self.skipped + other.skipped,
            self.counts + other.counts,
            self.first_failure or other.first_failure,
            {
                name: self.parts.get(name, Report()) + other.parts.get(name, Report())
                for name in sorted(self.parts.keys() | other.parts.keys())
            },
        )

    @property
    def failed(self) -> int:
        """The records that made the stage's code raise."""
        return self.dropped[CoreReason.FAILED]

    def to_metrics(self) -> dict[str, Any]:
        """Return the mapping of a metrics file; the reasons in one string, so that tables stay narrow."""
        metrics: dict[str, Any] = {"in": self.read, "kept": self.kept, "dropped": self.dropped.total()}
        metrics["reasons"] = _join_counts(self.dropped)
        if self.skipped:
            metrics["skipped"] = _join_counts(self.skipped)
        metrics |= sorted(self.counts.items())
        return metrics | {name: part.to_metrics() for name, part in sorted(self.parts.items())}

    def to_json(self) -> str:
        """Return the report as JSON, for `from_json`."""
        return json.dumps(self._to_values())

    def _to_values(self) -> dict[str, Any]:
        return vars(self) | {"parts": {name: part._to_values() for name, part in self.parts.items()}}

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Return the report that `to_json` wrote."""
        return cls._from_values(json.loads(text))

    @classmethod
    def _from_values(cls, values: dict[str, Any]) -> "Report":
        counters = {name: Counter(values[name]) for name in ("dropped", "skipped", "counts")}
        parts = {name: cls._from_values(part) for name, part in values["parts"].items()}
        return cls(**values | counters | {"parts": parts})


def _join_counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count)


def parse_reasons(reasons: str) -> dict[str, int]:
    """Return the counts of a metrics file's `reasons` or `skipped`."""
    return {name: int(count) for name, count in (part.rsplit(" ", 1) for part in reasons.split(", ") if part)}


class Writer(Protocol):
    """Where a funnel's rows go: one shard, a shard made only if it gets a row, or several shards in turn."""

    schema: pa.Schema

    def __enter__(self) -> Any: ...

    def write(self, batch: pa.RecordBatch | pa.Table) -> None:
        """Append the rows of a batch."""

    def write_rows(self, rows: Sequence[dict[str, Any]]) -> None:
        """Append rows given as dictionaries."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Funnel:
    """Counts the records that a stage reads, writes those it keeps, and names those it drops.

        with Funnel.of_shard(folder, schema) as funnel:
            for batch in funnel.read(shard):
                for part, scores in funnel.apply(score, batch):
                    funnel.split(part, scores >= floor, Reason.BELOW_FLOOR)

    Leaving the block without an error asserts that read = kept + dropped.
    """

    def __init__(self, kept: Writer, dropped: Writer, **aside: Writer) -> None:
        self.report = Report()
        self._kept, self._dropped = kept, dropped
        self._aside = aside
        self._waiting: list[dict[str, str]] = []
        self._open = ExitStack()

    @classmethod
    def of_shard(cls, folder: Path, kept: pa.Schema, **aside: pa.Schema) -> "Funnel":
        """Return the funnel of one shard as map_shards wants it: documents, dropped and `aside` in a folder."""
        further = {name: ShardWriter(folder / f"{name}.parquet", schema) for name, schema in aside.items()}
        writer = ShardWriter(folder / "documents.parquet", kept)
        return cls(writer, ShardWriter(folder / "dropped.parquet", DROPPED), **further)

    def __enter__(self) -> Self:
        for writer in (self._kept, self._dropped, *self._aside.values()):
            self._open.enter_context(writer)
        self._open.push(self._write_last)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)
        if kind is None:
            report = self.report
            assert report.read == report.kept + report.dropped.total(), f"records lost or counted twice: {report}"

    def read(self, shard: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the batches of a shard, its rows counted as read."""
        for batch in read_batches(shard, columns):
            self.count_read(batch.num_rows)
            yield batch

    def count_read(self, records: int = 1) -> None:
        """Count records as read."""
        self.report.read += records

    def keep(self, rows: pa.RecordBatch | pa.Table | Sequence[dict[str, Any]], records: int | None = None) -> None:
        """Write rows and count them as kept; records: their number, if it differs from the number of rows."""
        _write(self._kept, rows)
        self.report.kept += len(rows) if records is None else records

    def keep_aside(self, name: str, batch: pa.RecordBatch) -> None:
        """Write rows to a further file and count them as kept."""
        self._aside[name].write(batch)
        self.report.kept += batch.num_rows

    def copy_aside(self, name: str, rows: pa.RecordBatch | Sequence[dict[str, Any]]) -> None:
        """Write rows to a further file; they are counted where they are kept or dropped."""
        _write(self._aside[name], rows)

    def drop(self, identifier: str, reason: DropReason, detail: str = "") -> None:
        """Drop a record for a reason; detail: what a person needs to understand it."""
        self._waiting.append({"id": identifier, "reason": reason, "detail": detail})
        if len(self._waiting) >= DROPS_BUFFERED:
            self._write_waiting()
        self.report.dropped[reason.value] += 1
        if reason is CoreReason.FAILED:
            self.report.first_failure = self.report.first_failure or f"{identifier}: {detail}"

    def _write_last(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._write_waiting()

    def _write_waiting(self) -> None:
        self._dropped.write_rows(self._waiting)
        self._waiting = []

    def drop_rows(self, ids: pa.Array, reason: DropReason, details: pa.Array | None = None) -> None:
        """Drop many records for one reason."""
        if not len(ids):
            return
        self._write_waiting()
        details = pa.repeat("", len(ids)) if details is None else details
        columns = [ids.cast(pa.string()), pa.repeat(reason.value, len(ids)), details.cast(pa.string())]
        self._dropped.write(pa.RecordBatch.from_arrays(columns, schema=DROPPED))
        self.report.dropped[reason.value] += len(ids)

    def split(self, batch: pa.RecordBatch, is_kept: Any, reason: DropReason, details: pa.Array | None = None) -> None:
        """Keep the rows of a batch that a mask names, drop the others; is_kept, details: [rows]."""
        mask = pa.array(is_kept) if not isinstance(is_kept, pa.Array) else is_kept
        gone = pc.invert(mask)
        self.keep(batch.filter(mask))
        ids = pa.array(record_ids(batch.filter(gone)), pa.string())
        self.drop_rows(ids, reason, None if details is None else details.filter(gone))

    @contextmanager
    def guarding(self, identifier: str) -> Iterator[None]:
        """Drop a record as failed where the block raises; the block keeps or drops it as its last step."""
        try:
            yield
        except (PipelineError, OSError, MemoryError):
            raise
        except Exception as error:
            self.drop(identifier, CoreReason.FAILED, describe_failure(error).detail)

    def fail(self, identifier: str, failed: Failed) -> None:
        """Drop a record on which `attempt` failed."""
        self.drop(identifier, CoreReason.FAILED, failed.detail)

    def apply(self, work: Callable[[pa.RecordBatch], T], batch: pa.RecordBatch) -> Iterator[tuple[pa.RecordBatch, T]]:
        """Yield the batch with work(batch), or, where that raises, parts of it that do not; failing rows are dropped.

        The work must not write: see attempt_rows.
        """
        for part, result in attempt_rows(work, batch):
            if isinstance(result, Failed):
                self.fail(record_ids(part)[0], result)
            else:
                yield part, result


def _write(writer: Writer, rows: pa.RecordBatch | pa.Table | Sequence[dict[str, Any]]) -> None:
    if isinstance(rows, pa.RecordBatch | pa.Table):
        writer.write(rows)
    else:
        writer.write_rows(rows)
