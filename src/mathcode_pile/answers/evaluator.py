"""Compute expressions: exactly with fractions as far as that goes, then with 50 digits.

No operation is begun whose result would be large, so that each ends at once: 10**10**10 and
factorial(10**9) raise TooLargeError. Nothing here calls eval.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from mpmath import MPContext  # type: ignore[import-untyped]

from mathcode_pile.answers.values import Apply, Constant, Node, Number, Symbol, TooLargeError, UnreadableError, literals

mp = MPContext()
mp.dps = 50

# About 3,600 digits: what an exact integer may have.
MAX_BITS = 12_000
MAX_FACTORIAL = 1_000
# Magnitude, in powers of two, to which exponentials may go.
MAX_MAGNITUDE = 100_000

Value = Any
"""A Fraction, or an mpf or mpc of the context above."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number, and how exactly it was written."""

    value: Value
    last_place: Fraction | None = None
    """The worth of a one in the last digit, where the number is a decimal literal."""
    digits: int = 0
    """The significant digits of the decimals in it, at the least; 0 where there is none."""

    @property
    def is_exact(self) -> bool:
        """Whether no decimal stands in it."""
        return self.digits == 0


def evaluate(node: Node, at: Mapping[str, Value] | None = None) -> Value:
    """Return the value of an expression, its variables having the values `at`.

    Raises UnreadableError where it has no value or none that can be computed here, TooLargeError where it would be
    too large.
    """
    match node:
        case Number(value):
            return value
        case Constant(name):
            return _CONSTANTS[name]()
        case Symbol(name):
            if at is None or name not in at:
                raise UnreadableError("variable")
            return at[name]
        case Apply(function, arguments):
            values = [evaluate(argument, at) for argument in arguments]
            try:
                return _bounded(_FUNCTIONS[function](*values))
            except KeyError:
                raise UnreadableError("unknown_function") from None
            except (ZeroDivisionError, ValueError, TypeError, OverflowError, ArithmeticError):
                raise UnreadableError("undefined") from None
    raise UnreadableError("not_a_number")


def scalar(node: Node) -> Scalar:
    """Return the value of an expression without variables, with the precision it is written to."""
    value = evaluate(node)
    decimals = [number for number in literals(node) if number.last_place is not None]
    if not decimals:
        return Scalar(value)
    return Scalar(value, _last_place(node), min(number.digits for number in decimals))


def _last_place(node: Node) -> Fraction | None:
    """The worth of the last digit of a decimal literal, a sign and a power of ten with it or not."""
    match node:
        case Number(_, last_place):
            return last_place
        case Apply("neg", (item,)):
            return _last_place(item)
        case Apply("mul", (left, right)):
            return _scaled(left, right) or _scaled(right, left)
        case Apply("div", (left, right)):
            place = _scaled(left, Apply("div", (Number(Fraction(1)), right)))
            return place
        case Apply("percent", (item,)):
            place = _last_place(item)
            return place and place / 100
        case Apply("add" | "sub", (left, right)) if _is_imaginary(right) != _is_imaginary(left):
            # The two parts of a complex number.
            places = [_last_place(left), _last_place(right)]
            known = [place for place in places if place is not None]
            return max(known) if known else None
    return None


def _scaled(decimal: Node, factor: Node) -> Fraction | None:
    place = _last_place(decimal)
    if place is None or literals(factor) != [n for n in literals(factor) if n.last_place is None]:
        return None
    if factor == Constant("i"):
        return place
    value = evaluate(factor)
    if not isinstance(value, Fraction) or not value:
        return None
    power = abs(value)
    while power >= 10 and power.denominator == 1 and power.numerator % 10 == 0:
        power /= 10
    while power < 1 and power.numerator == 1 and power.denominator % 10 == 0:
        power *= 10
    return place * abs(value) if power == 1 else None


