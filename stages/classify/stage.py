"""Score every document with a trained classifier; drop the documents under a floor.

A document keeps its score, so the threshold of a source can be changed without scoring again.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mathcode_pile.classifier.scorer import MODEL_FILE, open_scorer
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Funnel, Report
from mathcode_pile.core.scratch import hash_file
from mathcode_pile.core.shards import count_rows, read_schema
from stages.classify.reasons import Reason


def score_column(classifier: str) -> str:
    """Return the name of the column that holds a classifier's scores."""
    return f"score_{classifier}"


def classify(documents: Path, model: Path, out: Path, classifier: str, floor: float) -> Report:
    """Score the documents of a folder with the model in another folder; drop those under the floor.

    A folder without documents needs no model: where a profile leaves out a source, none may have been trained.
    """
    path = (model / MODEL_FILE).resolve()
    is_needed = bool(count_rows(documents))
    if is_needed and not path.is_file():
        raise InputError(f"{path}: no such file; train_classifier writes none where a label has no documents")
    work = partial(score_shard, model=path, classifier=classifier, floor=floor)
    key = [classifier, floor, hash_file(path) if is_needed else None]
    prepare = partial(open_scorer, path) if is_needed else None
    return map_folder("classify", work, documents, out, key, prepare=prepare)


def score_shard(shard: Path, folder: Path, *, model: Path, classifier: str, floor: float) -> Report:
    """Add the score to one shard's documents, in float32; Arrow in, Arrow out."""
    schema = _scored_schema(shard, score_column(classifier))
    with Funnel.of_shard(folder, schema) as funnel:
        for batch in funnel.read(shard):
            for part, scores in funnel.apply(lambda rows: open_scorer(model).score(rows.column("text")), batch):
                scored = pa.RecordBatch.from_arrays([*part.columns, pa.array(scores)], schema=schema)
                funnel.split(scored, scores >= np.float32(floor), Reason.BELOW_FLOOR, _describe(scores))
    return funnel.report


def _scored_schema(shard: Path, column: str) -> pa.Schema:
    schema = read_schema(shard, ["id", "text"])
    if not (pa.types.is_string(schema.field("text").type) or pa.types.is_large_string(schema.field("text").type)):
        raise InputError(f"{shard}: column 'text' must hold text, it holds {schema.field('text').type}")
    if column in schema.names:
        raise InputError(f"{shard}: has a column {column!r} already")
    return schema.append(pa.field(column, pa.float32(), nullable=False))


def _describe(scores: NDArray[np.float32]) -> pa.Array:
    rounded = pc.round(pa.array(scores.astype(np.float64)), 4).cast(pa.string())
    return pc.binary_join_element_wise("score", rounded, " ")
