"""Choose the documents that are judged: by the rules of their source, which cost nothing, and by a sample."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash
from numpy.typing import NDArray
from pydantic import Field

from mathcode_pile.core.engine import map_in_processes
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import list_shards, number_batches, read_batches
from mathcode_pile.llm import Text
from stages.annotate.reasons import Reason


class AnnotateSource(Section):
    """Which documents of one source are judged."""

    input: str
    """The folder below data/ whose documents are judged; dvc.yaml reads it."""
    sample: int = Field(default=0, ge=0)
    """How many documents to judge, chosen by a hash of their id; the others are dropped. 0: all."""
    cut_first_line: str = ""
    """A first line that contains this, in any case, is cut off if text follows it."""
    min_dollar_signs: int = Field(default=0, ge=0)
    """A document with fewer dollar signs is dropped: it has few formulas in LaTeX."""


def last_chosen_hash(folder: Path, task: AnnotateSource) -> int | None:
    """Return the hash of an id up to which documents are sampled: the `sample`-th least; None where all are.

    Documents that break a rule of the source are not sampled.
    """
    if not task.sample:
        return None
    least = np.empty(0, dtype=np.uint64)
    for found in map_in_processes(partial(_least_hashes, task=task), list_shards(folder)):
        least = _take_least(np.concatenate([least, found]), task.sample + 1)
    return int(np.partition(least, task.sample - 1)[task.sample - 1]) if len(least) > task.sample else None


def _least_hashes(shard: Path, *, task: AnnotateSource) -> NDArray[np.uint64]:
    """Return the least hashes of a shard's ids, one more than are sampled."""
    least = np.empty(0, dtype=np.uint64)
    for batch in read_batches(shard, ["id", "text"] if task.min_dollar_signs else ["id"]):
        hashes = _hash_ids(batch.column("id"))
        if task.min_dollar_signs:
            dollars = _count_dollars(cut_first_lines(batch.column("text"), task.cut_first_line))
            hashes = hashes[np.array(dollars, dtype=np.int64) >= task.min_dollar_signs]
        least = _take_least(np.concatenate([least, hashes]), task.sample + 1)
    return least


def _take_least(hashes: NDArray[np.uint64], count: int) -> NDArray[np.uint64]:
    return np.partition(hashes, count - 1)[:count] if len(hashes) > count else hashes


def cut_first_lines(texts: pa.Array, word: str) -> pa.Array:
    """[documents] the texts, without a first line that contains the word in any case; no word cuts nothing.

    The published script does so with "revised": some of Education-College-Students begin with a line such as "Here is
    the revised text:". A text of one line is not cut.
    """
    if not word:
        return texts
    return pa.array([_cut_first_line(text, word.lower()) for text in texts.to_pylist()], texts.type)


def _cut_first_line(text: str, word: str) -> str:
    first, _, rest = text.lstrip().partition("\n")
    return rest.strip() if word in first.lower() and rest.strip() else text


def _count_dollars(texts: pa.Array) -> list[int]:
    return pc.count_substring(texts, "$").to_pylist()


def _hash_ids(ids: pa.Array) -> NDArray[np.uint64]:
    return np.array([xxhash.xxh3_64_intdigest(i.encode(), seed=1) for i in ids.to_pylist()], dtype=np.uint64)


Skip = tuple[Reason, str]  # why a document is not judged, with a detail


def apply_rules(
    shard: Path, task: AnnotateSource, last: int | None
) -> Iterator[tuple[int, pa.RecordBatch, list[Skip | None]]]:
    """Yield each batch with the number of its first row, its texts cut, and [rows] why a document is not judged."""
    for start, batch in number_batches(shard):
        place = batch.schema.get_field_index("text")
        texts = cut_first_lines(batch.column(place), task.cut_first_line)
        skips: list[Skip | None] = [None if text.as_py().strip() else (Reason.EMPTY_TEXT, "") for text in texts]
        for row, count in enumerate(_count_dollars(texts)):
            if count < task.min_dollar_signs:
                skips[row] = skips[row] or (Reason.TOO_FEW_DOLLAR_SIGNS, f"dollar signs: {count}")
        if last is not None:
            for row in np.flatnonzero(_hash_ids(batch.column("id")) > last).tolist():
                skips[row] = skips[row] or (Reason.NOT_SAMPLED, "")
        yield start, batch.set_column(place, batch.schema.field(place), texts), skips


def chosen_texts(shard: Path, task: AnnotateSource, last: int | None) -> Iterator[Text]:
    """Yield the texts of the documents that are judged."""
    for start, batch, skips in apply_rules(shard, task, last):
        texts = batch.column("text")
        yield from ((start + row, texts[row].as_py()) for row, skip in enumerate(skips) if not skip)
