"""Give each piece of a document its type, or tell documents about mathematics from the rest.

A judgement is costly and kept with the document; `select` decides on it, and can decide again. Rules
judge without a model; a language model judges through `llm`, its replies kept for ever.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash

from mathcode_pile.documents import DROPPED
from mathcode_pile.engine import Report, map_folder
from mathcode_pile.errors import InputError
from mathcode_pile.params import Section
from mathcode_pile.pieces import split_pieces
from mathcode_pile.rules import is_related, type_piece
from mathcode_pile.shards import ShardWriter, list_shards, read_batches

Question = Literal["type", "related"]


class AnnotateSource(Section):
    """What is asked about one source's documents."""

    input: str
    """The folder below data/ whose documents are judged; dvc.yaml reads it."""
    question: Question
    sample: int = 0
    """Documents judged, chosen by a hash of their id; the others are dropped. 0: all."""


class AnnotateParams(Section):
    """How pieces are judged."""

    backend: Literal["rules"]
    max_piece_characters: int
    max_failed_share: float
    sources: dict[str, AnnotateSource]


class Verdict(NamedTuple):  # of one piece
    answer: int
    """A type of 1 to 7, or 1 for related and 2 for unrelated; 0 where there is no answer."""
    reason: str
    """Why there is no answer."""


Item = tuple[int, str]  # the number of a document's row in its shard, and a piece of its text


class RulesJudge:
    """Judges pieces by rules."""

    def __init__(self, question: Question) -> None:
        self.question = question

    def judge(self, items: Iterable[Item]) -> Iterator[tuple[int, Verdict]]:
        """Yield the row of each item, in order, and its verdict."""
        for row, piece in items:
            if self.question == "type":
                yield row, Verdict(int(type_piece(piece)), "")
            else:
                yield row, Verdict(1 if is_related(piece) else 2, "")


def annotate(raw: Path, out: Path, source: str, params: AnnotateParams) -> Report:
    """Write the documents of `raw` to `out`, with a column `types` (one for each piece) or `related`.

    Documents which are not sampled, have no text, or for none of whose pieces an answer came are dropped.
    Raises InputError where a shard cannot be read.
    """
    task = params.sources[source]
    last = last_chosen_hash(raw, task.sample)
    work = partial(annotate_shard, question=task.question, limit=params.max_piece_characters, last=last)
    key = [params.backend, task.question, params.max_piece_characters, last]
    return map_folder("annotate", work, raw, out, key)


def last_chosen_hash(folder: Path, sample: int) -> int | None:
    """Return the greatest hash of an id among the `sample` least of a folder, None where all are chosen."""
    if sample <= 0:
        return None
    hashes = [_hash_ids(batch.column(0)) for shard in list_shards(folder) for batch in read_batches(shard, ["id"])]
    everyone = np.concatenate(hashes) if hashes else np.empty(0, dtype=np.uint64)
    if len(everyone) <= sample:
        return None
    return int(np.partition(everyone, sample - 1)[sample - 1])


def _hash_ids(ids: pa.Array) -> Any:
    return np.array([xxhash.xxh3_64_intdigest(i.encode(), seed=1) for i in ids.to_pylist()], dtype=np.uint64)


def annotate_shard(shard: Path, folder: Path, *, question: Question, limit: int, last: int | None) -> Report:
    """Judge one shard's documents into folder/documents.parquet."""
    column = pa.field("types", pa.list_(pa.int8()), nullable=False)
    if question == "related":
        column = pa.field("related", pa.bool_(), nullable=False)
    schema = pq.read_schema(shard)
    if column.name in schema.names:
        raise InputError(f"{shard}: has a column {column.name!r} already")
    report = Report()
    judged = groupby(RulesJudge(question).judge(_pieces(shard, last, limit)), key=lambda pair: pair[0])
    with (
        ShardWriter(folder / "documents.parquet", schema.append(column)) as kept,
        ShardWriter(folder / "dropped.parquet", DROPPED) as dropped,
    ):
        for start, batch in _numbered_batches(shard):
            reasons = _reasons_to_skip(batch, last)
            answers: list[Any] = []
            for row, reason in enumerate(reasons):
                if reason:
                    continue
                number, verdicts = next(judged)
                assert number == start + row
                answer, reasons[row] = _sum_up([v for _, v in verdicts], question, report.counts)
                if not reasons[row]:
                    answers.append(answer)
            _write(batch, reasons, pa.array(answers, column.type), column, kept, dropped, report)
    return report


def _numbered_batches(shard: Path) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield each batch of a shard with the number of its first row."""
    start = 0
    for batch in read_batches(shard):
        yield start, batch
        start += batch.num_rows


def _reasons_to_skip(batch: pa.RecordBatch, last: int | None) -> list[str]:
    """[rows] why a document is not judged; empty where it is."""
    texts = batch.column("text")
    reasons = ["" if text.as_py().strip() else "empty_text" for text in texts]
    if last is not None:
        for row in np.flatnonzero(_hash_ids(batch.column("id")) > last):
            reasons[row] = "not_sampled"
    return reasons


def _pieces(shard: Path, last: int | None, limit: int) -> Iterator[Item]:
    """Yield the pieces of the documents that are judged."""
    for start, batch in _numbered_batches(shard):
        texts = batch.column("text")
        for row, reason in enumerate(_reasons_to_skip(batch, last)):
            if not reason:
                for piece in split_pieces(texts[row].as_py(), limit):
                    yield start + row, piece


def _sum_up(verdicts: list[Verdict], question: Question, counts: Counter[str]) -> tuple[Any, str]:
    """Return a document's answer and, where none of its pieces has one, the reason."""
    counts["pieces"] += len(verdicts)
    for verdict in verdicts:
        name = ("none", "related", "unrelated")[verdict.answer] if question == "related" else f"type_{verdict.answer}"
        counts[name if verdict.answer else "unanswered_pieces"] += 1
    answers = [v.answer for v in verdicts]
    if not any(answers):
        return None, verdicts[0].reason
    return (answers if question == "type" else 1 in answers), ""


def _write(
    batch: pa.RecordBatch,
    reasons: list[str],
    answers: pa.Array,
    column: pa.Field,
    kept: ShardWriter,
    dropped: ShardWriter,
    report: Report,
) -> None:
    good = batch.filter(pa.array([not reason for reason in reasons]))
    columns = {**dict(zip(good.schema.names, good.columns, strict=True)), column.name: answers}
    kept.write(pa.RecordBatch.from_arrays(list(columns.values()), schema=kept.schema))
    ids = batch.column("id").to_pylist()
    dropped.write_rows([{"id": i, "reason": r, "detail": ""} for i, r in zip(ids, reasons, strict=True) if r])
    report.read += batch.num_rows
    report.kept += good.num_rows
    report.dropped.update(r for r in reasons if r)
