"""Find each computation of a document and write it as a snippet of Python.

The symbolic translator reads LaTeX and needs no model. A language model finds more, and its replies are kept. Execute
and verify find out whether a snippet's result is right.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from mathcode_pile.core.documents import SNIPPET
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.funnel import DropReason, Failed, Funnel, Report, attempt
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import count_shard, number_batches, read_schema
from mathcode_pile.llm import Inquiry, LlmParams, Reply, Text, load_template, make_task
from stages.translate.computation import Computation
from stages.translate.reasons import Reason
from stages.translate.replies import parse_reply
from stages.translate.selection import select
from stages.translate.symbolic import translate_document

PROMPT = Path(__file__).with_name("prompts") / "translate.txt"


class TranslateParams(Section):
    """How computations are found and translated."""

    backend: Literal["symbolic", "openai", "vllm"]
    model: str | None = None
    """A name of llm.models; needed by the backends openai and vllm."""
    max_completion_tokens: int = Field(default=2048, gt=0)
    max_piece_characters: int = Field(gt=0)
    """A model is asked about pieces of at most this length, which end at paragraphs."""
    min_operations: int = Field(default=2, ge=0)
    """Programs with fewer operations are left out: nobody needs one for 8 - 2."""
    max_failed_share: float = Field(default=0.01, ge=0, le=1)
    """The run stops if more than this share of its prompts fail or get a reply that cannot be read."""
    components: dict[str, Any]
    """Which components are translated; dvc.yaml reads it."""


class Translation(NamedTuple):  # of one document, or of one piece of it
    pieces: int
    """How many pieces of it the translator read."""
    computations: list[Computation]
    reasons: Counter[DropReason]
    """Why parts of it gave no computation."""
    detail: str = ""
    """Why a model gave no reply about a piece."""


# A text's row and its translation; Failed where our code raised on the text.
Translated = Iterator[tuple[int, Translation | Failed]]


class SymbolicTranslator(NamedTuple):
    """Translates without a model, each text as a whole."""

    @property
    def name(self) -> str:
        """What its snippets are marked with."""
        return "symbolic"

    def translate(self, texts: Iterable[Text], total: int) -> Translated:
        """Yield the translation of each text."""
        for row, text in texts:
            found = attempt(translate_document, text)
            yield row, found if isinstance(found, Failed) else Translation(1, *found)


@dataclass(frozen=True)
class ModelTranslator(Inquiry):
    """Translates by asking a language model about each piece of a text."""

    @property
    def name(self) -> str:
        """What its snippets are marked with: the model's id."""
        return self.task.model.id

    def translate(self, texts: Iterable[Text], total: int) -> Translated:
        """Yield the translation of each text; total: how many texts there are."""
        for row, pieces in self.ask(texts, total, self._read_reply, _why_unread):
            yield row, pieces if isinstance(pieces, Failed) else _join(pieces)

    def _read_reply(self, reply: Reply) -> Translation:
        if reply.failure:
            return Translation(1, [], Counter({reply.failure: 1}), reply.detail)
        parsed = parse_reply(reply.text, reply.is_cut)
        # A copy of a worked example would be verified, although no document has it.
        own = [c for c in parsed.computations if (c.conditions, c.result) not in self._examples]
        copied = len(parsed.computations) - len(own)
        return Translation(1, own, parsed.reasons + Counter({Reason.COPIED_EXAMPLE: copied}))

    @cached_property
    def _examples(self) -> set[tuple[str, str]]:
        parsed = [parse_reply(answer) for answer in self.template.worked_answers]
        return {(c.conditions, c.result) for found in parsed for c in found.computations}


def _why_unread(piece: Translation) -> DropReason | None:
    """Return why a reply gave nothing, unless it says that there is no computation, or repeats a worked example."""
    was_read = {Reason.NO_COMPUTATION, Reason.COPIED_EXAMPLE} & piece.reasons.keys()
    return None if piece.computations or was_read else piece.reasons.most_common(1)[0][0]


