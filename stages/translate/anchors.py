"""Find the paragraph of a text that a model's computation belongs to: a reply does not say where its values stand."""

import re
from itertools import pairwise
from typing import NamedTuple

from mathcode_pile.core.formula_text import normalize_formula
from stages.translate.computation import Computation

_PARAGRAPH_END = re.compile(r"\n[ \t]*\n|\Z")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# Digits in groups, as in 1,200 and 1{,}200.
_GROUPED = re.compile(r"(?<=\d)(?:,|\{,\}|\\,)(?=\d{3}(?!\d))")


class Paragraphs(NamedTuple):
    """The paragraphs of a text, as far as they tell where a computation stands."""

    ends: list[int]
    """Where each paragraph ends, in characters."""
    numbers: list[set[str]]
    """The numbers in each paragraph."""
    formulas: list[str]
    """The text of each paragraph without spaces, braces and dollar signs."""

    def find(self, computation: Computation) -> int:
        """Return the end of the first paragraph that states a computation's result, or shares most numbers with it."""
        result = numbers_in(computation.result)
        given = numbers_in(f"{computation.conditions} {computation.expression}") - result
        stated = re.escape(normalize_formula(computation.result))
        states = re.compile(rf"(?:=|\\approx|≈){stated}(?![\d\\/^]|\.\d)")
        scores = [
            (states.search(formula) is not None, len(numbers & result) / max(1, len(result)), len(numbers & given))
            for numbers, formula in zip(self.numbers, self.formulas, strict=True)
        ]
        return self.ends[scores.index(max(scores))]


def numbers_in(text: str) -> set[str]:
    """Return the numbers in a text, without the commas between groups of digits."""
    return set(_NUMBER.findall(_GROUPED.sub("", text)))


def read_paragraphs(text: str) -> Paragraphs:
    """Return the paragraphs of a text: what blank lines set apart."""
    ends = [match.start() for match in _PARAGRAPH_END.finditer(text)]
    paragraphs = [text[start:end] for start, end in pairwise([0, *ends])]
    return Paragraphs(ends, list(map(numbers_in, paragraphs)), list(map(normalize_formula, paragraphs)))
