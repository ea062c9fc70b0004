"""Recognize well-known formulas in expressions of plain numbers: a discriminant, a binomial probability, a cone.

The formula says what each number is, and how a program derives the value: `\\frac{24 \\cdot 25 \\cdot 49}{6}` becomes
the sum of the first 24 squares. The derived program always has the value of the expression. Where a form alone is not
enough, as in `a d - b c`, words of the sentence decide.
"""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache, lru_cache, partial
from typing import NamedTuple

from stages.translate.symbolic.formulas import match_formula, substitute
from stages.translate.symbolic.latex_reader import read_tokens
from stages.translate.symbolic.latex_tokens import tokens_of
from stages.translate.symbolic.nodes import Node, free_symbols, is_rational
from stages.translate.symbolic.numeric import agree, exact_value

# The letters n, m and k stand for whole numbers, p and q for shares between 0 and 1, all others for any number.
_FITS: Mapping[str, Callable[[Fraction], bool]] = {
    "n": lambda value: value > 1 and value == int(value),
    "m": lambda value: value > 4 and value == int(value),
    "k": lambda value: value > 0 and value == int(value),
    "p": lambda value: 0 < value < 1,
    "q": lambda value: 0 < value < 1,
}
_SEVERAL = r"\bsums?\b|\badd|total|layers?\b|squares\b|triangular|numbers"
_TIME = (
    r"\b(?:after|remains?|years?|days|hours|doublings?|halv\w+|grow\w*|savings|interest|generations?|dilut\w+|steps)\b"
)
_RIGHT_ANGLE = r"squares first|hypotenuse|triangle|diagonal|Pythag|\blegs?\b|distance|long\b"


class _Entry(NamedTuple):
    formula: str  # LaTeX, with letters
    names: dict[str, str]
    """What the program calls the letters; one without a name stays a number."""
    words: str = ""
    """What the sentence must have for the formula to be meant; empty if its form is enough."""
    derived: str = ""
    """How the program computes the value, if not as the formula does."""
    stated: str = ""
    """What the page must say before; a letter in angle brackets stands for its value."""


