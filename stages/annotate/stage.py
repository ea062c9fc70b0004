"""Give each piece of a document its type: what it is to a reader who wants to learn mathematics.

A judgement is costly, so it is kept with the document; `select` decides by it, and can decide again at no cost. Rules
judge without a model. A language model judges through mathcode_pile.llm, which keeps its replies.
"""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple, Protocol

import pyarrow as pa
from pydantic import Field, JsonValue

from mathcode_pile.core.engine import Place, map_folder
from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.funnel import DropReason, Failed, Funnel, Report, attempt
from mathcode_pile.core.shards import count_shard, read_schema
from mathcode_pile.llm import AskParams, Inquiry, LlmParams, ModelBackend, Reply, Text, load_template, make_task
from mathcode_pile.llm.pieces import split_pieces
from stages.annotate.choosing import AnnotateSource, apply_rules, chosen_texts, last_chosen_hash
from stages.annotate.reasons import Reason
from stages.annotate.rules import type_piece

PROMPT = Path(__file__).with_name("prompts") / "type.txt"
# What models call the types 1 to 7. A small model sorts better into words than into numbers (docs/models.md).
TYPE_NAMES = ("solved", "concept", "exercise", "applied", "software", "prose", "noise")
# The form of the answers, for servers that can hold a model to it.
SCHEMA: dict[str, JsonValue] = {
    "type": "object",
    "properties": {"type": {"enum": list(TYPE_NAMES)}},
    "required": ["type"],
    "additionalProperties": False,
}
TYPES = pa.field("types", pa.list_(pa.int8()), nullable=False)


class AnnotateParams(AskParams):
    """How pieces are judged."""

    backend: Literal["rules"] | ModelBackend
    """rules: signs in the text, no model. recorded, openai and vllm ask a model, see docs/models.md."""
    max_completion_tokens: int = Field(default=16, gt=0)
    """The longest answer to one piece; an answer is a type and nothing more."""
    max_piece_characters: int = Field(gt=0)
    """Documents are split at paragraphs into pieces of at most this length."""
    sources: dict[str, AnnotateSource]
    """The sources whose documents are judged."""


class Verdict(NamedTuple):  # of one piece
    answer: int
    """A type of 1 to 7; 0: no answer."""
    reason: DropReason | None = None
    """Why there is no answer."""
    detail: str = ""


# A text's row and the verdicts on its pieces in order; Failed where our code raised on the text.
Judged = Iterator[tuple[int, list[Verdict] | Failed]]


class Judge(Protocol):
    """Judges the pieces of texts."""

    def judge(self, texts: Iterable[Text], total: int) -> Judged:
        """Yield the verdicts on each text; total: how many texts there are."""


class RulesJudge(NamedTuple):
    """Judges by rules."""

    max_characters: int

    def judge(self, texts: Iterable[Text], total: int) -> Judged:
        """Yield the verdicts on each text."""
        for row, text in texts:
            yield row, attempt(self._judge_text, text)

    def _judge_text(self, text: str) -> list[Verdict]:
        return [Verdict(int(type_piece(piece))) for piece in split_pieces(text, self.max_characters)]


class ModelJudge(Inquiry):
    """Judges by asking a language model."""

    def judge(self, texts: Iterable[Text], total: int) -> Judged:
        """Yield the verdicts on each text."""
        return self.ask(texts, total, self._read_reply, lambda verdict: verdict.reason)

    def _read_reply(self, reply: Reply) -> Verdict:
        if reply.failure:
            return Verdict(0, reply.failure, reply.detail)
        verdict = read_type(reply.text)
        return verdict._replace(reason=Reason.CUT_OFF) if reply.is_cut and not verdict.answer else verdict


# The second digit, after "or" or a slash, is read too: "Type: 1 or 2" decides for neither.
_TYPE = re.compile(
    r"\b(?:type|category|answer|class)\W{0,12}([1-7])\b(?:\W{0,6}(?:\bor\b|/)\W{0,6}(\d)\b)?", re.IGNORECASE
)
_DIGIT = re.compile(r"(?<![\d.])([1-7])(?![\d]|\.\d)")
_NAME = re.compile(rf"\b(?:{'|'.join(TYPE_NAMES)})\b", re.IGNORECASE)


