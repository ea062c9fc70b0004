"""Say whether a result agrees with an expression whose decimals were rounded to their last digits before.

Each decimal is an interval, half a last digit to either side, and interval arithmetic gives that of the expression.
Not covered: functions that mpmath does not compute for intervals, and letters.
"""

from collections.abc import Callable
from fractions import Fraction
from functools import reduce
from operator import add, mul, neg, sub, truediv
from typing import Any

from mpmath.ctx_iv import MPIntervalContext  # type: ignore[import-untyped]

from mathcode_pile.answers.builders import bare
from mathcode_pile.answers.evaluator import scalar
from mathcode_pile.answers.functions import approximate, is_real
from mathcode_pile.answers.outputs import output_lines
from mathcode_pile.answers.reading import read_printed, read_stated
from mathcode_pile.answers.scalars import integer_place
from mathcode_pile.answers.values import Apply, Constant, Node, Number, UnreadableError, literals

MAX_WIDTH = 0.01
"""The widest interval that says enough, as a share of the value."""
_MAX_EXPONENT = 10_000

iv = MPIntervalContext()
iv.dps = 30

Bounds = Any
"""An interval of the context above."""


def agrees_as_rounded(expression: str, stated: str, printed: str = "") -> bool:
    """Whether a result is possible for an expression of rounded decimals, both in LaTeX, and the decimals say enough.

    printed: what a program printed for the expression; it must be possible, too. "" if no program has run.
    """
    try:
        node = bare(read_stated(expression))
        if all(number.last_place is None for number in literals(node)):
            return False
        value = _bounds(node)
        outputs = [_written(bare(read_printed(output_lines(printed)[-1])))] if printed else []
        is_narrow = bool(value.delta.b <= MAX_WIDTH * abs(value.mid).a)
        return is_narrow and all(_meet(value, one) for one in [_written(bare(read_stated(stated))), *outputs])
    except (UnreadableError, ArithmeticError, ValueError, RecursionError):
        return False


def _meet(one: Bounds, other: Bounds) -> bool:
    return bool(one.a <= other.b and other.a <= one.b)


def _written(node: Node) -> Bounds:
    """Return the interval that a number was rounded from; a whole number was rounded to ones."""
    written = scalar(node)
    value = approximate(written.value)
    if not is_real(value):
        raise UnreadableError("not_real")
    half = (written.last_place or integer_place(written) or Fraction(0)) / 2
    return iv.mpf(value) + _around(Fraction(0), half)


def _around(value: Fraction, half: Fraction) -> Bounds:
    low, high = value - half, value + half
    return iv.mpf([(iv.mpf(low.numerator) / low.denominator).a, (iv.mpf(high.numerator) / high.denominator).b])


def _bounds(node: Node) -> Bounds:
    """Return the interval of an expression without letters. Raises UnreadableError where it cannot be computed."""
    match node:
        case Number(value, last_place):
            return _around(value, (last_place or Fraction(0)) / 2)
        case Constant("pi" | "e" as name):
            return +getattr(iv, name)
        case Apply(function, arguments) if function in _COMPUTE:
            value = _COMPUTE[function](*map(_bounds, arguments))
            if isinstance(value, iv.mpf):
                return value
    raise UnreadableError("unknown_function")


def _power(base: Bounds, exponent: Bounds) -> Bounds:
    if abs(exponent).b > _MAX_EXPONENT:
        raise UnreadableError("too_large")
    is_whole = exponent.delta == 0 and exponent.a == int(exponent.a)
    return base ** int(exponent.a) if is_whole else base**exponent


def _divide(top: Bounds, bottom: Bounds) -> Bounds:
    if bottom.a <= 0 <= bottom.b:
        raise ZeroDivisionError
    return truediv(top, bottom)


_SQUARE = iv.mpf(2)
_COMPUTE: dict[str, Callable[..., Bounds]] = {
    "add": lambda *terms: reduce(add, terms),
    "sub": sub,
    "mul": lambda *factors: reduce(mul, factors),
    "div": _divide,
    "neg": neg,
    "pow": _power,
    "root": lambda value, degree=_SQUARE: _power(value, 1 / degree),
    "exp": iv.exp,
    "log": lambda value, base=None: iv.log(value) if base is None else iv.log(value) / iv.log(base),
    "sin": iv.sin,
    "cos": iv.cos,
    "tan": iv.tan,
    "degree": lambda value: value * iv.pi / 180,
    "percent": lambda value: value / 100,
    "abs": abs,
}
