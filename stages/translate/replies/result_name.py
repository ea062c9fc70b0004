"""Take back the name that a model gives a result where the paragraph does not have its words: sum_of_squares for a sum.

Models carry a name from one program to the next. A neutral name claims nothing.
"""

import ast
import re
from collections.abc import Collection

from mathcode_pile.core.number_words import UP_TO_TWELVE

NEUTRAL = "result"
_STEM = 4
# What was computed, and how: the program says so itself.
_OPERATIONS = {
    "amount", "angle", "answer", "approx", "approximation", "area", "average", "check", "coefficient",
    "combinations", "count", "derivative", "determinant", "difference", "dot", "estimate", "expected", "expression",
    "final", "formula", "gcd", "integral", "inverse", "lcm", "length", "limit", "max", "maximum", "mean", "median",
    "min", "minimum", "new", "node", "num", "number", "numbers", "percentage", "power", "prob", "probability",
    "product", "quotient", "ratio", "remainder", "result", "root", "roots", "slope", "solution", "solutions",
    "square", "squared", "std", "sum", "term", "terms", "time", "total", "value", "values", "variance", "volume",
    "ways",
}  # fmt: skip


def rename_result(code: str, words: Collection[str]) -> str:
    """Return a program whose printed name has a word that the text lacks with a neutral name instead.

    words: those of the paragraph that states the result, in lower case. A name of one or two letters, and one that is
    no single assignment of the program, stays.
    """
    try:
        module = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code
    name = _printed_name(module)
    nodes = [node for node in ast.walk(module) if isinstance(node, ast.Name)]
    names = {node.id for node in nodes}
    own = [node for node in nodes if node.id == name]
    is_once = sum(isinstance(node.ctx, ast.Store) for node in own) == 1
    if not name or not is_once or NEUTRAL in names or _is_said(name, words) or any(map(_is_scope, ast.walk(module))):
        return code
    lines = code.encode().splitlines(keepends=True)
    for node in sorted(own, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        line = lines[node.lineno - 1]
        end = node.col_offset + len(name.encode())
        lines[node.lineno - 1] = line[: node.col_offset] + NEUTRAL.encode() + line[end:]
    return b"".join(lines).decode()


def _printed_name(module: ast.Module) -> str:
    """Return the name whose value a program prints, "" if it prints something else, or more."""
    calls = [node.value for node in module.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    names = [item.id if isinstance(item, ast.Name) else "" for call in calls for item in call.args]
    return names[0] if len(names) == 1 else ""


def _is_said(name: str, words: Collection[str]) -> bool:
    parts = [part for part in re.findall(r"[a-z]{3,}", name.lower()) if part not in _OPERATIONS]
    return all(part in UP_TO_TWELVE or any(word.startswith(part[:_STEM]) for word in words) for part in parts)


def _is_scope(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef)
