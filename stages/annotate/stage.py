"""Give each piece of a document its type, or tell documents about mathematics from the rest.

A judgement is costly and kept with the document; `select` decides on it, and can decide again. Rules
judge without a model; a language model judges through `llm`, its replies kept for ever.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import xxhash
from pydantic import Field

from mathcode_pile.core.documents import DROPPED
from mathcode_pile.core.engine import alone, map_folder
from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import ShardWriter, count_shard, list_shards, number_batches, read_batches, read_schema
from mathcode_pile.llm import LlmParams, Task, Template, Text, load_template, make_task, open_asker, write_prompts
from mathcode_pile.llm.pieces import split_pieces
from stages.annotate.rules import is_related, type_piece

Question = Literal["type", "related"]

PROMPTS = Path(__file__).with_name("prompts")


class AnnotateSource(Section):
    """What is asked about one source's documents."""

    input: str
    """The folder below data/ whose documents are judged; dvc.yaml reads it."""
    question: Question
    sample: int = Field(default=0, ge=0)
    """Documents judged, chosen by a hash of their id; the others are dropped. 0: all."""


class AnnotateParams(Section):
    """How pieces are judged."""

    backend: Literal["rules", "openai", "vllm"]
    model: str | None = None
    """Which of llm.models; with a model's backend."""
    max_completion_tokens: int = Field(default=16, gt=0)
    max_piece_characters: int = Field(gt=0)
    max_failed_share: float = Field(ge=0, le=1)
    sources: dict[str, AnnotateSource]


class Verdict(NamedTuple):  # of one piece
    answer: int
    """A type of 1 to 7, or 1 for related and 2 for unrelated; 0 where there is no answer."""
    reason: str
    """Why there is no answer."""


Judged = Iterator[tuple[int, Verdict]]  # the row, for each piece, in order


class Judge(Protocol):
    """Judges the pieces of texts."""

    def judge(self, texts: Iterable[Text], total: int) -> Judged:
        """Yield each text's row, once for each of its pieces, with the piece's verdict; total: of the texts."""


class RulesJudge(NamedTuple):
    """Judges by rules."""

    question: Question
    max_characters: int

    def judge(self, texts: Iterable[Text], total: int) -> Judged:
        """Yield each text's row, once for each of its pieces, with the piece's verdict."""
        for row, text in texts:
            for piece in split_pieces(text, self.max_characters):
                answer = int(type_piece(piece)) if self.question == "type" else 2 - is_related(piece)
                yield row, Verdict(answer, "")


class ModelJudge(NamedTuple):
    """Judges by asking a language model."""

    question: Question
    max_characters: int
    task: Task

    @property
    def template(self) -> Template:
        """The prompt of the question."""
        return load_template(PROMPTS / f"{self.question}.txt")

    def judge(self, texts: Iterable[Text], total: int) -> Judged:
        """Yield each text's row, once for each of its pieces, with the piece's verdict."""
        read = read_type if self.question == "type" else read_relation
        for row, reply in open_asker(self.task).ask(self.write_prompts(texts), total, "document"):
            yield row, Verdict(0, reply.failure) if reply.failure else read(reply.text)

    def write_prompts(self, texts: Iterable[Text]) -> Iterator[tuple[int, str]]:
        """Yield each text's row and the prompt for each of its pieces."""
        return write_prompts(self.task, self.template, self.max_characters, texts)


# With a second one that "or" or a slash joins: "Type: 1 or 2" decides for neither.
_TYPE = re.compile(
    r"\b(?:type|category|answer|class)\W{0,12}([1-7])\b(?:\W{0,6}(?:\bor\b|/)\W{0,6}(\d)\b)?", re.IGNORECASE
)
_DIGIT = re.compile(r"(?<![\d.])([1-7])(?![\d]|\.\d)")
_RELATION = re.compile(r"\b(unrelated|not[ -]related|related)\b", re.IGNORECASE)


