"""Find each computation of a document and write it as a snippet of Python.

The symbolic translator reads LaTeX and needs no model. A language model finds more, and its replies are kept. Execute
and verify find out whether a snippet's result is right.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import tee
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from mathcode_pile.core.documents import SNIPPET
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.formula_text import normalize_formula
from mathcode_pile.core.funnel import DropReason, Failed, Funnel, Report, attempt
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import count_shard, number_batches, read_schema
from mathcode_pile.llm import (
    AskParams,
    Inquiry,
    LlmParams,
    ModelBackend,
    NoReply,
    Reply,
    Text,
    load_template,
    make_task,
)
from stages.translate.anchors import Paragraphs, read_paragraphs
from stages.translate.computation import Computation
from stages.translate.reasons import Reason
from stages.translate.replies import parse_reply, rename_result, repair_all
from stages.translate.selection import select
from stages.translate.symbolic import translate_document

RESTATED_EACH = 3
"""Programs of each translator that only print the stated result are shown to people, so many of each shard."""
PROMPT = Path(__file__).with_name("prompts") / "translate.txt"


class TranslatorParams(AskParams):
    """One translator: the symbolic one, or a model."""

    backend: Literal["symbolic"] | ModelBackend
    """symbolic: rules, no model. recorded, openai and vllm ask a model, see docs/models.md."""
    samples: int = Field(default=1, gt=0)
    """How many translations of each piece a model gives; more than one needs a model with a temperature above 0."""


class TranslateParams(Section):
    """How computations are found and translated."""

    translators: tuple[TranslatorParams, ...] = Field(min_length=1)
    """Each of them translates every document; their snippets are kept side by side."""
    max_piece_characters: int = Field(gt=0)
    """A model is asked about pieces of at most this length, which end at paragraphs."""
    min_operations: int = Field(default=2, ge=0)
    """Programs with fewer operations are left out: nobody needs one for 8 - 2."""
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
    restated: Sequence[Computation] = ()
    """Those left out because they only print the stated result."""


# A text's row and its translation; Failed where our code raised on the text.
Translated = Iterator[tuple[int, Translation | Failed]]


class SymbolicTranslator:
    """Translates without a model, each text as a whole."""

    name = "symbolic"
    key: Sequence[Any] = ("symbolic",)

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
        """The model's id."""
        return self.task.model.id

    def translate(self, texts: Iterable[Text], total: int) -> Translated:
        """Yield the translation of each text; total: how many texts there are."""
        asked, placed = tee(texts)
        for (row, pieces), (_, text) in zip(self.ask(asked, total, self._read_reply, _why_unread), placed, strict=True):
            yield row, pieces if isinstance(pieces, Failed) else _join(pieces, read_paragraphs(text))

    def _read_reply(self, reply: Reply) -> Translation:
        if reply.failure:
            return Translation(1, [], Counter({reply.failure: 1}), reply.detail)
        parsed = parse_reply(reply.text, reply.is_cut)
        # A copy of a worked example would be verified, although no document has it.
        own = [c for c in parsed.computations if self._examples.isdisjoint(_signs_of(c))]
        copied = len(parsed.computations) - len(own)
        return Translation(1, repair_all(own), parsed.reasons + Counter({Reason.COPIED_EXAMPLE: copied}))

    @cached_property
    def _examples(self) -> set[str]:
        parsed = [parse_reply(answer) for answer in self.template.worked_answers]
        return {sign for found in parsed for c in found.computations for sign in _signs_of(c)}


def _signs_of(computation: Computation) -> set[str]:
    """Return what a copy of a computation shares with it: its program, or two of its other parts."""
    parts = map(normalize_formula, computation[1:4])
    conditions, expression, result = (part.replace("\\(", "").replace("\\)", "") for part in parts)
    program = computation.code.replace(" ", "").replace("\n\n", "\n").strip()
    return {program, f"{conditions}: {result}", f"{expression} = {result}"}


