"""Compute each function of an expression: exactly with fractions where possible, else to 50 digits.

No function starts a computation whose result would be large, so each one ends at once: 10**10**10 and
factorial(10**9) raise TooLargeError. Nothing here calls eval.
"""

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from mpmath import MPContext  # type: ignore[import-untyped]

from mathcode_pile.answers.values import TooLargeError, UnreadableError

mp = MPContext()
mp.dps = 50

# An exact integer may have about 3,600 digits.
MAX_BITS = 12_000
MAX_FACTORIAL = 1_000
MAX_BINOMIAL = 4_000
# An exponential may be at most two to this power.
MAX_MAGNITUDE = 100_000

Value = Any
"""A Fraction, or an mpf or mpc of the context above."""


def approximate(value: Value) -> Value:
    """Return a value as an mpf or mpc."""
    return mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def bounded(value: Value) -> Value:
    """Return a result in its simplest type. Raises TooLargeError, and UnreadableError if it is no number."""
    if isinstance(value, int):
        value = Fraction(value)
    if isinstance(value, Fraction):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
            raise TooLargeError("too_large")
    elif mp.isnan(value):
        raise UnreadableError("undefined")
    elif isinstance(value, mp.mpf):
        if value and not mp.isinf(value) and abs(mp.mag(value)) > MAX_MAGNITUDE * 2:
            raise TooLargeError("too_large")
    elif isinstance(value, mp.mpc) and value.imag == 0:
        return value.real
    return value


def is_real(value: Value) -> bool:
    """Whether a value has no imaginary part."""
    return not isinstance(value, mp.mpc)


def _add(*values: Value) -> Value:
    if all(isinstance(v, Fraction) for v in values):
        return sum(values, Fraction(0))
    return mp.fsum([approximate(v) for v in values])


def _multiply(*values: Value) -> Value:
    product: Value = Fraction(1)
    for v in values:
        if isinstance(v, Fraction) and isinstance(product, Fraction):
            product = bounded(product * v)
        else:
            product = approximate(product) * approximate(v)
    return product


def _divide(left: Value, right: Value) -> Value:
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return left / right
    return approximate(left) / approximate(right)


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
    if abs(base) == 1:
        return base if exponent % 2 else Fraction(1)
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if base and (bits - 1) * abs(exponent) > MAX_BITS:
        raise TooLargeError("too_large")
    return base**exponent


def _exact_root(value: Fraction, degree: int) -> Fraction | None:
    if value < 0 or degree > 64:
        return None
    top, bottom = _integer_root(value.numerator, degree), _integer_root(value.denominator, degree)
    return None if top is None or bottom is None else Fraction(top, bottom)


def _integer_root(number: int, degree: int) -> int | None:
    root = math.isqrt(number) if degree == 2 else int(mp.nint(mp.mpf(number) ** (mp.mpf(1) / degree)))
    return root if root**degree == number else None


def _root(value: Value, degree: Value = Fraction(2)) -> Value:
    if not isinstance(degree, Fraction):
        return _power(value, 1 / approximate(degree))
    # A text that writes the cube root of -8 means the real one.
    if degree.denominator == 1 and degree.numerator % 2 and is_real(value) and value < 0:
        return -_power(-value, 1 / degree)
    return _power(value, 1 / degree)


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
    if isinstance(value, Fraction) and isinstance(base, Fraction) and is_real(found) and abs(found) < MAX_BITS:
        whole = int(mp.nint(found))
        bits = max(base.numerator, base.denominator).bit_length() * abs(whole)
        if base > 0 and bits <= MAX_BITS * 2 and base**whole == value:
            return Fraction(whole)
    return found


def _factorial(value: Value) -> Value:
    if isinstance(value, Fraction) and value.denominator == 1:
        if value > MAX_FACTORIAL:
            raise TooLargeError("too_large")
        return Fraction(math.factorial(value.numerator))
    return _gamma(_add(value, Fraction(1)))


def _double_factorial(value: Value) -> Value:
    number = _whole(value)
    if number < 0:
        raise ValueError
    if number > MAX_FACTORIAL:
        raise TooLargeError("too_large")
    return Fraction(math.prod(range(number, 0, -2)))


def _gamma(value: Value) -> Value:
    if abs(value) > MAX_FACTORIAL:
        raise TooLargeError("too_large")
    return mp.gamma(approximate(value))


def _whole(value: Value) -> int:
    if not isinstance(value, Fraction) or value.denominator != 1:
        raise ValueError
    return value.numerator


def _counting(count: Callable[[int, int], int], largest: int) -> Callable[[Value, Value], Value]:
    """Return a function of two integers, the first of them at most `largest`."""

    def compute(n: Value, k: Value) -> Value:
        top, bottom = _whole(n), _whole(k)
        if top > largest:
            raise TooLargeError("too_large")
        return Fraction(count(top, bottom))

    return compute


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


def _refuse() -> Value:
    raise UnreadableError("not_a_number")


COMPUTE_CONSTANT: dict[str, Callable[[], Value]] = {
    "pi": lambda: +mp.pi,
    "e": lambda: +mp.e,
    "i": lambda: mp.mpc(0, 1),
    "oo": lambda: mp.inf,
    "golden": lambda: +mp.phi,
    "nan": _refuse,
}

_BY_MPMATH = (
    *("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh", "atanh"),
    *("erf", "re", "im", "arg"),
)

COMPUTE: dict[str, Callable[..., Value]] = {name: _by_mpmath(name) for name in _BY_MPMATH} | {
    "add": _add,
    "sub": lambda a, b: _add(a, -b),
    "mul": _multiply,
    "div": _divide,
    "clock": _divide,
    "pow": _power,
    "neg": lambda a: -a,
    "percent": lambda a: _divide(a, Fraction(100)),
    "degree": lambda a: approximate(a) * mp.pi / 180,
    "root": _root,
    "exp": _exponential,
    "log": _logarithm,
    "abs": abs,
    "factorial": _factorial,
    "factorial2": _double_factorial,
    "gamma": _gamma,
    "binomial": _counting(math.comb, MAX_BINOMIAL),
    "permutations": _counting(math.perm, MAX_FACTORIAL),
    "floor": _floor,
    "ceiling": lambda a: -_floor(-a),
    "mod": lambda a, b: Fraction(_whole(a) % _whole(b)),
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
"""What computes each function; those that take whole numbers raise ValueError for others."""
