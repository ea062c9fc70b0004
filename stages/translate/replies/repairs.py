"""Mend what models most often forget in a program that is right otherwise, without asking again.

A name that everybody knows is imported, and an expression in the last line is printed.
"""

import ast
import builtins
import re

from stages.translate.computation import Computation

# Where a well-known name comes from. Python's own come first, because their results have fewer forms.
_HOMES = {
    "fractions": ["Fraction"],
    "decimal": ["Decimal"],
    "collections": ["Counter", "defaultdict", "deque"],
    "itertools": [
        "accumulate", "chain", "combinations", "combinations_with_replacement", "permutations", "product",
    ],
    "functools": ["lru_cache", "reduce"],
    "math": [
        "ceil", "comb", "factorial", "floor", "gcd", "hypot", "isqrt", "lcm", "log10", "log2", "perm", "radians",
        "degrees",
    ],
    "statistics": ["mean", "median", "mode", "pstdev", "pvariance", "stdev", "variance"],
    "sympy": [
        "Abs", "Eq", "Function", "I", "Integer", "Integral", "Interval", "Limit", "Matrix", "Piecewise", "Poly",
        "Product",
        "Rational", "S", "Sum", "Symbol", "acos", "apart", "asin", "atan", "binomial", "cancel", "cos", "cosh", "cot",
        "csc", "diff", "divisors", "dsolve", "exp", "expand", "factor", "factorint", "integrate", "isprime", "limit",
        "ln", "log", "nsolve", "oo", "pi", "prime", "primerange", "sec", "series", "simplify", "sin", "sinh", "solve",
        "solveset", "sqrt", "summation", "symbols", "tan", "tanh", "together", "totient",
    ],
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = {"math", "fractions", "itertools", "statistics", "sympy", "cmath"}
_ALIASES = {"np": "import numpy as np", "sp": "import sympy as sp"}
# Where a program works with sympy's objects, their functions are sympy's too.
_SYMPY = re.compile(r"\b(?:sympy|symbols|Symbol)\b")
_SHARED = {"factorial", "gcd", "lcm"}


def repair(computation: Computation) -> Computation:
    """Return a computation with its program repaired, and with the names of the repairs: `import`, `print`.

    A program that is not valid Python, or needs no repair, stays as it is.
    """
    code = computation.code
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return computation
    done = []
    if imports := _missing_imports(tree, code):
        done.append("import")
    if printed := _print_last(tree, code):
        done.append("print")
    mended = "\n".join([*imports, printed or code])
    return computation._replace(code=mended, repairs=" ".join(done)) if done else computation


def _missing_imports(tree: ast.Module, code: str) -> list[str]:
    """Return the lines that import the well-known names which a program uses and nothing in it defines."""
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    unknown = sorted(used - _bound_names(tree) - set(dir(builtins)))
    if any(isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names) for node in ast.walk(tree)):
        return []  # a star may have imported it
    is_symbolic = bool(_SYMPY.search(code))
    lines: dict[str, list[str]] = {}
    for name in unknown:
        if name in _ALIASES:
            lines[_ALIASES[name]] = []
        elif name in _MODULES:
            lines[f"import {name}"] = []
        elif is_symbolic and name in _SHARED:
            lines.setdefault("from sympy import", []).append(name)
        elif name in _HOME:
            lines.setdefault(f"from {_HOME[name]} import", []).append(name)
    return [f"{line} {', '.join(names)}" if names else line for line, names in sorted(lines.items())]


def _bound_names(tree: ast.Module) -> set[str]:
    """Return every name that a program binds anywhere."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return bound


def _print_last(tree: ast.Module, code: str) -> str:
    """Return the program with its last expression printed; empty where something prints already, or nothing can."""
    prints = any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
        for node in ast.walk(tree)
    )
    if prints or not tree.body:
        return ""
    last = tree.body[-1]
    if isinstance(last, ast.Assign) and len(last.targets) == 1 and isinstance(last.targets[0], ast.Name):
        return f"{code.rstrip()}\nprint({last.targets[0].id})"
    if not isinstance(last, ast.Expr) or isinstance(last.value, ast.Constant):  # a constant: quoted text, no result
        return ""
    lines = code.encode().splitlines(keepends=True)  # ast counts columns in bytes
    before = b"".join(lines[: last.lineno - 1]) + lines[last.lineno - 1][: last.col_offset]
    return f"{before.decode()}print({ast.get_source_segment(code, last.value)})"