def _is_imaginary(node: Node) -> bool:
    return node == Constant("i") or (isinstance(node, Apply) and any(map(_is_imaginary, node.arguments)))


def _bounded(value: Value) -> Value:
    if isinstance(value, Fraction):
        if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
            raise TooLargeError("too_large")
    elif isinstance(value, int):
        return _bounded(Fraction(value))
    elif mp.isnan(value):
        raise UnreadableError("undefined")
    elif isinstance(value, mp.mpf):
        if value and not mp.isinf(value) and abs(mp.mag(value)) > MAX_MAGNITUDE * 2:
            raise TooLargeError("too_large")
    elif isinstance(value, mp.mpc) and value.imag == 0:
        return value.real
    return value


def approximate(value: Value) -> Value:
    """Return a value as an mpf or mpc."""
    return mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def _add(*values: Value) -> Value:
    if all(isinstance(v, Fraction) for v in values):
        return sum(values, Fraction(0))
    return mp.fsum([approximate(v) for v in values])


def _multiply(*values: Value) -> Value:
    product: Value = Fraction(1)
    for v in values:
        if isinstance(v, Fraction) and isinstance(product, Fraction):
            product = _bounded(product * v)
        else:
            product = approximate(product) * approximate(v)
    return product


def _divide(left: Value, right: Value) -> Value:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left / right
    return approximate(left) / approximate(right)


def _negate(value: Value) -> Value:
    return -value


def _power(base: Value, exponent: Value) -> Value:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction):
        if exponent.denominator == 1:
            return _integer_power(base, exponent.numerator)
        root = _exact_root(base, exponent.denominator)
        if root is not None:
            return _integer_power(root, exponent.numerator)
    base, exponent = approximate(base), approximate(exponent)
    size = abs(mp.mag(base)) + 1 if base and not mp.isinf(base) else 1
    if mp.isinf(exponent) or abs(exponent) * size > MAX_MAGNITUDE:
        raise TooLargeError("too_large")
    return base**exponent


def _integer_power(base: Fraction, exponent: int) -> Value:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(base) != 1 and base and (bits - 1) * abs(exponent) > MAX_BITS:
        raise TooLargeError("too_large")
    if abs(base) == 1:
        return base if exponent % 2 else Fraction(1)
    return base**exponent


def _exact_root(value: Fraction, degree: int) -> Fraction | None:
    if value < 0 or degree > 64:
        return None
    parts = [_integer_root(n, degree) for n in (value.numerator, value.denominator)]
    return None if None in parts else Fraction(parts[0], parts[1])  # type: ignore[arg-type]


def _integer_root(number: int, degree: int) -> int | None:
    root = math.isqrt(number) if degree == 2 else int(mp.nint(mp.mpf(number) ** (mp.mpf(1) / degree)))
    return root if root**degree == number else None


def _root(value: Value, degree: Value = Fraction(2)) -> Value:
    # An odd root of a negative number is meant to be real where it is written as a root.
    if (
        isinstance(degree, Fraction)
        and degree.denominator == 1
        and degree.numerator % 2
        and _is_real(value)
        and value < 0
    ):
        return -_power(-value, 1 / degree)
    return _power(value, 1 / degree if isinstance(degree, Fraction) else 1 / approximate(degree))


def _is_real(value: Value) -> bool:
    return not isinstance(value, mp.mpc)


def _exponential(value: Value) -> Value:
    value = approximate(value)
    if abs(value) > MAX_MAGNITUDE / 2:
        raise TooLargeError("too_large")
    return mp.exp(value)


def _logarithm(value: Value, base: Value = None) -> Value:
    if value == 0:
        raise ValueError
    if base is None:
        return Fraction(0) if value == 1 else mp.log(approximate(value))
    found = mp.log(approximate(value)) / mp.log(approximate(base))
    if isinstance(value, Fraction) and isinstance(base, Fraction) and _is_real(found) and abs(found) < MAX_BITS:
        whole = int(mp.nint(found))
        if (
            base > 0
            and max(base.numerator, base.denominator).bit_length() * abs(whole) <= MAX_BITS * 2
            and base**whole == value
        ):
            return Fraction(whole)
    return found


