"""Compute the value of a tree of numbers: to choose between readings, to see what was rounded, how a result is printed.

Values are exact fractions while only + - * / and whole powers are used, else floats.
Not covered: limits, derivatives, infinite sums, matrices, complex numbers.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from functools import lru_cache

from stages.translate.symbolic.nodes import Node, is_decimal, walk

Value = Fraction | float
_MAX_EXPONENT = 2_000
_MAX_RANGE = 1_000
_MAX_DECIMALS = 12
# Simpson's rule with this many intervals.
_INTERVALS = 512
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan,
    "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh, "ln": math.log, "exp": math.exp, "sqrt": math.sqrt,
    "degrees": math.radians,
    "cot": lambda angle: 1 / math.tan(angle), "sec": lambda angle: 1 / math.cos(angle),
    "csc": lambda angle: 1 / math.sin(angle),
}  # fmt: skip
_NOTHING: Mapping[str, Value] = {}
# An integer of fewer bits is a float.
_MOST_FLOAT_BITS = 1024
# Values that are kept: the same expressions are evaluated again and again.
_KEPT = 4096


def value_of(node: Node, at: Mapping[str, Value] = _NOTHING) -> Value | None:
    """Return the value of a tree, its letters having the values `at`; None if it cannot be computed here."""
    return _evaluate(node, at) if at else _closed_value(node)


@lru_cache(_KEPT)
def _closed_value(node: Node) -> Value | None:
    return _evaluate(node, _NOTHING)


def _evaluate(node: Node, at: Mapping[str, Value]) -> Value | None:
    try:
        value = _value(node, at)
        if isinstance(value, Fraction) and value.numerator.bit_length() < _MOST_FLOAT_BITS:
            return value
        return value if math.isfinite(float(value)) else None
    except (ArithmeticError, ValueError, KeyError, IndexError, TypeError, RecursionError):
        return None


@lru_cache(_KEPT)
def literal_value(digits: str) -> Fraction:
    """Return the value of a decimal literal."""
    return Fraction(digits)


def exact_value(node: Node) -> Fraction | None:
    """Return the value of a tree of exact operations, None for any other."""
    value = value_of(node)
    return value if isinstance(value, Fraction) else None


def agree(first: Node, second: Node) -> bool:
    """Whether two trees of numbers have the same value, as far as it can be computed."""
    one, other = value_of(first), value_of(second)
    return one is not None and other is not None and math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def decimal_of(value: Fraction | int) -> str:
    """Write a fraction with a finite decimal form as a decimal."""
    digits = next(digits for digits in range(_MAX_EXPONENT) if (value * 10**digits).denominator == 1)
    scaled = str(int(value * 10**digits)).rjust(digits + 1, "0")
    return f"{scaled[:-digits]}.{scaled[-digits:]}" if digits else scaled


def half_place(node: Node) -> Fraction:
    """Return half the worth of the last digit of a decimal, perhaps times a power of ten; 0 for anything else."""
    if node.op == "neg":
        return half_place(node.args[0])
    if node.op == "num":
        return Fraction(1, 2 * 10 ** len(node.value.partition(".")[2])) if "." in node.value else Fraction(0)
    if node.op == "div" and node.args[1].op == "num" and set(node.args[1].value) <= set("10"):
        return half_place(node.args[0]) / Fraction(node.args[1].value)
    if node.op == "mul" and len(node.args) == 2 and node.args[1].op == "pow" and node.args[1].args[0].value == "10":
        power = value_of(node.args[1])
        return half_place(node.args[0]) * power if isinstance(power, Fraction) else Fraction(0)
    return Fraction(0)


def uncertainty(node: Node) -> float:
    """Return how far the value of a tree may be off because its decimals were rounded to their last digits."""
    value = value_of(node)
    decimals = [item for item in walk(node) if item.op == "num" and is_decimal(item)]
    if value is None or len(decimals) > _MAX_DECIMALS:
        return 0.0
    off = 0.0
    for index, decimal in enumerate(decimals):
        moved = value_of(_with_decimal(node, iter(range(len(decimals))), index, decimal))
        off += abs(float(moved) - float(value)) if moved is not None else 0.0
    return off


def _with_decimal(node: Node, places: Iterator[int], wanted: int, decimal: Node) -> Node:
    """Return a tree whose decimal at the place `wanted` is half a last digit larger."""
    if node.op == "num" and is_decimal(node):
        if next(places) != wanted:
            return node
        larger = Fraction(decimal.value) + half_place(decimal)
        return Node("div", (Node("num", (), str(larger.numerator)), Node("num", (), str(larger.denominator))))
    return node._replace(args=tuple(_with_decimal(item, places, wanted, decimal) for item in node.args))


def _value(node: Node, at: Mapping[str, Value]) -> Value:
    if node.op == "num":
        return literal_value(node.value)
    if node.op == "sym":
        return at[node.value]
    if node.op in ("pi", "e"):
        return math.pi if node.op == "pi" else math.e
    if node.op in ("sum", "prod"):
        return _range(node, at)
    if node.op == "int":
        return _integral(node, at)
    values = [_value(item, at) for item in node.args]
    if node.op == "based":
        return Fraction(int(node.args[0].value, int(node.args[1].value)))
    if node.op in _FUNCTIONS:
        return _exact_root(values[0]) if node.op == "sqrt" else _FUNCTIONS[node.op](float(values[0]))
    return _OPERATIONS[node.op](*values)


def _range(node: Node, at: Mapping[str, Value]) -> Value:
    body, variable, low, high = node.args
    first, last = _value(low, at), _value(high, at)
    if first != int(first) or last != int(last) or not 0 <= last - first <= _MAX_RANGE:
        raise ValueError(node.op)
    values = [_value(body, {**at, variable.value: Fraction(k)}) for k in range(int(first), int(last) + 1)]
    return sum(values, Fraction(0)) if node.op == "sum" else math.prod(values, start=Fraction(1))


def _integral(node: Node, at: Mapping[str, Value]) -> float:
    body, variable, low, high = node.args
    start, end = float(_value(low, at)), float(_value(high, at))
    step = (end - start) / _INTERVALS
    values = [float(_value(body, {**at, variable.value: start + step * k})) for k in range(_INTERVALS + 1)]
    return step / 3 * (values[0] + values[-1] + 4 * sum(values[1:-1:2]) + 2 * sum(values[2:-1:2]))


def _power(base: Value, exponent: Value) -> Value:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        if abs(exponent) > _MAX_EXPONENT:
            raise ValueError(exponent)
        return base ** int(exponent)
    power = float(base) ** float(exponent)
    if isinstance(power, complex):
        raise ValueError(power)
    return power


def _root(degree: Value, radicand: Value) -> Value:
    sign = -1 if radicand < 0 and degree % 2 == 1 else 1
    return sign * float(sign * radicand) ** (1 / float(degree))


def _exact_root(value: Value) -> Value:
    if isinstance(value, Fraction) and value >= 0:
        top, bottom = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top == value.numerator and bottom * bottom == value.denominator:
            return Fraction(top, bottom)
    return math.sqrt(value)


def _whole(*values: Value) -> list[int]:
    whole = [int(value) for value in values]
    if whole != list(values):
        raise ValueError(values)
    return whole


def _factorial(value: Value) -> Fraction:
    (number,) = _whole(value)
    if number > _MAX_EXPONENT:
        raise ValueError(value)
    return Fraction(math.factorial(number))


_OPERATIONS: dict[str, Callable[..., Value]] = {
    "neg": lambda value: -value,
    "add": lambda *values: sum(values[1:], values[0]),
    "mul": lambda *values: math.prod(values[1:], start=values[0]),
    "div": lambda top, bottom: top / bottom,
    "pow": _power,
    "root": _root,
    "log": lambda base, value: math.log(value) / math.log(base),
    "abs": abs,
    "floor": lambda value: Fraction(math.floor(value)),
    "ceil": lambda value: Fraction(math.ceil(value)),
    "mod": lambda value, modulus: value % modulus,
    "fact": _factorial,
    "binom": lambda n, k: Fraction(math.comb(*_whole(n, k))),
    "gcd": lambda *values: Fraction(math.gcd(*_whole(*values))),
    "lcm": lambda *values: Fraction(math.lcm(*_whole(*values))),
}
