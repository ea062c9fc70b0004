"""Whether what a program printed is fit to be read."""

import ast
import re

# 9.280000000000001: all 16 or 17 digits of a float, with a run of zeros or nines before the last.
_NOISE = re.compile(r"(?<![\d.])\d{0,20}\.\d{0,25}?(?:0{4,20}|9{4,20})\d{1,3}(?!\d)")
# Characters that an output may always have, and how many times the length of the stated result it may have.
_SHORT = 200
_TIMES = 10
# Names of numbers, with which a printed expression has still no unknown.
_NUMBERS = {"E", "I", "pi", "sqrt", "exp", "log", "sin", "cos", "tan"}
_LONGEST_EXPRESSION = 2000


def has_float_noise(output: str) -> bool:
    """Say whether a number was printed with the error of binary fractions, as in 9.280000000000001."""
    return any(sum(c.isdigit() for c in noise[0]) >= 15 for noise in _NOISE.finditer(output))


def is_unfinished(output: str) -> bool:
    """Say whether a number was printed as an expression that is not worked out, as in (1 + I)**8 or 0.4/log(10)."""
    text = output.strip()
    if len(text) > _LONGEST_EXPRESSION:
        return False
    try:
        nodes = list(ast.walk(ast.parse(text, mode="eval")))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if any(isinstance(node, ast.Name) and node.id not in _NUMBERS for node in nodes):
        return False
    has_function = any(isinstance(node, ast.Name) for node in nodes)
    has_float = any(isinstance(node, ast.Constant) and isinstance(node.value, float) for node in nodes)
    return (has_function and has_float) or any(isinstance(node, ast.BinOp) and _is_open(node) for node in nodes)


def _is_open(node: ast.BinOp) -> bool:
    """Whether an operation is a whole power of a sum, or a product of sums."""
    left, right = (
        isinstance(side, ast.BinOp) and isinstance(side.op, ast.Add | ast.Sub) for side in (node.left, node.right)
    )
    if isinstance(node.op, ast.Pow):
        return left and isinstance(node.right, ast.Constant) and isinstance(node.right.value, int)
    return isinstance(node.op, ast.Mult) and left and right


def is_unclean(output: str, stated: str) -> bool:
    """Say whether nobody would print a result so: with float noise, not worked out, or far longer than it is stated."""
    is_long = len(output.strip()) > max(_SHORT, _TIMES * len(stated))
    return is_long or has_float_noise(output) or is_unfinished(output)
