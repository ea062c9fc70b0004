"""What a value of a program is made of: it is computed, or made of constants."""

import ast
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

# Calls that work on a formula, and leave a number as it is.
WORK = {"simplify", "expand", "factor", "cancel", "together", "radsimp", "doit", "nsimplify", "limit_denominator"}
# Calls that change the form of a value and not the value.
FORMS = WORK | {
    "print", "str", "int", "float", "round", "bool", "complex", "repr", "format", "list", "tuple", "set", "sorted",
    "Fraction", "Decimal", "Rational", "Integer", "Float", "sympify", "S", "N", "evalf", "latex", "pprint", "Matrix",
    "array", "join", "strip", "dict", "Eq", "Interval", "FiniteSet", "pretty", "display", "enumerate", "reversed",
    "items", "values", "keys",
}  # fmt: skip
SYMBOLS = {"symbols", "Symbol", "var"}
# Functions that a stated value is written with.
VALUES = {"sqrt", "cbrt", "root", "exp", "log", "ln", "pi", "E", "I", "oo", "e", "inf", "sin", "cos", "tan"}
NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
MAX_DIGITS = 60


class Origin(NamedTuple):
    """What a value is made of."""

    is_computed: bool = False
    has_operation: bool = False
    numbers: tuple[Fraction, ...] = ()
    is_formula: bool = False
    """It has symbols of sympy."""
    is_worked: bool = False
    """It is a formula that a call works on, as expand does."""

    def join(self, other: "Origin") -> "Origin":
        """Return what a value made of both is made of."""
        return Origin(
            self.is_computed or other.is_computed,
            self.has_operation or other.has_operation,
            (self.numbers + other.numbers)[:200],
            self.is_formula or other.is_formula,
            self.is_worked or other.is_worked,
        )


NOTHING = Origin()
COMPUTED = Origin(is_computed=True)


def is_decimal(parts: Sequence[ast.expr]) -> bool:
    """Whether a quotient is a decimal number as it is written: 9772/10000."""
    values = [part.value for part in parts if isinstance(part, ast.Constant)]
    return len(values) == 2 and re.fullmatch("100+", str(values[1])) is not None


def numbers_of(value: object) -> tuple[Fraction, ...]:
    """Return the numbers that a constant is written with."""
    if isinstance(value, bool) or value is None:
        return ()
    if isinstance(value, int | float):
        text = repr(value)
    elif isinstance(value, str):
        text = value
    else:
        return ()
    return tuple(Fraction(number) for number in NUMBER.findall(text)[:50] if len(number) <= MAX_DIGITS)
