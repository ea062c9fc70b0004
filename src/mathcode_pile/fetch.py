"""Bring a source into shards of documents (or of files, where they are PDFs)."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
from tqdm import tqdm

from mathcode_pile.documents import DOCUMENT, DROPPED, FILE, document_id, encode_metadata
from mathcode_pile.engine import Report
from mathcode_pile.errors import InputError, ParamsError
from mathcode_pile.params import Section
from mathcode_pile.shards import ShardWriter, shard_name, write_shards
from mathcode_pile.sources import FileOrigin, Origin, read_origin
from mathcode_pile.sources.rows import Rejected, Row

BATCH_ROWS = 500


class SourceParams(Section):
    """One source of the profile: where it comes from."""

    origins: list[Origin]
    shard_megabytes: int = 256
    """Text in a shard; a shard is what one worker computes at a time."""


def fetch_source(source: str, params: SourceParams, out: Path) -> Report:
    """Write the rows of a source's origins to shards in `out`, rejected ones to `out/dropped`.

    Raises InputError where an origin cannot be read, where two rows have one key, or where nothing
    is left.
    """
    report = Report()
    rejected: list[dict[str, str]] = []
    kinds = {isinstance(o, FileOrigin) and o.format == "pdf" for o in params.origins}
    if len(kinds) > 1:
        raise ParamsError(f"params: fetch.{source}.origins: PDFs and text are different records; make two sources")
    is_binary = kinds == {True}
    schema = FILE if is_binary else DOCUMENT
    rows = _accepted(source, params.origins, report, rejected)
    report.kept = write_shards(out, _batches(rows, schema), schema, params.shard_megabytes << 20)
    if rejected:
        with ShardWriter(out / "dropped" / shard_name(0), DROPPED) as writer:
            writer.write_rows(rejected)
    if not report.kept:
        raise InputError(f"source {source}: no documents in {report.read} records")
    return report


def _accepted(
    source: str, origins: list[Origin], report: Report, rejected: list[dict[str, str]]
) -> Iterator[dict[str, object]]:
    seen: set[str] = set()
    rows = ((number, row) for number, origin in enumerate(origins) for row in read_origin(origin))
    for number, row in tqdm(rows, unit="row", desc=f"fetch {source}"):
        report.read += 1
        # Two origins may have a file of one name.
        identity = document_id(source, f"{number}:{row.key}" if number else row.key)
        if isinstance(row, Row) and identity in seen:
            row = Rejected(row.key, "same_id", "another record of the source has this id")
        if isinstance(row, Rejected):
            report.dropped[row.reason] += 1
            rejected.append({"id": identity, "reason": row.reason, "detail": f"{row.key}: {row.detail}"})
            continue
        seen.add(identity)
        yield {
            "id": identity,
            "text" if isinstance(row.content, str) else "content": row.content,
            "source": source,
            "url": row.url,
            "license": row.license,
            "metadata": encode_metadata(**row.metadata),
        }


def _batches(rows: Iterator[dict[str, object]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while batch := list(itertools.islice(rows, BATCH_ROWS)):
        yield pa.RecordBatch.from_pylist(batch, schema=schema)