_CIRCLE, _SOLID = {"r": "radius"}, {"r": "radius", "h": "height"}
_SERIES = {"a": "first_term", "q": "ratio", "r": "ratio", "n": "n"}
_PROGRESSION = {"a": "first_term", "b": "last_term", "n": "n"}
_GROWTH = {"a": "start", "f": "multiplier", "n": "steps"}
_RECIPE = {"a": "amount", "n": "portions", "k": "wanted_portions"}
_POINTS = {"a": "x_2", "b": "x_1", "c": "y_2", "d": "y_1"}
_SIDES = {"a": "a", "b": "b", "C": "angle"}
_LEGS, _LEGS_ARE = {"a": "leg_1", "b": "leg_2"}, r"\blegs\b[^.$]{0,40}\$?\b<a>\$? and \$?<b>\b"
_TABLE = (
    _Entry(r"b^2 - 4 a c", {"a": "a", "b": "b", "c": "c"}, "discriminant"),
    _Entry(r"b^2 - 4 c", {"b": "b", "c": "c"}, "discriminant"),
    _Entry(r"\frac{m \cdot (m + 1) \cdot (2 m + 1)}{6}", {"m": "n"}, "", r"\sum_{k=1}^{m} k^2"),
    _Entry(r"\frac{n \cdot (n + 1)}{2}", {"n": "n"}, _SEVERAL, r"\sum_{k=1}^{n} k"),
    _Entry(r"\frac{a}{1 - q}", _SERIES, r"\bratio|series|\bsums?\b|geometric|remains?|dots|formula"),
    _Entry(r"\frac{a \cdot (r^n - 1)}{r - 1}", _SERIES, "", r"\sum_{k=0}^{n-1} a r^k"),
    _Entry(r"\frac{n \cdot (a + b)}{2}", _PROGRESSION, r"\bsum\b|\bterms\b"),
    _Entry(r"\frac{n}{2} \cdot (a + b)", _PROGRESSION, r"\bsum\b|\bterms\b"),
    _Entry(r"m \cdot (m - 1) \cdot (m - 2)", {"m": "n"}, "", r"\frac{m!}{(m - 3)!}"),
    _Entry(r"m \cdot (m - 1) \cdot (m - 2) \cdot (m - 3)", {"m": "n"}, "", r"\frac{m!}{(m - 4)!}"),
    _Entry(r"m \cdot (m - 1) \cdot (m - 2) \cdot (m - 3) \cdot (m - 4)", {"m": "n"}, "", r"\frac{m!}{(m - 5)!}"),
    _Entry(r"\frac{m \cdot (m - 1)}{2!}", {"m": "n"}, "", r"\binom{m}{2}"),
    _Entry(r"\frac{m \cdot (m - 1) \cdot (m - 2)}{3!}", {"m": "n"}, "", r"\binom{m}{3}"),
    _Entry(r"\frac{m \cdot (m - 1) \cdot (m - 2) \cdot (m - 3)}{4!}", {"m": "n"}, "", r"\binom{m}{4}"),
    _Entry(r"\frac{n!}{(n - k)!}", {"n": "n", "k": "k"}),
    _Entry(r"\frac{n!}{a! \cdot b! \cdot c!}", {"n": "n", "a": "a", "b": "b", "c": "c"}),
    _Entry(r"\frac{n!}{a! \cdot b!}", {"n": "n", "a": "a", "b": "b"}),
    _Entry(r"\binom{n}{k} \cdot p^k \cdot (1 - p)^{n - k}", {"n": "n", "k": "k", "p": "p"}),
    _Entry(r"n \cdot p \cdot (1 - p)^{n - 1}", {"n": "n", "p": "p"}),
    _Entry(r"n \cdot p \cdot (1 - p)", {"n": "n", "p": "p"}, "variance"),
    _Entry(r"1 - q^n", {"q": "q", "n": "n"}),
    _Entry(r"a \cdot f^n", _GROWTH, _TIME),
    _Entry(r"\frac{a}{n} \cdot k", _RECIPE, r"\bflour|\bmilk|recipe|servings|portions|loaves"),
    _Entry(r"(n - 2) \cdot 180", {"n": "n"}, "angles?"),
    _Entry(r"\log_b x", {"b": "base", "x": "number"}),
    _Entry(r"\frac{\ln x}{\ln b}", {"b": "base", "x": "number"}, "", r"\log_b x"),
    _Entry(r"\frac{(a + c) \cdot h}{2}", {"a": "a", "c": "c", "h": "height"}, "trapez|parallel"),
    _Entry(r"\frac{a + c}{2} \cdot h", {"a": "a", "c": "c", "h": "height"}, "trapez|parallel|area"),
    _Entry(r"\frac{a \cdot h}{2}", {"a": "base", "h": "height"}, r"triangle|\barea\b"),
    _Entry(r"\frac{1}{2} \cdot a \cdot h", {"a": "base", "h": "height"}, r"triangle|\barea\b"),
    _Entry(r"\pi r^2", _CIRCLE, r"\barea|circle|dis[ck]"),
    _Entry(r"2 \pi r", _CIRCLE, r"circumference|circle|around"),
    _Entry(r"\pi r^2 h", _SOLID, r"volume|cylind\w+|\btin\b|\btank\b|holds"),
    _Entry(r"\frac{1}{3} \pi r^2 h", _SOLID),
    _Entry(r"\frac{4}{3} \pi r^3", _CIRCLE),
    _Entry(r"\frac{x - y}{s}", {"x": "x", "y": "mean", "s": "deviation"}, stated=r"\bmeans?\b\D{0,20}<y>\b"),
    _Entry(r"a + n \cdot d", {"a": "first_term", "n": "steps", "d": "step"}, r"\bterms?\b"),
    _Entry(r"a^2 + b^2 - 2 a b \cos C", _SIDES),
    _Entry(r"\sqrt{a^2 + b^2 - 2 a b \cos C}", _SIDES),
    _Entry(r"(a - b)^2 + (c - d)^2", _POINTS),
    _Entry(r"\sqrt{(a - b)^2 + (c - d)^2}", _POINTS),
    _Entry(r"a^2 + b^2", _LEGS, stated=_LEGS_ARE),
    _Entry(r"\sqrt{a^2 + b^2}", _LEGS, stated=_LEGS_ARE),
    _Entry(r"a^2 + b^2", {"a": "a", "b": "b"}, _RIGHT_ANGLE),
    _Entry(
        r"a \cdot d - b \cdot c",
        {},
        r"\bdet\b|determinant|Cramer|\bminor\b",
        r"\det\begin{pmatrix} a & b \\ c & d\end{pmatrix}",
    ),
)


