"""Compute the value of a tree of numbers, to decide how a result is printed and whether two formulas agree.

A stated result never decides whether a computation is translated. Not covered: calculus, matrices, complex numbers.
"""

import math
from collections.abc import Callable
from fractions import Fraction

from stages.translate.symbolic.nodes import Node

Value = Fraction | float
_MAX_EXPONENT = 2_000
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan,
    "ln": math.log, "exp": math.exp, "sqrt": math.sqrt, "degrees": math.radians,
}  # fmt: skip


def value_of(node: Node) -> Value | None:
    """Return an exact fraction where only + - * / and whole powers are used, else a float; None if it is unknown."""
    try:
        return _value(node)
    except (ArithmeticError, ValueError, KeyError):
        return None


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


def _value(node: Node) -> Value:
    if node.op == "num":
        return Fraction(node.value)
    if node.op in ("pi", "e"):
        return math.pi if node.op == "pi" else math.e
    values = [_value(item) for item in node.args]
    if node.op == "neg":
        return -values[0]
    if node.op == "add":
        return sum(values[1:], values[0])
    if node.op == "mul":
        return math.prod(values[1:], start=values[0])
    if node.op == "div":
        return values[0] / values[1]
    if node.op == "pow":
        return _power(*values)
    if node.op == "root":
        return float(values[1]) ** (1 / float(values[0]))
    if node.op == "log":
        return math.log(values[1]) / math.log(values[0])
    if node.op in ("binom", "fact"):
        whole = [int(value) for value in values]
        if whole != values:
            raise ValueError(node.op)
        return Fraction(math.comb(*whole) if node.op == "binom" else math.factorial(whole[0]))
    return _FUNCTIONS[node.op](float(values[0]))


def _power(base: Value, exponent: Value) -> Value:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        if abs(exponent) > _MAX_EXPONENT:
            raise ValueError(exponent)
        return base ** int(exponent)
    power = float(base) ** float(exponent)
    if isinstance(power, complex):
        raise ValueError(power)
    return power
