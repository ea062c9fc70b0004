"""Constants of integration: the C of x^2/2 + C, and the C_1 and C_2 of a family of solutions.

Only a capital C is one: + c is a letter like others, as in ax^2 + bx + c. It is a constant of integration where the
result is known to be that of an indefinite integral without this letter.
"""

import re
from collections.abc import Iterator
from itertools import permutations

from mathcode_pile.answers.values import Apply, Node, Symbol, free_symbols

UP_TO_CONSTANT = "up_to_constant"
"""The method of a verdict that left a constant open."""

# What such a constant comes from: an indefinite integral, or a derivative of an unknown function, y' or dy/dx.
_SOURCE = re.compile(
    r"\\int(?![a-zA-Z])(?!\s*(?:\\limits\s*)?[_^])|[A-Za-z]'"
    r"|\\[dt]?frac\s*\{\s*(?:d|\\mathrm\{d\})\s*(?:\^\s*\{?\s*\d\s*\}?)?\s*[a-zA-Z]\s*\}"
)
_INTEGRAL = re.compile(r"\s*\\int(?![a-zA-Z])(?!\s*(?:\\limits\s*)?[_^])")
_LETTER_AT_END = re.compile(r"\+\s*([ckK]|C_\{?\d\}?)\s*\Z")
_COMMAND = re.compile(r"\\[A-Za-z]+")
_INDEXED = re.compile(r"C\d")
_MAX_CONSTANTS = 3


def has_constant(node: Node) -> bool:
    """Whether a formula is a sum with one term C, and has no other C."""
    if not isinstance(node, Apply) or node.function != "add":
        return False
    others = [term for term in node.arguments if term != Symbol("C")]
    return len(others) == len(node.arguments) - 1 and not any("C" in free_symbols(term) for term in others)


def renamed(node: Node) -> Iterator[Node]:
    """Yield a formula with its constants C1, C2 exchanged in every other way."""
    names = sorted(name for name in free_symbols(node) if _INDEXED.fullmatch(name))
    if 1 < len(names) <= _MAX_CONSTANTS:
        for order in list(permutations(names))[1:]:
            yield _rename(node, dict(zip(names, order, strict=True)))


def _rename(node: Node, names: dict[str, str]) -> Node:
    if isinstance(node, Symbol):
        return Symbol(names.get(node.name, node.name))
    return Apply(node.function, tuple(_rename(a, names) for a in node.arguments)) if isinstance(node, Apply) else node


def leaves_constant_open(expression: str) -> bool:
    """Whether the value of an expression in LaTeX is known up to a constant only."""
    return _SOURCE.search(expression) is not None


def with_capital_constant(stated: str, expression: str) -> str:
    """Return the result of an indefinite integral with a C for its constant: x^2 + C for x^2 + c."""
    match = _LETTER_AT_END.search(stated)
    if match is None or not _INTEGRAL.match(expression):
        return stated
    is_elsewhere = match[1][0] in _COMMAND.sub("", stated[: match.start(1)] + expression)
    return stated if is_elsewhere else f"{stated[: match.start(1)]}C"