class Textbook(NamedTuple):
    """A well-known formula that an expression of numbers has the form of."""

    derived: Node
    """What a program computes, with letters."""
    values: dict[str, Node]
    names: dict[str, str]


def find_textbook(numbers: Node, sentence: str, before: str) -> Textbook | None:
    """Return the formula that an expression is an instance of; None if there is none, or its words are missing.

    sentence: the one around the expression. before: the text up to its end.
    """
    for form in _forms(numbers.op, tuple(item.op for item in numbers.args)):
        entry, values = form.entry, match_formula(form.formula, numbers)
        if not values or not all(_fits(*item) for item in values.items()) or not form.words.search(sentence):
            continue
        if _is_stated(entry.stated, values, before) and _has_value(substitute(form.derived, values), numbers):
            return Textbook(form.derived, values, {name: word for name, word in entry.names.items() if name in values})
    return None


class _Form(NamedTuple):
    """An entry of the table, read."""

    entry: _Entry
    words: re.Pattern[str]
    formula: Node
    derived: Node
    operations: list[str]
    """The operation of each operand of the formula; "" for one that a number may stand for."""


@lru_cache(1024)
def _forms(op: str, operands: tuple[str, ...]) -> list[_Form]:
    """Return the formulas with an operation whose operands may have these operations."""
    forms = _read_table().get((op, len(operands)), [])
    return [form for form in forms if all(own in ("", op) for own, op in zip(form.operations, operands, strict=True))]


@cache
def _read_table() -> dict[tuple[str, int], list[_Form]]:
    """Return the entries by the formula's operation and the number of its operands."""
    table: dict[tuple[str, int], list[_Form]] = {}
    for entry in _TABLE:
        words = re.compile(entry.words, re.IGNORECASE)
        formula, derived = (read_tokens(tokens_of(latex)) for latex in (entry.formula, entry.derived or entry.formula))
        form = _Form(entry, words, formula, derived, list(map(partial(_operation, formula), formula.args)))
        table.setdefault((formula.op, len(formula.args)), []).append(form)
    return table


def _operation(formula: Node, operand: Node) -> str:
    """Return the operation of an operand, "" if it is a letter or may be worked out: all its letters are elsewhere."""
    others = [free_symbols(item) for item in formula.args if item is not operand]
    is_worked_out = free_symbols(operand) and free_symbols(operand) <= frozenset[str]().union(*others)
    return "" if operand.op == "sym" or is_worked_out else operand.op


def _has_value(derived: Node, numbers: Node) -> bool:
    """Whether a derived program has the value of the expression; numeric computes no determinant of a matrix."""
    if derived.op == "det":
        (a, b), (c, d) = (row.args for row in derived.args[0].args)
        derived = Node("add", (Node("mul", (a, d)), Node("neg", (Node("mul", (b, c)),))))
    return agree(derived, numbers)


def _fits(name: str, value: Node) -> bool:
    if name == "C":
        return True
    exact, fits = exact_value(value), _FITS.get(name)
    return is_rational(value) and exact is not None and (fits is None or fits(exact))


def _is_stated(pattern: str, values: dict[str, Node], before: str) -> bool:
    for name, value in values.items():
        pattern = pattern.replace(f"<{name}>", re.escape(value.value) or "a value that is no number")
    return re.search(pattern, before) is not None
