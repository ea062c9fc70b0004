"""Measure translated code: does a reader find programs that compute something, in a text without faults?

Everything is measured on the published text alone, so it can be measured on any version of the corpus. Not covered: is
a program what the text means? A person has to read a sample for that (python -m bench.quality --sample 60).
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mathcode_pile.core.program_output import has_float_noise
from stages.corpus.layout import find_closed
from stages.corpus.program_quality import is_trivial, names_given_quantity

EXAMPLES = 5
EXAMPLE_CHARACTERS = 160
# A program's conditions are looked for in this much text before it.
CONDITIONS_CHARACTERS = 2000
MIN_SENTENCE_CHARACTERS = 30

_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<name>\w*)[ \t]*\r?$", re.MULTILINE)
_INLINE_CODE = re.compile(r"(?<!`)(`{1,3})(?!`)[^`\n]+\1")
_CODE_STARTS = ("`", "~", "<", "[")  # of code, HTML and drawings
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_APPROXIMATELY = re.compile(
    r"\\approx|≈|\b(?:approximat\w+|about|roughly|nearest|round(?:ed|ing)|rounds? (?:to|up|down|off))\b", re.IGNORECASE
)
_FORMULA_ALONE = re.compile(r"(?:\$\$|\\\[)(?P<formula>[^$]+)(?:\$\$|\\\])")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_QUANTITY = re.compile(r"(?<![A-Za-z\d.])\d+")
_PRICE = re.compile(r"(?<!\$)\$(?:<<|\.?\d[\d,]*(?:\.\d+)?[.,;:?)]*(?=\s+[^-+*/^=<>\\\s]|\s*\Z))")
# What opens or closes a formula.
_LOOSE_MARK = re.compile(r"\$\$?|\\[\[\]()]|\\(?:begin|end)\{(?:align|equation|gather|\w*matrix|array|cases)")


class Program(NamedTuple):
    """A program in a document."""

    before: str
    """The document's text before it, without other programs."""
    code: str
    output: str


class Fault(NamedTuple):
    """What a figure counts, in one document."""

    figure: str
    excerpt: str


class Measured(NamedTuple):
    """What was counted in one document."""

    programs: int
    translators: Counter[str]
    faults: list[Fault]


def read_programs(text: str) -> tuple[list[Program], str]:
    """Return the programs of a document, and its text without them; code without an output is text."""
    fences = list(_FENCE.finditer(text))
    programs: list[Program] = []
    missing: set[str] = set()
    prose, place, index = "", 0, 0
    while index < len(fences):
        start, closed = index, _find_closing(fences, index, "python", missing)
        index = start + 1 if closed is None else closed + 1
        if closed is None or index == len(fences) or fences[index]["fence"] != fences[start]["fence"]:
            continue
        end = _find_closing(fences, index, "output", missing)
        if end is None or text[fences[closed].end() : fences[index].start()].strip():
            continue
        prose += text[place : fences[start].start()]
        code = text[fences[start].end() : fences[closed].start()]
        programs.append(Program(prose[-CONDITIONS_CHARACTERS:], code, text[fences[index].end() : fences[end].start()]))
        place, index = fences[end].end(), end + 1
    return programs, prose + text[place:]


def _find_closing(fences: list[re.Match[str]], index: int, name: str, missing: set[str]) -> int | None:
    """Return the index of the fence that closes the one at `index`; None if that has another name or is never closed.

    missing: the fences that are known not to be closed any more, so that the time is linear.
    """
    fence = fences[index]["fence"]
    if fences[index]["name"] != name or fence in missing:
        return None
    for place in range(index + 1, len(fences)):
        if fences[place]["fence"] == fence and not fences[place]["name"]:
            return place
    missing.add(fence)
    return None


def measure_document(text: str, metadata: str) -> Measured:
    """Count what the figures count in a document of translated code."""
    programs, prose = read_programs(text)
    faults = [fault for program in programs for fault in _measure_program(program)]
    faults += [Fault("repeated_sentences", sentence) for sentence in find_repeated(prose)]
    faults += [Fault("unbalanced_formulas", formula) for formula in find_unbalanced(prose)]
    translators = json.loads(metadata).get("translators", {})
    counts = Counter({name: len(positions) for name, positions in translators.items()})
    return Measured(len(programs), counts, faults)


def _measure_program(program: Program) -> Iterator[Fault]:
    if is_trivial(program.code):
        yield Fault("trivial", program.code)
    if not names_given_quantity(program.code, program.before):
        yield Fault("without_given", program.code)
    if has_float_noise(program.output):
        yield Fault("float_noise", program.output)
    if formula := find_equals(program):
        yield Fault("equals_for_approximately", formula)


