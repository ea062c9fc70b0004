"""Keep documents by what annotate and classify found: types, a verdict, a score.

Nothing is judged here, so a moved threshold costs seconds.
"""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from mathcode_pile.core.documents import DROPPED
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import ShardWriter, read_batches, read_schema


class SelectParams(Section):
    """What is kept of every source whose pieces have types."""

    keep_types: list[Annotated[int, Field(ge=1, le=7)]] = Field(min_length=1)
    """Types of 1 to 7; a document stays if one of its pieces has one of them."""


class SourceParams(Section):
    """What is kept of one source, and for which component."""

    component: str
    input: str
    """The folder below data/ that is selected from; dvc.yaml reads it."""
    keep: Literal["types", "score", "related", "all"]
    threshold: float | None = Field(default=None, ge=0, le=1)
    """The least score kept; with `keep: score` alone."""
    min_dollar_signs: int = Field(default=0, ge=0)
    """Dollar signs a document must have: few have formulas in LaTeX."""

    @model_validator(mode="after")
    def _has_its_threshold(self) -> Self:
        if (self.threshold is None) == (self.keep == "score"):
            raise ValueError(f"threshold goes with keep: score, got {self.threshold} with keep: {self.keep}")
        return self


COMPONENT = pa.field("component", pa.string(), nullable=False)


def select(raw: Path, out: Path, source: SourceParams, params: SelectParams) -> Report:
    """Write the documents of `raw` that `source` keeps to `out`, with a column `component`.

    Raises InputError where a shard lacks the column that `keep` needs.
    """
    work = partial(select_shard, source=source, params=params)
    key = [source.model_dump(), params.model_dump()]
    return map_folder("select", work, raw, out, key)


def select_shard(shard: Path, folder: Path, *, source: SourceParams, params: SelectParams) -> Report:
    """Write one shard's kept documents to folder/documents.parquet."""
    schema = read_schema(shard, ["id", "text"])
    column = {"types": "types", "related": "related", "score": f"score_{Path(source.input).name}", "all": "text"}
    if column[source.keep] not in schema.names:
        raise InputError(f"{shard}: no column {column[source.keep]!r}, which keep: {source.keep} needs")
    report = Report()
    with (
        ShardWriter(folder / "documents.parquet", schema.append(COMPONENT)) as kept,
        ShardWriter(folder / "dropped.parquet", DROPPED) as dropped,
    ):
        for batch in read_batches(shard):
            judged, reason, details = judge(batch.column(column[source.keep]), source, params)
            dollars = pc.count_substring(batch.column("text"), "$")
            formulaic = pc.greater_equal(dollars, source.min_dollar_signs)
            mask = pc.and_(judged, formulaic)
            _write_dropped(dropped, batch, pc.invert(formulaic), "too_few_dollar_signs", pc.cast(dollars, pa.string()))
            _write_dropped(dropped, batch, pc.and_not(formulaic, judged), reason, details)
            good = batch.filter(mask)
            kept.write(good.append_column(COMPONENT, pa.array([source.component] * good.num_rows, pa.string())))
            report.read += batch.num_rows
            report.kept += good.num_rows
            report.dropped["too_few_dollar_signs"] += pc.sum(pc.invert(formulaic)).as_py() or 0
            report.dropped[reason] += pc.sum(pc.and_not(formulaic, judged)).as_py() or 0
    report.dropped = +report.dropped
    return report


def judge(column: pa.Array, source: SourceParams, params: SelectParams) -> tuple[pa.Array, str, pa.Array]:
    """Return which documents are kept [documents], why the others are not, and each one's detail."""
    if source.keep == "types":
        hit = pc.is_in(column.flatten(), pa.array(params.keep_types, pa.int8()))
        rows = pc.unique(pc.list_parent_indices(column).filter(hit))
        kept = pc.is_in(pa.array(range(len(column)), pa.int64()), rows.cast(pa.int64()))
        return kept, "type_not_kept", pa.array([",".join(map(str, types)) for types in column.to_pylist()], pa.string())
    if source.keep == "related":
        return column, "unrelated", pa.array([""] * len(column), pa.string())
    if source.keep == "score":
        details = [f"{score:.6f}" for score in column.to_pylist()]
        return pc.greater_equal(column, source.threshold), "below_threshold", pa.array(details, pa.string())
    return pa.array([True] * len(column)), "never", pa.array([""] * len(column), pa.string())


def _write_dropped(dropped: ShardWriter, batch: pa.RecordBatch, mask: pa.Array, reason: str, details: pa.Array) -> None:
    ids = batch.column("id").filter(mask)
    reasons = pa.array([reason] * len(ids), pa.string())
    dropped.write(pa.RecordBatch.from_arrays([ids, reasons, details.filter(mask)], schema=DROPPED))