def _join(pieces: list[Translation]) -> Translation:
    computations = [computation for piece in pieces for computation in piece.computations]
    # Each block of a reply is a program of its own.
    computations = [computation._replace(chain=chain) for chain, computation in enumerate(computations)]
    reasons = sum((piece.reasons for piece in pieces), Counter[DropReason]())
    return Translation(len(pieces), computations, reasons, next((p.detail for p in pieces if p.detail), ""))


def choose_translator(params: TranslateParams, llm: LlmParams) -> SymbolicTranslator | ModelTranslator:
    """Return the translator that params name."""
    if params.backend == "symbolic":
        return SymbolicTranslator()
    share = params.max_failed_share
    task = make_task("translate", params.backend, params.model, llm, params.max_completion_tokens, share)
    return ModelTranslator(task, load_template(PROMPT), params.max_piece_characters)


def translate(documents: Path, out: Path, params: TranslateParams, llm: LlmParams) -> Report:
    """Write the snippets of a folder's documents to `out`, each document's in order.

    The report counts documents, and keeps those with snippets. `snippets` counts the snippets, and `skipped` the
    parts of documents that gave none, by reason. Raises PipelineError where a model cannot be asked.
    """
    translator = choose_translator(params, llm)
    work = partial(translate_shard, translator=translator, min_operations=params.min_operations)
    if isinstance(translator, SymbolicTranslator):
        return map_folder("translate", work, documents, out, ["symbolic", params.min_operations])
    return map_folder("translate", work, documents, out, [*translator.key, params.min_operations], workers=1)


def translate_shard(
    shard: Path, folder: Path, *, translator: SymbolicTranslator | ModelTranslator, min_operations: int
) -> Report:
    """Write the snippets of one shard's documents to folder/documents.parquet."""
    read_schema(shard, ["id", "text"])
    translated = translator.translate(_texts(shard), count_shard(shard))
    with Funnel.of_shard(folder, SNIPPET) as funnel:
        for start, batch in number_batches(shard, ["id", "text"]):
            funnel.count_read(batch.num_rows)
            snippets: list[dict[str, Any]] = []
            kept = 0
            named_texts = zip(batch["id"].to_pylist(), batch["text"].to_pylist(), strict=True)
            for row, (name, text) in enumerate(named_texts, start):
                if not text.strip():
                    funnel.drop(name, Reason.NO_COMPUTATION)
                    continue
                number, translation = next(translated)
                assert number == row
                translation = _select(translation, min_operations)
                written = _take_document(name, translation, funnel, translator.name)
                snippets += written
                kept += bool(written)
            funnel.keep(snippets, records=kept)
        for _ in translated:  # nothing is left; the asker then checks and notes its run
            pass
    return funnel.report


def _texts(shard: Path) -> Iterator[Text]:
    for start, batch in number_batches(shard, ["text"]):
        for row, text in enumerate(batch.column(0), start):
            if text.as_py().strip():
                yield row, text.as_py()


def _select(translation: Translation | Failed, min_operations: int) -> Translation | Failed:
    """Leave out the programs of a translation that teach nothing."""
    if isinstance(translation, Failed):
        return translation
    computations, reasons = select(translation.computations, min_operations)
    return translation._replace(computations=computations, reasons=translation.reasons + reasons)


def _take_document(
    name: str, translation: Translation | Failed, funnel: Funnel, translator: str
) -> list[dict[str, Any]]:
    """Return a document's snippets; a document without any is dropped."""
    if isinstance(translation, Failed):
        funnel.fail(name, translation)
        return []
    report = funnel.report
    report.counts["pieces"] += translation.pieces
    report.counts["snippets"] += len(translation.computations)
    report.skipped.update({reason.value: count for reason, count in translation.reasons.items()})
    if not translation.computations:
        funnel.drop(name, *_why_none(translation))
    return [
        {"document_id": name, "position": position, "translator": translator} | computation._asdict()
        for position, computation in enumerate(translation.computations)
    ]


def _why_none(translation: Translation) -> tuple[DropReason, str]:
    """Return the reason of a document without snippets, the most frequent one, and all of them as detail."""
    ranked = sorted(translation.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    if not ranked:
        return Reason.NO_COMPUTATION, ""
    counts = ", ".join(f"{reason} {count}" for reason, count in ranked)
    return ranked[0][0], f"{counts}; {translation.detail}" if translation.detail else counts
