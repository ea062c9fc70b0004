"""Say what became of a document or snippet: the stages that have it, the stages that dropped it, and why."""

import re
from pathlib import Path

import pyarrow.dataset as ds

from mathcode_pile.core.errors import PipelineError
from stages.report.funnel import FUNNEL


def trace(data: Path, identity: str) -> list[str]:
    """Return a line for each folder of shards below `data` that has the record, in the order of the stages.

    Raises PipelineError where no folder has it.
    """
    folders = {path.parent for path in data.rglob("part-*.parquet") if path.relative_to(data).parts[0] in FUNNEL}
    lines = []
    for folder in sorted(folders, key=lambda path: (FUNNEL.index(path.relative_to(data).parts[0]), path)):
        table = ds.dataset(sorted(map(str, folder.glob("part-*.parquet"))), format="parquet")
        if folder.name == "dropped":
            # A document's dropped snippets too: their ids are the document's, # and a position.
            wanted = (ds.field("id") == identity) | (
                (ds.field("id") > identity + "#") & (ds.field("id") < identity + "$")
            )
            rows = table.to_table(columns=["id", "reason", "detail"], filter=wanted).to_pylist()
            lines += [f"{folder.parent}: {row['id']} dropped: {row['reason']} {row['detail']}".rstrip() for row in rows]
        elif "id" in table.schema.names and table.count_rows(filter=ds.field("id") == identity):
            lines.append(f"{folder}: there")
        elif "document_id" in table.schema.names:
            document, _, position = identity.partition("#")
            wanted = ds.field("document_id") == document
            if position:
                wanted &= ds.field("position") == int(position)
            if snippets := table.count_rows(filter=wanted):
                lines.append(f"{folder}: {snippets} snippet{'s' * (snippets > 1)}")
    if not lines:
        raise PipelineError(f"{identity}: no shard in {data}/ has it")
    return lines


def check_id(identity: str) -> None:
    """Raise PipelineError where a text cannot be the id of a document or a snippet."""
    if not re.fullmatch(r"[^#]+(#\d+)?", identity):
        example = "make why ID=openwebmath/0123456789abcdef (a document's id; a snippet's id ends in #0, #1 ...)"
        raise PipelineError(f"{identity!r} is no id; {example}")
