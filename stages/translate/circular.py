"""Tell a program whose result was put in: it prints one of its given numbers, whatever the given numbers are.

`r = 6; t = 8; d = sqrt(r**2 + t**2); print(sqrt(d**2 - r**2))` prints 8 because t is 8. To see this, the program is
worked out here with other numbers in place of all the given ones. Where only one number is given the page means a
check, as that a function and its inverse lead back.

Not covered: branches, loops, functions of the program, lists, and calls other than those of `_CALLS`. A program with
them is not circular.
"""

import ast
import math
import operator
from collections.abc import Callable, Collection
from fractions import Fraction

# By how much the given numbers are changed: by another amount each, and none leads to a simple number.
_SHIFTS = (0.8312, 2.4179)
_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: math.pow,
}  # fmt: skip
# All numbers are floating-point here, so what rounds a number or makes it exact leaves it as it is.
_SAME = ["round", "float", "int", "N", "Integer", "Float", "Decimal", "S", "sympify", "simplify", "nsimplify"]
_CALLS: dict[str, Callable[..., float]] = dict.fromkeys(_SAME, lambda value, *_: value) | {
    "sqrt": math.sqrt, "abs": abs, "Abs": abs, "exp": math.exp, "pow": math.pow, "log": math.log, "ln": math.log,
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan,
    "radians": math.radians, "degrees": math.degrees,
    "Fraction": lambda top, bottom=1: top / bottom, "Rational": lambda top, bottom=1: top / bottom,
}  # fmt: skip
_Names = dict[str, float]


class _UnknownError(Exception):
    """The program has what is not worked out here."""


def is_circular(module: ast.Module, stated: Collection[Fraction]) -> bool:
    """Whether a program prints one of its given numbers, the stated one, whatever these numbers are.

    stated: the numbers of the stated result; where it has several, the program is not circular.
    """
    try:
        givens = _run(module, 0)[0]
        result = float(*stated) if len(stated) == 1 else math.nan
        same = [name for name, number in givens.items() if number == result]
        if len(givens) < 2 or not same:
            return False
        changed = [_run(module, shift) for shift in _SHIFTS]
    except (_UnknownError, ArithmeticError, ValueError, TypeError, RecursionError):
        return False
    return any(
        all(printed and all(math.isclose(value, own[name]) for value in printed) for own, printed in changed)
        for name in same
    )


def _run(module: ast.Module, shift: float) -> tuple[_Names, list[float]]:
    """Return the given numbers of a program, changed, and what it prints. Raises _UnknownError."""
    names: _Names = {}
    givens: _Names = {}
    printed: list[float] = []
    for statement in module.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            pairs = _pairs(statement.targets[0], statement.value)
            names |= {name: _work_out(value, names) for name, value in pairs}
            for name in [name for name, value in pairs if isinstance(value, ast.Constant)]:
                names[name] += shift * (1 + len(givens) / 7)
                givens[name] = names[name]
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            if getattr(statement.value.func, "id", "") != "print":
                raise _UnknownError
            printed += [_work_out(item, names) for item in statement.value.args]
        elif not isinstance(statement, ast.Import | ast.ImportFrom):
            raise _UnknownError
    return givens, printed


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.expr]]:
    """Return the names of an assignment with their values."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        return [pair for sides in zip(target.elts, value.elts, strict=True) for pair in _pairs(*sides)]
    if not isinstance(target, ast.Name):
        raise _UnknownError
    return [(target.id, value)]


def _work_out(node: ast.expr, names: _Names) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float | str):
        return float(Fraction(node.value))
    if isinstance(node, ast.Name) and node.id in names:
        return names[node.id]
    if ast.unparse(node) in ("pi", "math.pi"):
        return math.pi
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_work_out(node.operand, names)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_work_out(node.left, names), _work_out(node.right, names))
    if isinstance(node, ast.Call):
        name = ast.unparse(node.func).removeprefix("math.")
        if name in _CALLS:
            return _CALLS[name](*(_work_out(item, names) for item in node.args))
    raise _UnknownError
