"""Count the operations of a program, to leave out those that nobody needs a program for, such as `8 - 2`."""

import ast

# Calls that make a value, change its form or print it.
_FREE = {
    "print", "str", "int", "float", "round", "bool", "repr", "list", "tuple", "set", "sorted", "len", "Decimal",
    "Integer", "Float", "sympify", "S", "simplify", "nsimplify", "N", "evalf", "symbols", "Symbol", "Eq",
    "range", "join", "format", "append", "enumerate", "zip",
}  # fmt: skip
# Calls that a pupil works out like one operation.
_SINGLE = {"sqrt", "abs", "Abs", "radians", "rad", "degrees", "min", "max", "floor", "ceil", "ceiling", "pow"}
_WHOLE = 2
"""What any other call counts: integrate, solve, comb or gcd do the work of several operations."""


def count_operations(code: str) -> int:
    """Return how many operations a program has; 0 for code that Python does not read.

    Signs of arithmetic and comparisons count one each, loops and calls that do the work of several count two.
    """
    try:
        module = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    return sum(map(_weight, ast.walk(module)))


def _weight(node: ast.AST) -> int:
    if isinstance(node, ast.BinOp | ast.AugAssign):
        return 1
    if isinstance(node, ast.Compare):
        return len(node.ops)
    if isinstance(node, ast.For | ast.While | ast.comprehension | ast.FunctionDef):
        return _WHOLE
    if not isinstance(node, ast.Call):
        return 0
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in ("Fraction", "Rational"):
        return len(node.args) - 1 if len(node.args) > 1 else 0
    if name == "int" and len(node.args) > 1:
        return _WHOLE  # reads a number in another base
    return 0 if name in _FREE else 1 if name in _SINGLE else _WHOLE
