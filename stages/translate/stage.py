"""Find each computation of a document and write it as a snippet of Python.

The symbolic translator reads what LaTeX says and needs no model; a language model reads more, and
its replies are kept. Whether a snippet's result is right is for execute and verify to say.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from mathcode_pile.core.documents import DROPPED, SNIPPET
from mathcode_pile.core.engine import alone, map_folder
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import ShardWriter, count_shard, number_batches, read_schema
from mathcode_pile.llm import LlmParams, Task, Template, Text, load_template, make_task, open_asker, write_prompts
from stages.translate.replies import Computation, Parsed, parse_reply
from stages.translate.symbolic import translate_document

PROMPT = Path(__file__).with_name("prompts") / "translate.txt"


class TranslateParams(Section):
    """How computations are found and translated."""

    backend: Literal["symbolic", "openai", "vllm"]
    model: str | None = None
    """Which of llm.models; with a model's backend."""
    max_completion_tokens: int = Field(default=2048, gt=0)
    max_piece_characters: int = Field(gt=0)
    """A model is asked about pieces of at most this length, which end at paragraphs."""
    max_failed_share: float = Field(ge=0, le=1)
    components: dict[str, Any]
    """Which components are translated; dvc.yaml reads it."""


Translated = Iterator[tuple[int, Parsed]]  # the row, for each piece, in order


class SymbolicTranslator(NamedTuple):
    """Translates without a model, each text as a whole."""

    def translate(self, texts: Iterable[Text], total: int) -> Translated:
        """Yield each text's row and what was found in it."""
        for row, text in texts:
            computations, reasons = translate_document(text)
            yield row, Parsed([Computation(*computation) for computation in computations], reasons)


class ModelTranslator(NamedTuple):
    """Translates by asking a language model about each piece of a text."""

    task: Task
    max_characters: int

    @property
    def template(self) -> Template:
        """The prompt."""
        return load_template(PROMPT)

    def translate(self, texts: Iterable[Text], total: int) -> Translated:
        """Yield each text's row, once for each of its pieces, and what was found in the piece."""
        for row, reply in open_asker(self.task).ask(self.write_prompts(texts), total, "document"):
            failed = Parsed([], Counter({reply.failure: 1}))
            yield row, failed if reply.failure else self._drop_examples(parse_reply(reply.text, reply.is_cut))

    def _drop_examples(self, parsed: Parsed) -> Parsed:
        """Leave out what a model copied from the prompt's own example: it would verify, and stands in no document."""
        examples = {(c.conditions, c.result) for c in parse_reply(self.template.text).computations}
        own = [c for c in parsed.computations if (c.conditions, c.result) not in examples]
        copied = len(parsed.computations) - len(own)
        return Parsed(own, parsed.reasons + Counter({"copied_example": copied}))

    def write_prompts(self, texts: Iterable[Text]) -> Iterator[tuple[int, str]]:
        """Yield each text's row and the prompt for each of its pieces."""
        return write_prompts(self.task, self.template, self.max_characters, texts)


def choose_translator(params: TranslateParams, llm: LlmParams) -> SymbolicTranslator | ModelTranslator:
    """Return what finds the computations, as params say."""
    if params.backend == "symbolic":
        return SymbolicTranslator()
    share = params.max_failed_share
    task = make_task("translate", params.backend, params.model, llm, params.max_completion_tokens, share)
    return ModelTranslator(task, params.max_piece_characters)


def translate(documents: Path, out: Path, params: TranslateParams, llm: LlmParams) -> Report:
    """Write the snippets of a folder's documents to `out`, each document's in order.

    The report counts documents: kept are those with snippets; `snippets` counts these, and `skipped_*` what
    was looked at and left, by reason. Raises PipelineError where a model cannot be asked.
    """
    translator = choose_translator(params, llm)
    work = partial(translate_shard, translator=translator)
    if isinstance(translator, SymbolicTranslator):
        return map_folder("translate", work, documents, out, ["symbolic"])
    model = translator.task.model
    key = [translator.task.identity(), translator.template.version, model.context_tokens, model.tokenizer]
    with alone():
        return map_folder("translate", work, documents, out, [*key, params.max_piece_characters])


def translate_shard(shard: Path, folder: Path, *, translator: SymbolicTranslator | ModelTranslator) -> Report:
    """Write the snippets of one shard's documents to folder/documents.parquet."""
    read_schema(shard, ["id", "text"])
    report = Report()
    found = groupby(translator.translate(_texts(shard), count_shard(shard)), key=lambda pair: pair[0])
    with (
        ShardWriter(folder / "documents.parquet", SNIPPET) as snippets,
        ShardWriter(folder / "dropped.parquet", DROPPED) as dropped,
    ):
        for start, batch in number_batches(shard, ["id", "text"]):
            for row, (identifier, text) in enumerate(zip(batch.column(0), batch.column(1), strict=True), start):
                pieces: list[Parsed] = []
                if text.as_py().strip():
                    number, group = next(found)
                    assert number == row
                    pieces = [parsed for _, parsed in group]
                _take_document(identifier.as_py(), pieces, report, snippets, dropped)
        for _ in found:  # lets the translator end as it should
            pass
    return report


def _texts(shard: Path) -> Iterator[Text]:
    for start, batch in number_batches(shard, ["text"]):
        for row, text in enumerate(batch.column(0), start):
            if text.as_py().strip():
                yield row, text.as_py()


def _take_document(
    identifier: str, pieces: list[Parsed], report: Report, snippets: ShardWriter, dropped: ShardWriter
) -> None:
    computations = [c for piece in pieces for c in piece.computations]
    reasons = sum((piece.reasons for piece in pieces), Counter())
    report.read += 1
    report.counts["pieces"] += len(pieces)
    report.counts["snippets"] += len(computations)
    report.counts.update({f"skipped_{name}": count for name, count in reasons.items()})
    if computations:
        report.kept += 1
        snippets.write_rows(_rows(identifier, computations))
    else:
        reason, detail = _why_none(reasons)
        report.dropped[reason] += 1
        dropped.write_rows([{"id": identifier, "reason": reason, "detail": detail}])


def _rows(document_id: str, computations: Iterable[Computation]) -> list[dict[str, Any]]:
    return [
        {"document_id": document_id, "position": position} | computation._asdict()
        for position, computation in enumerate(computations)
    ]


def _why_none(reasons: Counter[str]) -> tuple[str, str]:
    """Return the reason of a document without snippets, the most frequent one, and all of them as detail."""
    if not reasons:
        return "no_computation", ""
    ranked = sorted(reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    return ranked[0][0], ", ".join(f"{name} {count}" for name, count in ranked)