def _why_unread(piece: Translation) -> DropReason | None:
    """Return why a reply gave nothing, unless it says that there is no computation, or repeats a worked example."""
    was_read = {Reason.NO_COMPUTATION, Reason.COPIED_EXAMPLE} & piece.reasons.keys()
    return None if piece.computations or was_read else piece.reasons.most_common(1)[0][0]


def _join(pieces: list[Translation], paragraphs: Paragraphs) -> Translation:
    """Return the translation of a text from those of its pieces; the same program is taken once."""
    found = [computation for piece in pieces for computation in piece.computations]
    unique = {(computation.code, computation.result): computation for computation in reversed(found)}
    # Each block of a reply is a program of its own.
    stated = list(filter(paragraphs.states, reversed(unique.values())))
    computations = [_place(computation, paragraphs)._replace(chain=chain) for chain, computation in enumerate(stated)]
    reasons = sum((piece.reasons for piece in pieces), Counter[DropReason]())
    reasons += Counter({Reason.REPEATED: len(found) - len(unique), Reason.NOT_STATED: len(unique) - len(stated)})
    return Translation(len(pieces), computations, reasons, next((p.detail for p in pieces if p.detail), ""))


def _place(computation: Computation, paragraphs: Paragraphs) -> Computation:
    """Return a computation with its place in the text, and with a result that its paragraph has the name of."""
    anchor = paragraphs.find(computation)
    code = rename_result(computation.code, paragraphs.words(anchor))
    repairs = computation.repairs if code == computation.code else f"{computation.repairs} renamed".strip()
    return computation._replace(code=code, anchor=anchor, repairs=repairs)


def choose_translators(params: TranslateParams, llm: LlmParams) -> list[SymbolicTranslator | ModelTranslator]:
    """Return the translators that params name; raises ParamsError where one of them cannot be asked as they say."""
    return [_choose_translator(params, entry, llm) for entry in params.translators]


def _choose_translator(
    params: TranslateParams, entry: TranslatorParams, llm: LlmParams
) -> SymbolicTranslator | ModelTranslator:
    if entry.backend == "symbolic":
        return SymbolicTranslator()
    task = make_task("translate", entry.backend, entry, llm)
    if entry.samples > 1 and not task.model.temperature:
        raise ParamsError(
            f"params: translate.translators: samples {entry.samples}, but llm.models.{entry.model}.temperature is 0, "
            "so all of them would be the same"
        )
    return ModelTranslator(task, load_template(PROMPT), params.max_piece_characters, samples=entry.samples)


def translate(documents: Path, out: Path, params: TranslateParams, llm: LlmParams) -> Report:
    """Write the snippets of a folder's documents to `out`, each document's in the order of its text.

    The report counts documents, and keeps those with snippets. `snippets` counts the snippets, and `skipped` the
    parts of documents that gave none, by reason; each translator has a part with its own. Raises PipelineError where
    a model cannot be asked. The folder `restated` has a few of the programs that only print the stated result.
    """
    translators = choose_translators(params, llm)
    asks = any(entry.backend not in ("symbolic", "recorded") for entry in params.translators)
    work = partial(translate_shard, translators=translators, min_operations=params.min_operations)
    key = [params.min_operations, *(list(translator.key) for translator in translators)]
    return map_folder("translate", work, documents, out, key, place="driver" if asks else "workers")


