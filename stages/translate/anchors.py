"""Find the paragraph of a text that a model's computation belongs to: a reply does not say where its values stand."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import fsum, log
from unicodedata import normalize

from mathcode_pile.core.formula_text import normalize_formula
from mathcode_pile.core.number_words import UP_TO_TWELVE
from stages.translate.computation import Computation

_PARAGRAPH_END = re.compile(r"\n[ \t]*\n|\Z")
# A numbered item of a list, whose program stands behind the item.
_ITEM_START = re.compile(r"\n(?=[ \t]{0,3}\(?(?:\d{1,3}|[a-z])[.)][ \t])")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
# Digits in groups, as in 1,200 and 1{,}200 and 8 145 060.
_GROUPED = re.compile(r"(?<=\d)(?:,|\{,\}|\\,|(?<=\d) )(?=\d{3}(?!\d))")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_COMMAND = re.compile(r"\\([A-Za-z]{3,})")
# What is before a stated result in a text without spaces; words, as in `So 927 ways`, only if it has several digits.
_SIGN = r"=|\\approx|≈"
_SIGN_OR_WORD = rf"{_SIGN}|(?:[Ss]o|is|are|get|gives?|makes|leaves)(?:about)?"
_RELATION = re.compile(_SIGN)
_PRODUCT = re.compile(r"[*×]|\\cdot|\\times")
_SIGNS = re.compile(r"\\(?:cdot|times|frac)")
_LETTER = re.compile(r"[^\W\d_]")
# Results of several parts: x = 4 or x = 5.
_PART = re.compile(r"\bor\b|\band\b|;|(?<![\\{]),(?!\d{3}(?!\d))")
_INTEGER = r"(\d{1,12})"
_FRACTION = re.compile(
    rf"\\[dt]?frac\s*(?:\{{{_INTEGER}\}}|(\d))\s*(?:\{{{_INTEGER}\}}|(\d))|(?<![\d.]){_INTEGER}/{_INTEGER}(?![\d.])"
)
# ½ for 1/2
_SMALL_FRACTIONS = {normalize("NFKC", sign).replace("⁄", "/"): sign for sign in "¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"}
_PARTS = {"2": ("half", "halv"), "3": ("third",), "4": ("quarter", "fourth"), "5": ("fifth",)}
# In LaTeX, \sqrt24 is the root of 2, times 4.
_ROOT = re.compile(r"\\sqrt\s*(?:\{\s*(\d+)|(\d))|(?:√|(?<!\\)sqrt|\broot\s+of)\s*[({$]?\s*(\d+)")
_PI = re.compile(r"\\pi(?![A-Za-z])|π|(?<![A-Za-z])pi(?![A-Za-z])", re.IGNORECASE)
_SHORTEST_EXPRESSION = 5
_UNIT = re.compile(r"(?:\s|\\text\s*\{|\\mathrm\s*\{){1,3}[A-Za-z][A-Za-z /²³}]{0,40}\Z|\\[()]")
_DIGITS = {word: str(number) for word, number in UP_TO_TWELVE.items()}
# What counts for a paragraph: it states the result after a sign, has it, has its numbers, has the expression, and
# shares all words and numbers.
_STATES, _VALUE, _RESULT, _EXPRESSION, _SHARED = 3.0, 1.0, 2.0, 2.0, 4.0


@dataclass(frozen=True)
class Paragraphs:
    """The paragraphs of a text, and the numbered items in them, as far as they tell where a computation stands."""

    ends: list[int]
    """Where each paragraph or item ends, in characters."""
    tokens: list[set[str]]
    """The numbers and the words in each of them."""
    formulas: list[str]
    """The text of each of them without spaces, braces and dollar signs."""
    around: list[set[str]]
    """The words, and the names of LaTeX commands, in the whole paragraph of each of them, in lower case."""
    irrationals: set[str]
    """The numbers whose roots the whole text has, and `pi` if it has that."""

    def find(self, computation: Computation) -> int:
        """Return the end of the paragraph that a computation belongs to, the first of equally good ones.

        It states the result, has the expression, or shares the words and numbers that few other paragraphs have.
        """
        own = tokens_in(f"{computation.title} {computation.conditions} {computation.expression} {computation.result}")
        total = fsum(map(self._weight, own)) or 1.0
        value = value_of(computation.result)
        result = numbers_in(value)
        has_value = re.compile(rf"(?<![\d.]){re.escape(value)}(?!\d|\.\d)")
        stating = _SIGN_OR_WORD if len(value) > 1 else _SIGN
        states = re.compile(rf"(?:{stating}){re.escape(value)}(?![\d\\/^]|\.\d)")
        forms = [normalize_formula(_UNIT.sub("", form)) for form in _RELATION.split(computation.expression)]
        expressions = [form for form in forms if len(form) >= _SHORTEST_EXPRESSION]
        scores = [
            _STATES * (states.search(formula) is not None)
            + fsum(_RESULT + self._weight(number) for number in result & tokens) / max(1, len(result))
            + _VALUE * (len(value) > 1 and has_value.search(formula) is not None)
            + _EXPRESSION * any(expression in formula for expression in expressions)
            + _SHARED * fsum(map(self._weight, own & tokens)) / total
            for tokens, formula in zip(self.tokens, self.formulas, strict=True)
        ]
        return self.ends[scores.index(max(scores))]

    def words(self, end: int) -> set[str]:
        """Return the words and the names of LaTeX commands in the paragraph around a place, in lower case."""
        return self.around[self.ends.index(end)]

    def states(self, computation: Computation) -> bool:
        """Whether the text has the numbers of a computation's result, of one of its forms in `e^{-3} \\approx 0.05`.

        A product of plain numbers is no value: the text must have it as it is. A fraction must be in the text as one,
        and so must a root and pi: 6 somewhere in it does not state the root of 6.
        """
        value = value_of(computation.result)
        if _PRODUCT.search(value) and not _LETTER.search(_SIGNS.sub("", value)):
            return any(value in formula for formula in self.formulas)
        return all(map(self._has_part, _PART.split(computation.result)))

    def _has_part(self, part: str) -> bool:
        """Whether the text has one of the forms of a part of a result; a form without numbers says nothing."""
        forms = [form for form in _RELATION.split(part) if numbers_in(form)]
        has = [
            numbers_in(_FRACTION.sub(" ", form)) <= self._counts.keys()
            and self._has_fractions(form)
            and irrationals_in(form) <= self.irrationals
            for form in forms
        ]
        return any(has) or not has

    def _has_fractions(self, form: str) -> bool:
        """Whether the text has each fraction of plain numbers in a formula: as 3/4, as ¾, as 0.75, or in words."""
        return all(self._has_fraction(*filter(None, match)) for match in _FRACTION.findall(form))

    def _has_fraction(self, top: str, bottom: str) -> bool:
        signs = [f"\\frac{top}{bottom}", f"{top}/{bottom}"]
        signs += filter(None, [_SMALL_FRACTIONS.get(signs[1])])
        return (
            f"{int(top) / max(1, int(bottom)):g}" in self._counts
            or any(sign in formula for formula in self.formulas for sign in signs)
            or (top in self._counts and any(token.startswith(_PARTS.get(bottom, ("\0",))) for token in self._counts))
        )

    def _weight(self, token: str) -> float:
        """Return how much a word or a number says: nothing if each paragraph has it, or none."""
        return log(len(self.ends) / count) if (count := self._counts[token]) else 0.0

    @cached_property
    def _counts(self) -> Counter[str]:
        return Counter(token for tokens in self.tokens for token in tokens)


def value_of(result: str) -> str:
    """Return the last value of a result as a formula without unit: 9 for `v = 9 km/h`."""
    return normalize_formula(_UNIT.sub("", _RELATION.split(result)[-1].rstrip(" .$")))


def numbers_in(text: str) -> set[str]:
    """Return the numbers in a text, without the commas between groups of digits."""
    return set(_NUMBER.findall(_GROUPED.sub("", text)))


def tokens_in(text: str) -> set[str]:
    """Return the numbers in a text, also those in words up to twelve, and its other words in lower case."""
    return numbers_in(text) | {_DIGITS.get(word, word) for word in map(str.lower, _WORD.findall(text))}


def irrationals_in(text: str) -> set[str]:
    """Return the plain numbers whose roots a text has, and `pi` if it has that."""
    roots = {"".join(match) for match in _ROOT.findall(text)}
    return roots | ({"pi"} if _PI.search(text) else set())


def read_paragraphs(text: str) -> Paragraphs:
    """Return the paragraphs of a text, which blank lines set apart, and the numbered items in them."""
    ends: list[int] = []
    around: list[set[str]] = []
    for start, end in pairwise([0, *(match.start() for match in _PARAGRAPH_END.finditer(text))]):
        items = [match.start() for match in _ITEM_START.finditer(text, start + 1, end)] + [end]
        names = tokens_in(text[start:end]) | set(map(str.lower, _COMMAND.findall(text, start, end)))
        ends += items
        around += [names] * len(items)
    parts: Iterable[str] = [text[start:end] for start, end in pairwise([0, *ends])]
    return Paragraphs(
        ends, list(map(tokens_in, parts)), list(map(normalize_formula, parts)), around, irrationals_in(text)
    )
