"""Find the documents that a person means: by id, by address, or by a piece of their text."""

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

MOST = 10
"""So many documents are listed where several have the text."""
_EMPHASIS = re.compile(r"(?<!\w)(\*{1,2})(?=\S)(.+?)(?<=\S)\1(?!\w)")
_ID = re.compile(r"[\w.-]+/[0-9a-f]{16}(#\d+)?")


class Found(NamedTuple):
    """A document or snippet that fits what was asked for."""

    id: str
    title: str = ""
    url: str = ""


def is_id(wanted: str) -> bool:
    """Say whether a text has the form of an id: `openwebmath/0123456789abcdef`, for a snippet with `#0` behind it."""
    return _ID.fullmatch(wanted) is not None


def find(data: Path, wanted: str) -> list[Found]:
    """Return what a text means: an id is itself; else the documents with this address, else those with this text.

    Only fetched documents are searched. Case matters; any white space fits any other.
    """
    if is_id(wanted):
        return [Found(wanted)]
    address = pc.ends_with(ds.field("url"), wanted)
    words = r"\s+".join(map(re.escape, wanted.split()))
    for wish in (address, pc.match_substring_regex(ds.field("text"), words)):
        found = [one for folder in _folders(data / "fetch") for one in _search(folder, wish)]
        if found:
            return found[:MOST]
    return []


def title_of(text: str) -> str:
    """Return the first line of a text that says something, without marks of Markdown, at most 100 characters of it."""
    lines = (_EMPHASIS.sub(r"\2", line).strip("#* \t") for line in text.splitlines())
    line = next((line for line in lines if line), "")
    return line if len(line) <= 100 else line[:99] + "…"


def page_of(data: Path, translated: str) -> str | None:
    """Return the id of the page that a document of the corpus was made from; None where it was made from none."""
    for row in _rows(data / "corpus" / translated.partition("/")[0], ds.field("id") == translated, ["metadata"]):
        origin: str | None = json.loads(row["metadata"]).get("document_id")
        return origin
    return None


def translated_from(data: Path, page: str) -> dict[str, list[int]]:
    """Return the ids of the corpus's documents that were made from a page, each with the positions of its snippets."""
    wanted = pc.match_substring(ds.field("metadata"), f'"document_id": {json.dumps(page)}')
    rows = [row for folder in _folders(data / "corpus") for row in _rows(folder, wanted, ["id", "metadata"])]
    return {row["id"]: json.loads(row["metadata"])["positions"] for row in rows}


def _folders(folder: Path) -> list[Path]:
    return sorted({path.parent for path in folder.rglob("part-*.parquet")})


def _search(folder: Path, wish: pc.Expression) -> list[Found]:
    rows = _rows(folder, wish, ["id", "url", "text"])
    return [Found(row["id"], title_of(row["text"]), row["url"]) for row in rows]


def _rows(folder: Path, wish: pc.Expression, columns: list[str]) -> list[dict[str, Any]]:
    """Return the rows of a folder's shards that fit; none where the folder is missing or has other columns."""
    shards = sorted(map(str, folder.glob("part-*.parquet")))
    if not shards:
        return []
    table = ds.dataset(shards, format="parquet")
    if not {*columns, "id"} <= set(table.schema.names):
        return []
    found: pa.Table = table.to_table(columns=columns, filter=wish)
    return found.to_pylist()
