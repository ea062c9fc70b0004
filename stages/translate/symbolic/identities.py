"""Tell an identity, whose sides can be compared, from an equation that holds for some values only.

Only the form of the sides and the words around them decide, never whether the sides agree.
"""

import re

from stages.translate.symbolic.nodes import Node, free_symbols, integer, is_integer, operations

_SAID = re.compile(
    r"\b(expand|factor|simplif|identit|multiply(?:ing)? out|distribut|foil|combin(?:e|ing) like|"
    r"complet\w+ the square|rewrit|collect|difference of (?:two )?squares|perfect square)",
    re.IGNORECASE,
)
_UNSAID = re.compile(
    r"\b(cross-?multipl|solv|solution|roots?\b|equation|suppose|let\b|given|satisf|if\b|when\b|where\b|such that|"
    r"for which|zero|intersect|equal to each|setting|set\b|define|gives us the|substitut|both sides|"
    r"must have|so we have)",
    re.IGNORECASE,
)
_PLAIN = {"num", "sym", "neg", "add", "mul", "div", "pow"}


def shows_identity(left: Node, right: Node, terms: int, sentence: str, before: str) -> bool:
    """Whether two sides with unknowns are meant to agree for all values.

    terms: how many terms with unknowns the chain has; three or more are a calculation, line by line.
    before: the sentence up to the equation, where a page says what it does.
    """
    if not free_symbols(left) or free_symbols(left) != free_symbols(right) or len(free_symbols(left)) > 3:
        return False
    if not (operations(left) | operations(right)) <= _PLAIN or left == right:
        return False
    if degree(left) != degree(right) or degree(left) > 12 or not _is_compound(left):
        return False
    if _UNSAID.search(sentence):
        return False
    factored = _is_factored(left) != _is_factored(right)
    return factored and (terms > 2 or bool(_SAID.search(before)))


def _is_compound(node: Node) -> bool:
    return bool(operations(node) & {"add", "mul", "pow", "div"})


def _is_factored(node: Node) -> bool:
    """Whether a sum is part of a product or power."""
    if node.op in ("mul", "pow") and any(item.op == "add" and free_symbols(item) for item in node.args):
        return True
    return any(map(_is_factored, node.args))


def degree(node: Node) -> int:
    """Return the degree that an expression seems to have, without cancellation; 99 for no polynomial."""
    if node.op == "sym":
        return 1
    if node.op in ("add", "neg"):
        return max(map(degree, node.args))
    if node.op == "mul":
        return sum(map(degree, node.args))
    if node.op == "div":
        return degree(node.args[0]) if not free_symbols(node.args[1]) else 99
    if node.op == "pow":
        return degree(node.args[0]) * integer(node.args[1]) if is_integer(node.args[1]) else 99
    return 0