def read_type(reply: str) -> Verdict:
    """Return the type that a reply states, by name or number: after a word that announces it, else the only one in it.

    A reply with two types has no answer: `ambiguous_reply`.
    """
    numbered = _NAME.sub(lambda name: str(TYPE_NAMES.index(name[0].lower()) + 1), reply)
    announced = {int(digit) for match in _TYPE.findall(numbered) for digit in match if digit}
    stated = announced or {int(digit) for digit in _DIGIT.findall(numbered)}
    if len(stated) == 1:
        return Verdict(stated.pop())
    return Verdict(0, Reason.AMBIGUOUS_REPLY if stated else Reason.UNPARSED_REPLY, " ".join(reply[:200].split()))


def choose_judge(params: AnnotateParams, llm: LlmParams) -> RulesJudge | ModelJudge:
    """Return the judge that params name."""
    if params.backend == "rules":
        return RulesJudge(params.max_piece_characters)
    task = make_task("annotate", params.backend, params, llm)._replace(schema=SCHEMA)
    return ModelJudge(task, load_template(PROMPT), params.max_piece_characters)


def annotate(raw: Path, out: Path, source: str, params: AnnotateParams, llm: LlmParams) -> Report:
    """Write the documents of `raw` to `out`, with a column `types`, one for each piece.

    A document is dropped if it breaks a rule of its source, is not sampled, or gets no answer about any of its pieces.
    The rules come first, because they cost nothing.
    Raises ParamsError where params lack the source, InputError where a shard cannot be read, PipelineError where a
    model cannot be asked.
    """
    if source not in params.sources:
        raise ParamsError(f"params: annotate.sources has no {source!r}; there are {', '.join(params.sources)}")
    judge, task = choose_judge(params, llm), params.sources[source]
    last = last_chosen_hash(raw, task)
    work = partial(annotate_shard, task=task, judge=judge, last=last)
    how = ["rules", params.max_piece_characters] if isinstance(judge, RulesJudge) else judge.key
    place: Place = "workers" if isinstance(judge, RulesJudge) else "driver"
    rules = [task.cut_first_line, task.min_dollar_signs]
    return map_folder("annotate", work, raw, out, [last, *rules, *how], place=place)


def annotate_shard(shard: Path, folder: Path, *, task: AnnotateSource, judge: Judge, last: int | None) -> Report:
    """Judge one shard's documents into folder/documents.parquet; last: what last_chosen_hash returns."""
    schema = read_schema(shard, ["id", "text"])
    if TYPES.name in schema.names:
        raise InputError(f"{shard}: has a column {TYPES.name!r} already")
    judged = judge.judge(chosen_texts(shard, task, last), count_shard(shard))
    annotated = schema.append(TYPES)
    with Funnel.of_shard(folder, annotated) as funnel:
        for start, batch, skipped in apply_rules(shard, task, last):
            funnel.count_read(batch.num_rows)
            names: list[str] = batch["id"].to_pylist()
            rows: list[int] = []
            answers: list[list[int]] = []
            for row, skip in enumerate(skipped):
                if skip:
                    funnel.drop(names[row], *skip)
                    continue
                number, verdicts = next(judged)
                assert number == start + row
                answer = _sum_up(names[row], verdicts, funnel)
                if answer:
                    rows.append(row)
                    answers.append(answer)
            columns = [*batch.take(pa.array(rows, pa.int64())).columns, pa.array(answers, TYPES.type)]
            funnel.keep(pa.RecordBatch.from_arrays(columns, schema=annotated))
        for _ in judged:  # nothing is left; the asker then checks and notes its run
            pass
    return funnel.report


def _sum_up(name: str, verdicts: list[Verdict] | Failed, funnel: Funnel) -> list[int]:
    """Return the types of a document's pieces; a document without any is dropped, for the reason of its first piece."""
    if isinstance(verdicts, Failed):
        funnel.fail(name, verdicts)
        return []
    answers = [verdict.answer for verdict in verdicts]
    funnel.report.counts["pieces"] += len(answers)
    funnel.report.counts.update(f"type_{answer}" if answer else "unanswered_pieces" for answer in answers)
    if any(answers):
        return answers
    first = verdicts[0]
    assert first.reason
    funnel.drop(name, first.reason, first.detail)
    return []