def _factorial(value: Value) -> Value:
    if isinstance(value, Fraction) and value.denominator == 1:
        if value > MAX_FACTORIAL:
            raise TooLargeError("too_large")
        return Fraction(math.factorial(value.numerator))
    return _gamma(_add(value, Fraction(1)))


def _gamma(value: Value) -> Value:
    if abs(value) > MAX_FACTORIAL:
        raise TooLargeError("too_large")
    return mp.gamma(approximate(value))


def _whole(value: Value) -> int:
    if not isinstance(value, Fraction) or value.denominator != 1:
        raise ValueError
    return value.numerator


def _binomial(n: Value, k: Value) -> Value:
    top, bottom = _whole(n), _whole(k)
    if top > 4000:
        raise TooLargeError("too_large")
    return Fraction(math.comb(top, bottom))


def _permutations(n: Value, k: Value) -> Value:
    top, bottom = _whole(n), _whole(k)
    if top > MAX_FACTORIAL:
        raise TooLargeError("too_large")
    return Fraction(math.perm(top, bottom))


def _by_mpmath(name: str) -> Callable[..., Value]:
    function = getattr(mp, name)

    def compute(*values: Value) -> Value:
        numbers = [approximate(v) for v in values]
        if any(mp.isinf(v) or abs(v) > mp.mpf(10) ** 30 for v in numbers):
            raise TooLargeError("too_large")
        return function(*numbers)

    return compute


def _reciprocal(name: str) -> Callable[..., Value]:
    compute = _by_mpmath(name)
    return lambda value: 1 / compute(value)


def _floor(value: Value) -> Value:
    return Fraction(math.floor(value)) if isinstance(value, Fraction) else Fraction(int(mp.floor(value)))


def _ceiling(value: Value) -> Value:
    return -_floor(-value)


def _modulo(value: Value, by: Value) -> Value:
    return Fraction(_whole(value) % _whole(by))


def _refuse() -> Value:
    raise UnreadableError("not_a_number")


_CONSTANTS: dict[str, Callable[[], Value]] = {
    "pi": lambda: +mp.pi,
    "e": lambda: +mp.e,
    "i": lambda: mp.mpc(0, 1),
    "oo": lambda: mp.inf,
    "golden": lambda: +mp.phi,
    "nan": _refuse,
}

_BY_MPMATH: dict[str, Callable[..., Value]] = {
    name: _by_mpmath(name)
    for name in (
        *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
        *("erf", "re", "im", "arg"),
    )
}

_FUNCTIONS: dict[str, Callable[..., Value]] = {
    **_BY_MPMATH,
    "add": _add,
    "sub": lambda a, b: _add(a, -b),
    "mul": _multiply,
    "div": _divide,
    "pow": _power,
    "neg": _negate,
    "percent": lambda a: _divide(a, Fraction(100)),
    "degree": lambda a: approximate(a) * mp.pi / 180,
    "root": _root,
    "exp": _exponential,
    "log": _logarithm,
    "abs": abs,
    "factorial": _factorial,
    "gamma": _gamma,
    "binomial": _binomial,
    "permutations": _permutations,
    "floor": _floor,
    "ceiling": _ceiling,
    "mod": _modulo,
    "gcd": lambda *v: Fraction(math.gcd(*map(_whole, v))),
    "lcm": lambda *v: Fraction(math.lcm(*map(_whole, v))),
    "max": max,
    "min": min,
    "sec": _reciprocal("cos"),
    "csc": _reciprocal("sin"),
    "cot": _reciprocal("tan"),
    "conjugate": lambda v: mp.conj(approximate(v)),
    "sign": lambda v: Fraction((v > 0) - (v < 0)),
}
