"""Take back the name that a model gives a result where the paragraph does not have its words: sum_of_squares for a sum.

Models carry a name from one program to the next. A neutral name claims nothing.
"""

import ast
import re
from collections.abc import Collection

from mathcode_pile.core.number_words import UP_TO_TWELVE
from stages.translate.program_names import printed_name, rename

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
    name = printed_name(module)
    nodes = [node for node in ast.walk(module) if isinstance(node, ast.Name)]
    names = {node.id for node in nodes}
    is_once = sum(node.id == name and isinstance(node.ctx, ast.Store) for node in nodes) == 1
    if not name or not is_once or NEUTRAL in names or _is_said(name, words) or any(map(_is_scope, ast.walk(module))):
        return code
    return rename(code, name, NEUTRAL)


def _is_said(name: str, words: Collection[str]) -> bool:
    parts = [part for part in re.findall(r"[a-z]{3,}", name.lower()) if part not in _OPERATIONS]
    return all(part in UP_TO_TWELVE or any(word.startswith(part[:_STEM]) for word in words) for part in parts)


def _is_scope(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef)
