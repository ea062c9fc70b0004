"""Tell a program that only types the page's arithmetic again from one that derives its result.

A program derives if it calls something that does the work of several steps (a sum over a range, solve, integrate, a
determinant), or if most of its numbers have names. One that types `12 * 21 - 228` again teaches nothing that the page
does not say.

Not covered: are the names right, and is the program what the page means? A person has to read it for that.
"""

import ast
import math
import re
from collections.abc import Iterator

# Calls that work out one value, or change its form: the page writes them as one sign.
_PLAIN = {
    "print", "round", "float", "int", "str", "abs", "Abs", "pow", "floor", "ceil", "ceiling", "Fraction", "Rational",
    "Integer", "Float", "Decimal", "simplify", "expand", "factor", "nsimplify", "N", "evalf", "sqrt", "real_root",
    "root", "cbrt", "log", "exp", "sin", "cos", "tan", "asin", "acos", "atan", "radians", "rad", "degrees", "factorial",
    "comb", "binomial", "re", "im", "conjugate", "format", "sum", "len", "min", "max",
}  # fmt: skip
_FORMS = {"round", "float", "int", "str", "simplify", "expand", "factor", "N", "evalf", "format"}
# Numbers that formulas have: 4/3 of a ball, 100 percent, 180 degrees of a triangle.
_OF_FORMULAS = {0, 1, 2, 3, 4, 100, 180, 360}
# Names that say what was done and not what a number is.
_GENERIC = re.compile(r"(?:terms|total|difference|product|quotient|power|root|result)(?:_\d+)?")
_FRACTIONS = {"Fraction", "Rational"}


def is_retyped(code: str) -> bool:
    """Say whether a program only types arithmetic again; one that Python cannot read is not retyped."""
    try:
        module = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if any(map(_derives, ast.walk(module))):
        return False
    names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    values = list(_values(module))
    computed = [value for value in values if not _is_given(value)]
    operands = [operand for value in computed for operand in _operands(value)]
    named = [operand.id for operand in operands if isinstance(operand, ast.Name) and operand.id in names]
    named = [name for name in named if not _GENERIC.fullmatch(name)]
    bare = sum(isinstance(operand, ast.Constant) and operand.value not in _OF_FORMULAS for operand in operands)
    return not named or len(computed) == len(values) or len(named) < bare


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _derives(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        takes_more = len(node.args) > {"int": 1, "pow": 2}.get(_called(node), len(node.args))
        return _called(node) not in _PLAIN or takes_more
    return isinstance(node, ast.For | ast.While | ast.comprehension | ast.FunctionDef | ast.Lambda | ast.Dict)


def _values(module: ast.Module) -> Iterator[ast.expr]:
    """Yield what a program assigns, and the expressions that it prints; a name alone is printed as it is."""
    for statement in module.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign) and statement.value:
            yield from statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
        elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield from (item for item in statement.value.args if any(map(_computes, ast.walk(item))))


def _computes(node: ast.AST) -> bool:
    return isinstance(node, ast.BinOp) or (isinstance(node, ast.Call) and _called(node) not in _FORMS)


def _is_given(value: ast.expr) -> bool:
    """Say whether a value is a number, or a list of numbers: `5`, `-3`, `Fraction("0.05")`, not `Fraction(54, 6)`."""
    if isinstance(value, ast.UnaryOp):
        return _is_given(value.operand)
    if isinstance(value, ast.List):
        return all(map(_is_given, value.elts))
    if isinstance(value, ast.Call) and _called(value) in _FRACTIONS and len(value.args) == 2:
        parts = [item.value for item in value.args if isinstance(item, ast.Constant) and isinstance(item.value, int)]
        return len(parts) == 2 and math.gcd(*parts) == 1
    if isinstance(value, ast.Call):
        return _called(value) in ("Fraction", "Rational", "Decimal", "Integer") and all(map(_is_given, value.args))
    return isinstance(value, ast.Constant)


def _operands(value: ast.AST) -> Iterator[ast.Name | ast.Constant]:
    """Yield the names and numbers that are computed with; an exponent and a number of digits belong to the notation."""
    if isinstance(value, ast.Name | ast.Constant):
        yield value
    elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.Pow) and isinstance(value.right, ast.Constant):
        yield from _operands(value.left)
    elif isinstance(value, ast.Call) and _called(value) == "round":
        for item in value.args[:1]:
            yield from _operands(item)
    else:
        for node in ast.iter_child_nodes(value):
            yield from _operands(node)
