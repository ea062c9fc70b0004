"""Keep documents by what annotate and classify found: types, a verdict or a score.

This stage runs no model, so a changed threshold takes only seconds.
"""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Funnel, Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.removals import Removals
from mathcode_pile.core.shards import read_schema
from stages.select.reasons import Reason


class SelectParams(Section):
    """What is kept of the sources whose pieces have types."""

    keep_types: list[Annotated[int, Field(ge=1, le=7)]] = Field(min_length=1)
    """Types from 1 to 7; a document is kept if one of its pieces has one of them."""


class SourceParams(Section):
    """What is kept of one source, and the component that it becomes part of."""

    component: str
    """The component of the corpus that the source's documents belong to."""
    input: str
    """The folder below data/ with the documents; dvc.yaml reads it."""
    keep: Literal["types", "score", "related", "all"]
    """types: documents with a piece of a kept type. related: with a piece about mathematics, of type 1 to 3.
    score: a score from `threshold` up. all: every document."""
    threshold: float | None = Field(default=None, ge=0, le=1)
    """The lowest score that is kept; only with `keep: score`."""

    @model_validator(mode="after")
    def _has_its_threshold(self) -> Self:
        if (self.threshold is None) == (self.keep == "score"):
            raise ValueError(f"threshold goes with keep: score, got {self.threshold} with keep: {self.keep}")
        return self


COMPONENT = pa.field("component", pa.string(), nullable=False)
# Solved problems, concepts, and problems without a solution.
RELATED_TYPES = (1, 2, 3)
# Why a document is dropped, for each `keep` but `all`.
REASONS = {"types": Reason.TYPE_NOT_KEPT, "related": Reason.UNRELATED, "score": Reason.BELOW_THRESHOLD}


def select(raw: Path, out: Path, source: SourceParams, params: SelectParams, removals: Removals) -> Report:
    """Write the documents of `raw` that `source` keeps to `out`, with a column `component`.

    removals: the documents that were taken down; they are dropped before anything else is looked at.
    Raises InputError where a shard lacks the column that `keep` needs.
    """
    work = partial(select_shard, source=source, params=params, removals=removals)
    key = [source.model_dump(), params.model_dump(), removals.lines]
    return map_folder("select", work, raw, out, key)


class Judgement(NamedTuple):  # what `keep` says of a batch
    is_kept: pa.Array
    """[documents] booleans."""
    details: pa.Array
    """[documents] what was judged: the types or the score."""


def select_shard(
    shard: Path, folder: Path, *, source: SourceParams, params: SelectParams, removals: Removals
) -> Report:
    """Write one shard's kept documents to folder/documents.parquet."""
    schema = read_schema(shard, ["id", "text", "url"])
    columns = {"types": "types", "related": "types", "score": f"score_{Path(source.input).name}", "all": "text"}
    name = columns[source.keep]
    if name not in schema.names:
        raise InputError(f"{shard}: no column {name!r}, which keep: {source.keep} needs")
    work = partial(judge, column=name, source=source, params=params)
    with Funnel.of_shard(folder, schema.append(COMPONENT)) as funnel:
        for batch in funnel.read(shard):
            for part, judged in funnel.apply(work, removals.drop_from(batch, funnel, Reason.TAKEN_DOWN)):
                is_blank = pc.equal(pc.utf8_trim_whitespace(part.column("text")), "")
                funnel.drop_rows(part.column("id").filter(is_blank), Reason.EMPTY_TEXT)
                has_text = pc.invert(is_blank)
                named = part.append_column(COMPONENT, pa.repeat(source.component, part.num_rows)).filter(has_text)
                if judged is None:
                    funnel.keep(named)
                else:
                    is_kept, details = (column.filter(has_text) for column in judged)
                    funnel.split(named, is_kept, REASONS[source.keep], details)
    return funnel.report


def judge(batch: pa.RecordBatch, column: str, source: SourceParams, params: SelectParams) -> Judgement | None:
    """Say which documents are kept by the types or the score in a column; None where all are kept."""
    values = batch.column(column)
    if source.keep in ("types", "related"):
        kept = params.keep_types if source.keep == "types" else RELATED_TYPES
        hit = pc.is_in(values.flatten(), pa.array(kept, pa.int8()))
        rows = pc.unique(pc.list_parent_indices(values).filter(hit))
        is_kept = pc.is_in(pa.array(range(len(values)), pa.int64()), rows.cast(pa.int64()))
        details = [f"types: {', '.join(map(str, types))}" if types else "no type" for types in values.to_pylist()]
        return Judgement(is_kept, pa.array(details, pa.string()))
    if source.keep == "score":
        details = [f"score: {score:.6f}" if score is not None else "no score" for score in values.to_pylist()]
        return Judgement(
            pc.fill_null(pc.greater_equal(values, source.threshold), False), pa.array(details, pa.string())
        )
    return None
