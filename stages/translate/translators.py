"""Translate texts into computations: by rules that read LaTeX, or by asking a language model."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import tee
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import Field

from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.formula_text import normalize_formula
from mathcode_pile.core.funnel import DropReason, Failed, attempt
from mathcode_pile.core.params import Section
from mathcode_pile.llm import (
    AskParams,
    Inquiry,
    LlmParams,
    ModelBackend,
    Reply,
    Text,
    load_template,
    make_task,
)
from stages.translate.anchors import Paragraphs, read_paragraphs
from stages.translate.computation import Computation
from stages.translate.reasons import Reason
from stages.translate.replies import parse_reply, rename_result, repair_all
from stages.translate.said_names import rename_unsaid
from stages.translate.symbolic import translate_document

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
            yield row, pieces if isinstance(pieces, Failed) else _join(pieces, text)

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


def _join(pieces: list[Translation], text: str) -> Translation:
    """Return the translation of a text from those of its pieces; the same program is taken once."""
    paragraphs = read_paragraphs(text)
    found = [computation for piece in pieces for computation in piece.computations]
    unique = {(computation.code, computation.result): computation for computation in reversed(found)}
    # Each block of a reply is a program of its own.
    stated = list(filter(paragraphs.states, reversed(unique.values())))
    computations = [
        _place(computation, paragraphs, text)._replace(chain=chain) for chain, computation in enumerate(stated)
    ]
    reasons = sum((piece.reasons for piece in pieces), Counter[DropReason]())
    reasons += Counter({Reason.REPEATED: len(found) - len(unique), Reason.NOT_STATED: len(unique) - len(stated)})
    return Translation(len(pieces), computations, reasons, next((p.detail for p in pieces if p.detail), ""))


def _place(computation: Computation, paragraphs: Paragraphs, text: str) -> Computation:
    """Return a computation with its place in the text, and with names that the text does not contradict."""
    anchor = paragraphs.find(computation)
    code = rename_result(computation.code, paragraphs.words(anchor))
    code = rename_unsaid(code, computation.result, text, anchor)
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