def read_type(reply: str) -> Verdict:
    """Return the type that a reply states: after a word that announces it, else the only digit there is.

    Two types are none: `ambiguous_reply`.
    """
    announced = {int(digit) for match in _TYPE.findall(reply) for digit in match if digit}
    stated = announced or {int(digit) for digit in _DIGIT.findall(reply)}
    if len(stated) == 1:
        return Verdict(stated.pop(), "")
    return Verdict(0, "ambiguous_reply" if stated else "unparsed_reply")


def read_relation(reply: str) -> Verdict:
    """Return 1 where a reply says related, 2 where it says unrelated."""
    stated = {1 if word.lower() == "related" else 2 for word in _RELATION.findall(reply)}
    if len(stated) == 1:
        return Verdict(stated.pop(), "")
    return Verdict(0, "ambiguous_reply" if stated else "unparsed_reply")


def choose_judge(source: str, params: AnnotateParams, llm: LlmParams) -> RulesJudge | ModelJudge:
    """Return what judges a source's pieces, as params say; raises ParamsError where they do not name the source."""
    if source not in params.sources:
        raise ParamsError(f"params: annotate.sources has no {source!r}; there are {', '.join(params.sources)}")
    question, limit = params.sources[source].question, params.max_piece_characters
    if params.backend == "rules":
        return RulesJudge(question, limit)
    share = params.max_failed_share
    task = make_task("annotate", params.backend, params.model, llm, params.max_completion_tokens, share)
    return ModelJudge(question, limit, task)


def annotate(raw: Path, out: Path, source: str, params: AnnotateParams, llm: LlmParams) -> Report:
    """Write the documents of `raw` to `out`, with a column `types` (one for each piece) or `related`.

    Documents which are not sampled, have no text, or for none of whose pieces an answer came are dropped.
    Raises InputError where a shard cannot be read, PipelineError where a model cannot be asked.
    """
    judge = choose_judge(source, params, llm)
    task = params.sources[source]
    last = last_chosen_hash(raw, task.sample)
    work = partial(annotate_shard, question=task.question, judge=judge, last=last)
    key: list[Any] = [task.question, params.max_piece_characters, last]
    if isinstance(judge, RulesJudge):
        return map_folder("annotate", work, raw, out, [*key, "rules"])
    model = judge.task.model
    key += [judge.task.identity(), judge.template.version, model.context_tokens, model.tokenizer]
    with alone():
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


def annotate_shard(shard: Path, folder: Path, *, question: Question, judge: Judge, last: int | None) -> Report:
    """Judge one shard's documents into folder/documents.parquet."""
    column = pa.field("types", pa.list_(pa.int8()), nullable=False)
    if question == "related":
        column = pa.field("related", pa.bool_(), nullable=False)
    schema = read_schema(shard, ["id", "text"])
    if column.name in schema.names:
        raise InputError(f"{shard}: has a column {column.name!r} already")
    report = Report()
    judged = groupby(judge.judge(_texts(shard, last), count_shard(shard)), key=lambda pair: pair[0])
    with (
        ShardWriter(folder / "documents.parquet", schema.append(column)) as kept,
        ShardWriter(folder / "dropped.parquet", DROPPED) as dropped,
    ):
        for start, batch in number_batches(shard):
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
        for _ in judged:  # lets the judge end as it should
            pass
    return report


def _reasons_to_skip(batch: pa.RecordBatch, last: int | None) -> list[str]:
    """[rows] why a document is not judged; empty where it is."""
    texts = batch.column("text")
    reasons = ["" if text.as_py().strip() else "empty_text" for text in texts]
    if last is not None:
        for row in np.flatnonzero(_hash_ids(batch.column("id")) > last):
            reasons[row] = "not_sampled"
    return reasons


def _texts(shard: Path, last: int | None) -> Iterator[Text]:
    """Yield the texts of the documents that are judged."""
    for start, batch in number_batches(shard):
        texts = batch.column("text")
        for row, reason in enumerate(_reasons_to_skip(batch, last)):
            if not reason:
                yield start + row, texts[row].as_py()


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
