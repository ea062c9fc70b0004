"""Compute sums, products, limits and integrals another way than by sympy's closed forms: with mpmath.

sympy is sometimes wrong about them, so what it says contradicts a page only if this route agrees with it.
Runs in the helper process, which has a time limit.
"""

import re
from typing import Any

from mathcode_pile.answers.functions import mp
from mathcode_pile.answers.lexer import clean

_COMMAND = re.compile(r"\\(?:int|sum|prod|lim)(?![a-zA-Z])")
# Quadrature and extrapolation may be off in later digits.
_TOLERANCE = mp.mpf(10) ** -8


def has_second_route(expression: str) -> bool:
    """Whether an expression in LaTeX contains a sum, a product, a limit or an integral."""
    return _COMMAND.search(expression) is not None


def is_value_of(expression: str, stated: Any) -> bool:
    """Whether a number, an mpf, is the value of an expression in LaTeX, as computed by mpmath."""
    from latex2sympy2_extended import latex2sympy

    value = _compute(latex2sympy(clean(expression)))
    return value is not None and bool(abs(value - stated) <= _TOLERANCE * max(1, abs(value)))


def _compute(expression: Any) -> Any:
    """Return the value of a sympy expression as an mpf; None if it has no real value, or variables."""
    import sympy

    if expression.free_symbols:
        return None
    kinds = (sympy.Sum, sympy.Product, sympy.Limit, sympy.Integral)
    value = expression.replace(lambda part: isinstance(part, kinds), _by_mpmath).evalf(30)
    return mp.mpf(str(value)) if value.is_real and value.is_finite else None


def _by_mpmath(part: Any) -> Any:
    import mpmath  # type: ignore[import-untyped]
    import sympy

    with mpmath.workdps(30):
        if isinstance(part, sympy.Limit):
            body, variable, target, side = part.args
            direction = -1 if str(side) == "-" else 1
            value = mpmath.limit(sympy.lambdify(variable, body, "mpmath"), _number(target), direction)
        else:
            variable, low, high = part.limits[0]
            function = sympy.lambdify(variable, part.function, "mpmath")
            method = {sympy.Sum: mpmath.nsum, sympy.Product: mpmath.nprod, sympy.Integral: mpmath.quad}[type(part)]
            value = method(function, [_number(low), _number(high)])
        return sympy.Float(str(value), 25)


def _number(bound: Any) -> Any:
    """Return a bound as an mpf; infinity too."""
    import mpmath

    return mpmath.mpf(str(bound.evalf(30)).replace("oo", "inf"))
