"""Write the Python that a person would write to compute an expression, with integers, fractions, math or sympy.

The code never contains the stated result. Only the form of that result (exact, decimal, expanded) decides how the code
prints its own.
"""

from collections.abc import Sequence

from stages.translate.symbolic.expression_writer import PYTHON_WORDS, Writer
from stages.translate.symbolic.nodes import (
    BINDERS,
    Node,
    free_symbols,
    integer,
    is_decimal,
    is_integer,
    operations,
    walk,
)

_INTEGER_OPS = {
    "num", "neg", "add", "mul", "pow", "fact", "binom", "gcd", "lcm", "floor", "ceil", "abs", "mod", "sum", "prod",
    "sym", "based",
}  # fmt: skip
_FRACTION_OPS = {*_INTEGER_OPS, "div"}
_FLOAT_OPS = {
    *_FRACTION_OPS, "sqrt", "root", "log", "ln", "pi", "e", "degrees", "sin", "cos", "tan", "cot", "sec", "csc",
    "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp",
}  # fmt: skip
_SERIES = {"sum", "prod"}
_BINDING = {*BINDERS, "diff"}
_NAMES = {
    "add": "total", "mul": "product", "div": "quotient", "pow": "power", "sqrt": "root", "root": "root",
    "fact": "factorial_value", "binom": "ways", "sum": "total", "prod": "product_value", "int": "integral",
    "diff": "derivative", "limit": "limit_value", "det": "determinant", "matrix": "matrix", "mod": "remainder",
    "gcd": "divisor", "lcm": "multiple", "abs": "magnitude", "floor": "floor_value", "ceil": "ceiling_value",
    "log": "logarithm", "ln": "logarithm",
}  # fmt: skip


def choose_style(node: Node, decimal: bool) -> str:
    """Return integer, fraction, float or sympy: the plainest that gives the result in the form of the stated one."""
    ops = operations(node)
    if free_symbols(node) or not ops <= _FLOAT_OPS:
        return "sympy"
    if (ops & _SERIES and _has_infinite_bound(node)) or ("root" in ops and _has_negative_root(node)):
        return "sympy"
    has_powers = "pow" in ops
    if ops <= _INTEGER_OPS and not is_decimal(node) and not (has_powers and _has_negative_power(node)):
        return "integer"
    if ops <= _FRACTION_OPS and not (has_powers and _has_fractional_power(node)):
        return "fraction"
    return "float" if decimal else "sympy"


def _has_infinite_bound(node: Node) -> bool:
    if node.op in _SERIES and not all(map(is_integer, node.args[2:])):
        return True
    return any(map(_has_infinite_bound, node.args))


def _has_negative_root(node: Node) -> bool:
    """Whether a root may be one of a negative number, for which Python's power yields a complex number."""
    if node.op == "root" and "neg" in operations(node.args[1]):
        return True
    return any(map(_has_negative_root, node.args))


def _has_negative_power(node: Node) -> bool:
    """Whether a power may have a negative or fractional exponent; one with a bound variable has none."""
    if node.op == "pow":
        exponent = node.args[1]
        is_bound = exponent.op in ("sym", "add", "mul", "neg") and free_symbols(exponent)
        if not is_bound and (not is_integer(exponent) or integer(exponent) < 0):
            return True
    return any(map(_has_negative_power, node.args))


def _has_fractional_power(node: Node) -> bool:
    if node.op == "pow" and ("div" in operations(node.args[1]) or is_decimal(node.args[1])):
        return True
    return any(map(_has_fractional_power, node.args))


def write_program(node: Node, finish: str = "") -> str:
    """Return a program that computes a tree with unknowns by sympy and prints its value.

    finish: how the value is printed: "" as it is, "simplify", "expand" or "factor" by sympy, or "constant" for an
    antiderivative with + C.
    """
    writer = Writer("sympy")
    name = name_of_operation(node)
    names = sorted(free_symbols(node) | bound_symbols(node))
    lines = [f"{name} = {writer.write(node)}"]
    if finish == "constant":
        lines.append(f'print(f"{{{name}}} + C")')
    else:
        lines.append(f"print({writer.need('sympy', finish)}({name}))" if finish else f"print({name})")
    counted = operations(node) & {"sum", "prod"} and bool(free_symbols(node))
    assumptions = ", integer=True, positive=True" if counted else ""
    return "\n".join([*write_imports(writer, names, assumptions), *lines]) + "\n"


def name_of_operation(node: Node) -> str:
    """Return the name of a value that the page does not name."""
    if node.op == "add" and node.args[-1].op == "neg" and len(node.args) == 2:
        return "difference"
    return _NAMES.get(node.op, "result")


def write_solution(left: Node, right: Node, unknown: str, printed: str) -> str:
    """Return a program that solves `left = right`; printed: its list `solutions`, or one of them as an expression."""
    writer = Writer("sympy")
    writer.need("sympy", "Eq")
    writer.need("sympy", "solve")
    name = writer.write(Node("sym", (), unknown))
    lines = [f"equation = Eq({writer.write(left)}, {writer.write(right)})", f"solutions = solve(equation, {name})"]
    lines.append(f"print({printed})")
    return "\n".join([*write_imports(writer, [unknown]), *lines]) + "\n"


def bound_symbols(node: Node) -> set[str]:
    """Return the names of the variables that sums, integrals and the like run over."""
    return {item.args[1].value for item in walk(node) if item.op in _BINDING} if operations(node) & _BINDING else set()


def write_imports(writer: Writer, symbols: Sequence[str], assumptions: str = "") -> list[str]:
    """Return the lines that import what an expression needs, and that make its symbols."""
    if symbols:
        writer.need("sympy", "symbols")
    lines = [
        f"from {module} import {', '.join(sorted(wanted, key=str.lower))}"
        for module, wanted in sorted(writer.imports.items())
    ]
    lines = [*lines, ""] if lines else []
    if symbols:
        written = ", ".join(PYTHON_WORDS.get(name, name) for name in symbols)
        lines.append(f'{written} = symbols("{" ".join(symbols)}"{assumptions})')
    return lines
