"""Read sums and products over a range, limits, integrals and derivatives.

What follows such a command is read as one product. A sum without parentheses that depends on the variable is refused,
since it can be read in two ways.
"""

import re

from stages.translate.reasons import Reason
from stages.translate.symbolic.latex_core import Expressions
from stages.translate.symbolic.latex_words import FRACTIONS
from stages.translate.symbolic.nodes import Node, UnreadableError, free_symbols, number

MAX_ORDER = 6

_DERIVATIVE = re.compile(
    r"\\[dt]?frac \{ (?:d|\\partial|\\mathrm\{d\}) (?:\^ (?:\{ )?(?P<order>\d) (?:\} )?)?\} "
    r"\{ (?:d|\\partial|\\mathrm\{d\}) (?P<variable>[a-z]) (?:\^ (?:\{ )?(?P<again>\d) (?:\} )?)?\} "
)
_DIFFERENTIALS = ("d", "\\mathrm{d}", "\\text{d}", "\\mathrm{ d}")


def series(reader: Expressions) -> Node:
    """Read a sum or a product over a range."""
    op = "sum" if reader.take() == "\\sum" else "prod"
    low, high = _bounds(reader)
    if high is None or len(low) < 3 or low[1] != "=":
        raise UnreadableError(Reason.UNKNOWN_NOTATION)
    variable, notation = low[0], reader.notation
    reader.notation = notation._replace(complex_numbers=notation.complex_numbers and variable != "i")
    node = Node(op, (_body(reader, variable), Node("sym", (), variable), reader.inner(low[2:]), high))
    if any(name.endswith(f"_{variable}") for name in free_symbols(node.args[0])):
        raise UnreadableError(Reason.UNKNOWN_SEQUENCE)
    reader.notation = notation
    return node


def limit(reader: Expressions) -> Node:
    """Read a limit, perhaps from one side only."""
    reader.take()
    low, _ = _bounds(reader)
    if len(low) < 3 or low[1] not in ("\\to", "\\rightarrow"):
        raise UnreadableError(Reason.UNKNOWN_NOTATION)
    target, side = low[2:], ""
    for ending in (["^", "+"], ["^", "-"], ["^", "{", "+", "}"], ["^", "{", "-", "}"]):
        if target[-len(ending) :] == ending:
            target, side = target[: -len(ending)], "+" if "+" in ending else "-"
    return Node("limit", (_body(reader, low[0]), Node("sym", (), low[0]), reader.inner(target)), side)


def integral(reader: Expressions) -> Node:
    """Read an integral, with both bounds or none, up to its differential."""
    reader.take()
    low, high = _bounds(reader)
    if bool(low) != (high is not None):
        raise UnreadableError(Reason.UNKNOWN_NOTATION)
    _move_differential(reader)
    start, depth = reader.position, 0
    while token := reader.take():
        depth += (token in "([{") - (token in ")]}")
        if token in _DIFFERENTIALS and depth == 0 and len(reader.peek()) == 1 and reader.peek().isalpha():
            break
        if token == "\\int":
            raise UnreadableError(Reason.SEVERAL_INTEGRALS)
    body = reader.tokens[start : reader.position - 1]
    variable = Node("sym", (), reader.take())
    inside = reader.inner(body) if body else number("1")
    if high is None:
        return Node("int", (inside, variable))
    return Node("int", (inside, variable, reader.inner(low), high))


def _move_differential(reader: Expressions) -> None:
    """Write the differential in a numerator, `\\frac{dx}{x}`, behind the fraction."""
    if reader.peek() not in FRACTIONS or reader.peek(1) != "{":
        return
    tokens, start = reader.tokens, reader.position + 2
    close = next((place for place in range(start, len(tokens)) if tokens[place] == "}"), 0)
    if close < start + 2 or tokens[close - 2] not in _DIFFERENTIALS or tokens[close + 1 : close + 2] != ["{"]:
        return
    depth, end = 1, close + 2
    while depth and end < len(tokens):
        depth += (tokens[end] == "{") - (tokens[end] == "}")
        end += 1
    differential = tokens[close - 2 : close]
    tokens[start:end] = [*(tokens[start : close - 2] or ["1"]), *tokens[close:end], *differential]


def derivative(reader: Expressions) -> Node | None:
    """Read `\\frac{d}{dx}` or `\\frac{d^2}{dx^2}` and its operand; None if a fraction is neither."""
    match = _DERIVATIVE.match(" ".join(reader.tokens[reader.position : reader.position + 18]) + " ")
    if match is None:
        return None
    order, variable, again = match["order"] or "1", match["variable"], match["again"] or "1"
    if order != again or int(order) > MAX_ORDER:
        raise UnreadableError(Reason.UNKNOWN_NOTATION)
    reader.position += match[0].count(" ")
    return Node("diff", (_body(reader, variable), Node("sym", (), variable), number(order)))


def _bounds(reader: Expressions) -> tuple[list[str], Node | None]:
    """Read `_{...}` and `^{...}` in either order; the tokens of the lower one are not read further."""
    low: list[str] = []
    high = None
    while reader.peek() in ("_", "^"):
        if reader.take() == "_":
            low = _raw_group(reader)
        else:
            high = _upper_bound(reader)
    return low, high


def _upper_bound(reader: Expressions) -> Node:
    if reader.peek() == "-":
        reader.fail()
    if reader.peek() == "e" and not reader.notation.letter_e:
        reader.take()
        return Node("e")
    return reader.group()


def _raw_group(reader: Expressions) -> list[str]:
    if reader.peek() != "{":
        return [reader.take()]
    start, depth = reader.position + 1, 0
    while True:
        token = reader.take()
        depth += (token == "{") - (token == "}")
        if depth == 0:
            return reader.tokens[start : reader.position - 1]


def _body(reader: Expressions, variable: str) -> Node:
    """Read the operand: one product, or the whole sum where that reading was chosen."""
    start, is_bracket = reader.position, reader.peek() in ("(", "[")
    node = reader.term()
    if is_bracket and node.op == "div":
        # d/dt [t^2] / (2t) is a quotient for some.
        raise UnreadableError(Reason.AMBIGUOUS_SCOPE)
    if reader.peek() in ("+", "-"):
        end = reader.position
        if variable in free_symbols(reader.expression()):
            raise UnreadableError(Reason.AMBIGUOUS_SCOPE)
        if reader.notation.choice("scope") == 1:
            reader.position = start
            return reader.expression()
        reader.position = end
    return node