def translate_shard(
    shard: Path, folder: Path, *, translators: Sequence[SymbolicTranslator | ModelTranslator], min_operations: int
) -> Report:
    """Write the snippets of one shard's documents to folder/documents.parquet."""
    read_schema(shard, ["id", "text"])
    total = count_shard(shard)
    names = [translator.name for translator in translators]
    # Models come first: where one cannot be asked, nothing else is worth the time.
    translated = [translator.translate(_texts(shard), total) for translator in translators]
    shown: Counter[str] = Counter()
    with Funnel.of_shard(folder, SNIPPET, restated=SNIPPET) as funnel:
        for start, batch in number_batches(shard, ["id", "text"]):
            funnel.count_read(batch.num_rows)
            snippets: list[dict[str, Any]] = []
            kept = 0
            named_texts = zip(batch["id"].to_pylist(), batch["text"].to_pylist(), strict=True)
            for row, (name, text) in enumerate(named_texts, start):
                if not text.strip():
                    funnel.drop(name, Reason.NO_COMPUTATION)
                    continue
                results = [next(stream) for stream in translated]
                assert all(number == row for number, _ in results)
                chosen = [_select(translation, min_operations) for _, translation in results]
                by_translator = dict(zip(names, chosen, strict=True))
                funnel.copy_aside("restated", _choose_restated(name, by_translator, shown))
                written = _take_document(name, by_translator, funnel)
                snippets += written
                kept += bool(written)
            funnel.keep(snippets, records=kept)
        for stream in translated:
            for _ in stream:  # nothing is left; the asker then checks and notes its run
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
    kept, restated, reasons = select(translation.computations, min_operations)
    return translation._replace(computations=kept, restated=restated, reasons=translation.reasons + reasons)


def _choose_restated(
    name: str, translations: dict[str, Translation | Failed], shown: Counter[str]
) -> list[dict[str, Any]]:
    """Return a document's restated programs that are shown to people.

    shown: how many of each translator have been chosen from the shard, which is brought up to date.
    """
    rows: list[dict[str, Any]] = []
    for translator, translation in translations.items():
        own = [] if isinstance(translation, Failed) else translation.restated[: RESTATED_EACH - shown[translator]]
        shown[translator] += len(own)
        rows += [{"translator": translator} | computation._asdict() for computation in own]
    return _number(name, rows)


def _take_document(name: str, translations: dict[str, Translation | Failed], funnel: Funnel) -> list[dict[str, Any]]:
    """Return a document's snippets in the order of its text; a document without any is dropped."""
    report = funnel.report
    snippets: list[dict[str, Any]] = []
    reasons: Counter[DropReason] = Counter()
    whys: list[tuple[DropReason, str]] = []
    for translator, translation in translations.items():
        if isinstance(translation, Failed):
            funnel.fail(name, translation)
            return []
        part = report.part(translator)
        part.read += 1
        if translation.computations:
            part.kept += 1
        else:
            whys.append(_why_none(translation))
            part.dropped[whys[-1][0].value] += 1
        part.skipped.update({reason.value: count for reason, count in translation.reasons.items()})
        part.counts["pieces"] += translation.pieces
        part.counts["snippets"] += len(translation.computations)
        for computation in translation.computations:
            part.counts.update(f"repaired_{kind}" for kind in computation.repairs.split())
        reasons += translation.reasons
        snippets += [{"translator": translator} | c._asdict() for c in translation.computations]
    report.skipped.update({reason.value: count for reason, count in reasons.items()})
    report.counts["snippets"] += len(snippets)
    if not snippets:
        # That a reply is not recorded says nothing about the document, so another translator's reason goes first.
        whys.sort(key=lambda why: why[0] is NoReply.NOT_RECORDED)
        funnel.drop(name, whys[0][0], "; ".join(detail for _, detail in whys if detail))
    snippets.sort(key=lambda snippet: snippet["anchor"])
    return _number(name, snippets)


def _number(name: str, snippets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"document_id": name, "position": position} | snippet for position, snippet in enumerate(snippets)]


def _why_none(translation: Translation) -> tuple[DropReason, str]:
    """Return why a translator found no snippet: its most frequent reason, and all of them as detail."""
    ranked = sorted(translation.reasons.items(), key=lambda pair: (-pair[1], pair[0]))
    if not ranked:
        return Reason.NO_COMPUTATION, ""
    counts = ", ".join(f"{reason} {count}" for reason, count in ranked)
    return ranked[0][0], "; ".join(filter(None, [counts, translation.detail]))
