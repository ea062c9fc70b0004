"""The values that a stated result or a printed output can have: numbers, expressions, sets, intervals, text ..."""

from dataclasses import dataclass
from fractions import Fraction

# A longer text is not read: nobody states a result of that length.
MAX_CHARACTERS = 4000


class UnreadableError(Exception):
    """A text that cannot be understood; the message is the reason, one word."""


class TooLargeError(UnreadableError):
    """A value that is too large to be computed."""


@dataclass(frozen=True, slots=True)
class Number:
    """A literal. An integer is exact; a decimal is known to its last place."""

    value: Fraction
    last_place: Fraction | None = None
    """The worth of a one in the last digit written, None for integers."""
    digits: int = 0
    """Significant digits of a decimal."""


@dataclass(frozen=True, slots=True)
class Constant:
    """pi, e, i (the imaginary unit), oo (infinity) or nan."""

    name: str


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """A function or operator and its arguments: add, mul, div, pow, neg, sin, root ..."""

    function: str
    arguments: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Sequence:
    """Several values. kind: tuple, list, set, matrix (items are rows) or several (no brackets at all)."""

    kind: str
    items: tuple["Node", ...]
    any_order: bool = False


@dataclass(frozen=True, slots=True)
class Interval:
    """All numbers between two bounds."""

    low: "Node"
    high: "Node"
    low_open: bool
    high_open: bool


@dataclass(frozen=True, slots=True)
class UnionOf:
    """A union of intervals and finite sets."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """left (=, <, <=, >, >=, !=) right."""

    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Labelled:
    """A value and the name in front of it: `x = 5`. In an `equation` an expression, `left`, takes the name's place."""

    label: str
    value: "Node"
    equation: bool = False
    left: "Node | None" = None


@dataclass(frozen=True, slots=True)
class PlusMinus:
    """centre plus or minus offset: an uncertainty, or two values in one."""

    centre: "Node"
    offset: "Node"


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with its unit, and whether it is stated as approximate."""

    value: "Node"
    unit: str = ""
    approximate: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """A truth value."""

    value: bool


@dataclass(frozen=True, slots=True)
class Text:
    """An answer in words, lower case."""

    text: str


_Scalar = Number | Constant | Symbol | Apply
_Set = Sequence | Interval | UnionOf
Node = _Scalar | _Set | Relation | Labelled | PlusMinus | Quantity | Truth | Text


def is_scalar(node: "Node | None") -> bool:
    """Whether a value is one number or formula."""
    return isinstance(node, Number | Constant | Symbol | Apply)


def free_symbols(node: "Node | None") -> frozenset[str]:
    """Return the names of the variables in a value."""
    match node:
        case Symbol(name):
            return frozenset([name])
        case Apply(_, items) | Sequence(_, items) | UnionOf(items):
            return frozenset().union(*(free_symbols(item) for item in items))
        case Interval(a, b) | PlusMinus(a, b) | Relation(_, a, b):
            return free_symbols(a) | free_symbols(b)
        case Labelled(_, inner) | Quantity(inner):
            return free_symbols(inner)
    return frozenset()


def literals(node: "Node") -> list[Number]:
    """Return the number literals in an expression."""
    match node:
        case Number():
            return [node]
        case Apply(_, items):
            return [number for item in items for number in literals(item)]
    return []


_OPERATORS = {"add": " + ", "mul": "*", "div": "/", "pow": "^"}


def show(node: "Node") -> str:
    """Return a value as it was understood, short enough to read."""
    text = _show(node)
    return text if len(text) <= 300 else text[:300] + " ..."


def _show(node: "Node") -> str:
    match node:
        case Number(value, last_place):
            return _show_number(value, last_place)
        case Constant(name) | Symbol(name):
            return name
        case Apply("neg", (item,)):
            return f"-{_show(item)}"
        case Apply(function, items) if function in _OPERATORS:
            return "(" + _OPERATORS[function].join(map(_show, items)) + ")"
        case Apply(function, items):
            return f"{function}({', '.join(map(_show, items))})"
        case Sequence(kind, items):
            left, right = {"tuple": "()", "set": "{}", "several": ("", "")}.get(kind, "[]")
            return left + ", ".join(map(_show, items)) + right
        case Interval(low, high, low_open, high_open):
            return f"{'(' if low_open else '['}{_show(low)}, {_show(high)}{')' if high_open else ']'}"
        case UnionOf(items):
            return " ∪ ".join(map(_show, items))
        case Relation(operator, left, right):
            return f"{_show(left)} {operator} {_show(right)}"
        case Labelled(label, inner, _, lhs):
            return f"{label or (_show(lhs) if lhs else '?')} = {_show(inner)}"
        case PlusMinus(centre, offset):
            return f"{_show(centre)} ± {_show(offset)}"
        case Quantity(inner, unit, approximate):
            return f"{'≈ ' if approximate else ''}{_show(inner)}{' ' + unit if unit else ''}"
        case Truth(true):
            return str(true)
        case Text(words):
            return words
    raise AssertionError(node)


def _show_number(value: Fraction, last_place: Fraction | None) -> str:
    if last_place is None or last_place >= 1:
        return str(value)
    # The number of decimals is the power of ten of the last place.
    decimals = len(str(last_place.denominator)) - 1
    if decimals > 40:
        return f"{float(value):.17g}"
    scaled = abs(value) * 10**decimals
    digits = str(scaled.numerator // scaled.denominator).rjust(decimals + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-decimals]}.{digits[-decimals:]}"
