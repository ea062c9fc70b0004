"""Score every document with a trained classifier; those under a floor go no further.

The score stays with the document, so that the threshold of a source can be moved without scoring again.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mathcode_pile.classifier.scorer import MODEL_FILE, open_scorer
from mathcode_pile.core.documents import DROPPED
from mathcode_pile.core.engine import Report, map_folder
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.scratch import hash_file
from mathcode_pile.core.shards import ShardWriter, read_batches, read_schema


def score_column(classifier: str) -> str:
    """Return the name of the column that holds a classifier's scores."""
    return f"score_{classifier}"


def classify(documents: Path, model: Path, out: Path, classifier: str, floor: float) -> Report:
    """Score the documents of a folder with the model in another; those under the floor are dropped by name."""
    path = (model / MODEL_FILE).resolve()
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    work = partial(score_shard, model=path, classifier=classifier, floor=floor)
    key = [classifier, floor, hash_file(path)]
    return map_folder("classify", work, documents, out, key, prepare=partial(open_scorer, path))


def score_shard(shard: Path, folder: Path, *, model: Path, classifier: str, floor: float) -> Report:
    """Add the score to one shard's documents, in float32; Arrow in, Arrow out."""
    scorer = open_scorer(model)
    report = Report()
    schema = _scored_schema(shard, score_column(classifier))
    with (
        ShardWriter(folder / "documents.parquet", schema) as kept,
        ShardWriter(folder / "dropped.parquet", DROPPED) as dropped,
    ):
        for batch in read_batches(shard):
            scores = scorer.score(batch.column("text"))
            is_kept = scores >= np.float32(floor)
            scored = pa.RecordBatch.from_arrays([*batch.columns, pa.array(scores)], schema=schema)
            kept.write(scored.filter(pa.array(is_kept)))
            dropped.write(_describe_dropped(batch, scores, ~is_kept))
            report.read += batch.num_rows
            report.kept += int(is_kept.sum())
    if report.read > report.kept:
        report.dropped["below_floor"] = report.read - report.kept
    return report


def _scored_schema(shard: Path, column: str) -> pa.Schema:
    schema = read_schema(shard, ["id", "text"])
    if not (pa.types.is_string(schema.field("text").type) or pa.types.is_large_string(schema.field("text").type)):
        raise InputError(f"{shard}: column 'text' must hold text, it holds {schema.field('text').type}")
    if column in schema.names:
        raise InputError(f"{shard}: has a column {column!r} already")
    return schema.append(pa.field(column, pa.float32(), nullable=False))


def _describe_dropped(batch: pa.RecordBatch, scores: NDArray[np.float32], chosen: NDArray[np.bool_]) -> pa.RecordBatch:
    ids = batch.column("id").filter(pa.array(chosen)).cast(pa.string())
    rounded = pc.round(pa.array(scores[chosen].astype(np.float64)), 4).cast(pa.string())
    detail = pc.binary_join_element_wise("score", rounded, " ")
    return pa.RecordBatch.from_arrays([ids, pa.repeat("below_floor", len(ids)), detail], schema=DROPPED)