def find_equals(program: Program) -> str | None:
    """Return the formula right before a program that says = where the text before it says approximately.

    The formula of a rounded number whose digits the program prints exactly is none.
    """
    paragraphs = [part.strip() for part in re.split(r"\n\s*\n", program.before.strip())]
    formula = _FORMULA_ALONE.fullmatch(paragraphs[-1])
    if not formula or len(paragraphs) < 2 or "=" not in formula["formula"]:
        return None
    if _APPROXIMATELY.search(formula["formula"]) or not _APPROXIMATELY.search(_SENTENCES.split(paragraphs[-2])[-1]):
        return None
    stated, printed = (_NUMBER.findall(value) for value in (formula["formula"].rpartition("=")[2], program.output))
    return None if stated and stated == printed else formula["formula"]


def find_repeated(prose: str) -> list[str]:
    """Return the sentences with two numbers or more that a text has more than once.

    Short ones do not count, nor what people repeat: "Take your time with this.", "Only 70 percent had it right."
    """
    text = "".join(part for part in _split_marked(prose) if not part.lstrip().startswith(_CODE_STARTS))
    sentences = Counter(" ".join(sentence.split()) for sentence in _SENTENCES.split(text))
    repeated = [text for text, count in sentences.items() if count > 1 and len(text) >= MIN_SENTENCE_CHARACTERS]
    return [text for text in repeated if len(_QUANTITY.findall(text)) >= 2]


def find_unbalanced(prose: str) -> list[str]:
    """Return the formulas with an unequal number of opening and closing marks, and marks without their other half."""
    text = _INLINE_CODE.sub(" ", prose).replace("\\\\", " ").replace("\\$", " ")
    text = "".join(_without_prices(part) for part in re.split(r"(\n\s*\n)", text))
    parts = list(_split_marked(text))
    formulas = [part for part in parts[1::2] if not part.lstrip().startswith(_CODE_STARTS)]
    rest = " ".join(parts[::2])
    loose = [rest[max(0, mark.start() - 20) : mark.end() + 60] for mark in _LOOSE_MARK.finditer(rest)]
    return [formula for formula in formulas if not _is_balanced(formula)] + loose


def _split_marked(text: str) -> Iterator[str]:
    """Yield a text in parts: plain text, then a formula or a piece of code, and so on."""
    place = 0
    for start, end in find_closed(text):
        yield text[place:start]
        yield text[start:end]
        place = end
    yield text[place:]


def _without_prices(paragraph: str) -> str:
    """Return a paragraph without single dollar signs if their number is odd and one of them is a price's."""
    single = re.compile(r"(?<!\$)\$(?!\$)")
    is_odd = len(single.findall(paragraph)) % 2 == 1
    return single.sub(" ", paragraph) if is_odd and _PRICE.search(paragraph) else paragraph


def _is_balanced(formula: str) -> bool:
    plain = formula.replace("\\{", "").replace("\\}", "")
    pairs = [("{", "}"), ("\\begin{", "\\end{")]
    commands = Counter(re.findall(r"\\(?:left|right)(?![a-zA-Z])", formula))
    return all(plain.count(a) == plain.count(b) for a, b in pairs) and commands["\\left"] == commands["\\right"]


@dataclass
class Quality:
    """The figures on a component of translated code."""

    documents: int = 0
    programs: int = 0
    translators: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    """For each figure the ids of the first documents that it counts, each with an excerpt."""

    def add(self, identity: str, measured: Measured) -> None:
        """Add one document."""
        self.documents += 1
        self.programs += measured.programs
        self.translators += measured.translators
        for figure, excerpt in measured.faults:
            self.faults[figure] += 1
            examples = self.examples.setdefault(figure, [])
            if len(examples) < EXAMPLES:
                examples.append(f"{identity}: {' '.join(excerpt.split())[:EXAMPLE_CHARACTERS]}")

    def to_metrics(self) -> dict[str, Any]:
        """Return the figures, flat; the translators in one string, so that tables stay narrow."""
        programs = max(1, self.programs)
        return {
            "programs": self.programs,
            "translators": ", ".join(f"{name} {count}" for name, count in sorted(self.translators.items())),
            "trivial_share": round(self.faults["trivial"] / programs, 4),
            "given_share": round(1 - self.faults["without_given"] / programs, 4) if self.programs else 0.0,
            "repeated_sentences": self.faults["repeated_sentences"],
            "unbalanced_formulas": self.faults["unbalanced_formulas"],
            "equals_for_approximately": self.faults["equals_for_approximately"],
            "float_noise": self.faults["float_noise"],
        }
