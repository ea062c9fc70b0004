"""Bring a source into shards of documents (or of files, where they are PDFs)."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator
from tqdm import tqdm

from mathcode_pile.core.documents import DOCUMENT, DROPPED, FILE, document_id, encode_metadata
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import LazyShard, shard_name, write_shards
from mathcode_pile.downloads.download import LocalFile, record_files
from mathcode_pile.sources import FileOrigin, Origin, check_columns, read_origin
from mathcode_pile.sources.formats import COLUMNS
from mathcode_pile.sources.source_rows import Rejected, Row
from stages.fetch.seen import SeenKeys

BATCH_ROWS = 500
BATCH_BYTES = 16 << 20

Numbered = tuple[int, Row | Rejected]  # a row with the number of its origin


class OriginsParams(Section):
    """One source of the profile: where it comes from."""

    origins: list[Origin] = Field(min_length=1)
    shard_megabytes: int = Field(default=256, gt=0)
    """Text in a shard; a shard is what one worker computes at a time."""

    @field_validator("origins")
    @classmethod
    def _make_one_source(cls, origins: list[Origin]) -> list[Origin]:
        if len({is_pdf(origin) for origin in origins}) > 1:
            raise ValueError("text and PDFs are different records; make two sources")
        check_columns(origins, COLUMNS)
        return origins


def is_pdf(origin: Origin) -> bool:
    """Say whether an origin's records are PDFs, not text."""
    return isinstance(origin, FileOrigin) and origin.format == "pdf"


def fetch_source(source: str, params: OriginsParams, out: Path) -> Report:
    """Write the rows of a source's origins to shards in `out`, rejected ones to `out/dropped`.

    `out/files.json` says of each downloaded file its address, ETag, size and checksum.
    Memory: a few batches, and 8 bytes for each row.
    Raises InputError where an origin cannot be read, or where nothing is left.
    """
    report = Report()
    schema = FILE if is_pdf(params.origins[0]) else DOCUMENT
    brought: list[LocalFile] = []
    rows = (
        (number, row) for number, origin in enumerate(params.origins) for row in read_origin(origin, brought.append)
    )
    with LazyShard(out / "dropped" / shard_name(0), DROPPED) as dropped:
        batches = _batches(source, rows, schema, report, dropped)
        report.kept = write_shards(out, batches, schema, params.shard_megabytes << 20)
    if not report.kept:
        raise InputError(f"source {source}: no documents in {report.read} records")
    record_files(out / "files.json", brought)
    return report


def _batches(
    source: str, rows: Iterator[Numbered], schema: pa.Schema, report: Report, dropped: LazyShard
) -> Iterator[pa.RecordBatch]:
    seen = SeenKeys()
    bar = tqdm(unit="row", desc=f"fetch {source}")
    for chunk in _chunks(rows):
        # Two origins may have a file of one name.
        ids = [document_id(source, f"{number}:{row.key}" if number else row.key) for number, row in chunk]
        usable = np.array([isinstance(row, Row) for _, row in chunk])
        is_new = np.zeros(len(chunk), dtype=bool)
        is_new[usable] = seen.add(np.array([int(i[-16:], 16) for i in ids], dtype=np.uint64)[usable])
        records, rejected = [], []
        for identity, (_, row), new in zip(ids, chunk, is_new, strict=True):
            if isinstance(row, Row) and new:
                records.append(_to_record(identity, source, row))
                continue
            if isinstance(row, Row):
                row = Rejected(row.key, "same_id", "another record of the source has this id")
            report.dropped[row.reason] += 1
            rejected.append({"id": identity, "reason": row.reason, "detail": f"{row.key}: {row.detail}"})
        report.read += len(chunk)
        bar.update(len(chunk))
        dropped.write_rows(rejected)
        yield pa.RecordBatch.from_pylist(records, schema=schema)
    bar.close()


def _chunks(rows: Iterator[Numbered]) -> Iterator[list[Numbered]]:
    """Gather rows into lists of bounded length and size."""
    chunk: list[Numbered] = []
    held = 0
    for number, row in rows:
        chunk.append((number, row))
        held += len(row.content) if isinstance(row, Row) else 0
        if len(chunk) >= BATCH_ROWS or held >= BATCH_BYTES:
            yield chunk
            chunk, held = [], 0
    if chunk:
        yield chunk


def _to_record(identity: str, source: str, row: Row) -> dict[str, object]:
    return {
        "id": identity,
        "text" if isinstance(row.content, str) else "content": row.content,
        "source": source,
        "url": row.url,
        "license": row.license,
        "metadata": encode_metadata(**row.metadata),
    }
