"""Bring a source into shards of documents, or of files if it consists of PDFs."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator
from tqdm import tqdm

from mathcode_pile.core.documents import DOCUMENT, DROPPED, FILE, document_id, encode_metadata
from mathcode_pile.core.engine import refuse_failures, say
from mathcode_pile.core.errors import InputError, printable
from mathcode_pile.core.funnel import Funnel, Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import LazyShard, ShardsWriter, ShardWriter, shard_name
from mathcode_pile.downloads.download import LocalFile, record_files
from mathcode_pile.downloads.remote import RemoteFile
from mathcode_pile.sources import FileOrigin, Origin, check_columns, read_origin
from mathcode_pile.sources.formats import COLUMNS
from mathcode_pile.sources.source_rows import Rejected, Row, attempt_record
from stages.fetch.reasons import Reason
from stages.fetch.seen import SeenKeys

BATCH_ROWS = 500
BATCH_BYTES = 16 << 20

Numbered = tuple[int, Row | Rejected]  # a row, after the number of its origin


class OriginsParams(Section):
    """One source of the profile: where it comes from."""

    origins: list[Origin]
    """None leaves the source out: its stages then have no documents, and its component may be empty."""
    keep_downloads: bool = True
    """False deletes the downloaded files when the shards are complete. If the stage runs again, it downloads again."""
    shard_megabytes: int = Field(default=256, gt=0)
    """Megabytes of text in a shard. One worker processes one shard at a time."""

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

    `out/files.json` records the address, ETag, size and checksum of each file. A source without origins is
    one shard without rows, and `left_out` in its metrics.
    Memory: a few batches, and 8 bytes for each row.
    Raises InputError where an origin cannot be read, or where no row is kept.
    """
    if not params.origins:
        say(f"fetch: the profile leaves out the source {source}: fetch.{source}.origins is empty")
        with ShardWriter(out / shard_name(0), DOCUMENT):
            return Report(counts=Counter(left_out=1))
    schema = FILE if is_pdf(params.origins[0]) else DOCUMENT
    brought: list[LocalFile | RemoteFile] = []
    rows = (
        (number, row) for number, origin in enumerate(params.origins) for row in read_origin(origin, brought.append)
    )
    kept = ShardsWriter(out, schema, params.shard_megabytes << 20)
    with Funnel(kept, LazyShard(out / "dropped" / shard_name(0), DROPPED)) as funnel:
        _pass_rows(source, rows, schema, funnel)
    report = funnel.report
    refuse_failures("fetch", report)
    if not report.kept:
        raise InputError(f"source {source}: no documents in {report.read} records")
    record_files(out / "files.json", brought)
    for file in () if params.keep_downloads else brought:
        if isinstance(file, LocalFile):
            file.path.unlink(missing_ok=True)
    return report


def _pass_rows(source: str, rows: Iterator[Numbered], schema: pa.Schema, funnel: Funnel) -> None:
    seen = SeenKeys()
    bar = tqdm(unit="row", desc=f"fetch {source}")
    for chunk in _chunks(rows):
        funnel.count_read(len(chunk))
        # Two origins may have files with the same name.
        ids = [document_id(source, f"{number}:{row.key}" if number else row.key) for number, row in chunk]
        usable = np.array([isinstance(row, Row) for _, row in chunk])
        is_new = np.zeros(len(chunk), dtype=bool)
        is_new[usable] = seen.add(np.array([int(i[-16:], 16) for i in ids], dtype=np.uint64)[usable])
        records = []
        for identity, (_, row), new in zip(ids, chunk, is_new.tolist(), strict=True):
            made = _judge_row(identity, source, row, new)
            if isinstance(made, Rejected):
                funnel.drop(identity, made.reason, printable(f"{made.key}: {made.detail}"))
            else:
                records.append(made)
        funnel.keep(pa.RecordBatch.from_pylist(records, schema=schema))
        bar.update(len(chunk))
    bar.close()


def _judge_row(identity: str, source: str, row: Row | Rejected, is_new: bool) -> dict[str, object] | Rejected:
    if isinstance(row, Rejected):
        return row
    if not is_new:
        return Rejected(row.key, Reason.SAME_ID, "another record of the source has this id")
    return attempt_record(row.key, _to_record, identity, source, row)


def _chunks(rows: Iterator[Numbered]) -> Iterator[list[Numbered]]:
    """Yield the rows in lists that are bounded in length and in size."""
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
