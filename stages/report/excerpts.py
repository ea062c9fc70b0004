"""Find documents by id, and show some that each stage dropped, with the beginning of their text."""

from collections.abc import Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathcode_pile.core.shards import list_shards, read_batches

SHARDS = 4
"""Of a folder; the examples of a large corpus come from its beginning."""
EACH = 2
"""Examples for each reason of a stage."""
CHARACTERS = 420


class Dropped(NamedTuple):
    """A document that a stage dropped."""

    stage: str
    reason: str
    id: str
    detail: str
    url: str = ""
    text: str = ""


def find_documents(folder: Path, ids: Collection[str]) -> dict[str, dict[str, Any]]:
    """Return id, text and url of the documents with these ids in the first shards below a folder, by id.

    Only the row groups that have one of the ids are read. Files without a text (PDFs) have an empty one.
    """
    found: dict[str, dict[str, Any]] = {}
    for place in sorted({path.parent for path in folder.rglob("part-*.parquet")}) if ids else []:
        if place.name == "dropped":
            continue
        for shard in list_shards(place)[:SHARDS]:
            if len(found) == len(ids):
                return found
            found |= {row["id"]: {"text": ""} | row for row in _matching_rows(shard, sorted(ids))}
    return found


def _matching_rows(shard: Path, ids: list[str]) -> Iterator[dict[str, Any]]:
    with pq.ParquetFile(shard) as file:
        columns = [name for name in ("id", "text", "url") if name in file.schema_arrow.names]
        for group in range(file.num_row_groups):
            is_wanted = pc.is_in(
                file.read_row_group(group, columns=["id"]).column("id"), value_set=pa.array(ids, pa.string())
            )
            if pc.any(is_wanted).as_py():
                yield from file.read_row_group(group, columns=columns).filter(is_wanted).to_pylist()


def collect_dropped(data: Path, stages: Collection[str]) -> list[Dropped]:
    """Return some documents that each stage dropped for each reason, in the order of `stages`."""
    chosen = [one for stage in stages for one in _of_stage(data, stage)]
    wanted: dict[str, set[str]] = {}
    for one in chosen:
        wanted.setdefault(one.id.partition("/")[0], set()).add(one.id)
    pages = {source: find_documents(data / "fetch" / source, ids) for source, ids in wanted.items()}
    return [_with_text(one, pages[one.id.partition("/")[0]].get(one.id)) for one in chosen]


def _of_stage(data: Path, stage: str) -> Iterator[Dropped]:
    counts: dict[str, int] = {}
    for folder in sorted((data / stage).rglob("dropped")):
        for shard in list_shards(folder)[:SHARDS]:
            for batch in islice(read_batches(shard), 1):
                for row in batch.to_pylist():
                    is_document = "#" not in row["id"]
                    if is_document and counts.get(row["reason"], 0) < EACH:
                        counts[row["reason"]] = counts.get(row["reason"], 0) + 1
                        yield Dropped(stage, row["reason"], row["id"], row["detail"])


def _with_text(one: Dropped, page: dict[str, Any] | None) -> Dropped:
    if page is None:
        return one
    text = page["text"].strip()
    if len(text) > CHARACTERS:
        text = text[: text.rfind(" ", 0, CHARACTERS)].rstrip() + " …"
    return one._replace(url=page["url"], text=text)
