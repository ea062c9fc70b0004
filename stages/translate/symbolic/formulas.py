"""Give the letters of a formula their values, and numbers their names.

`\\frac{1}{2} b h = \\frac{1}{2} \\cdot 6 \\cdot 4` says that b is 6 and h is 4: the trees differ only in the letters.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

from stages.translate.symbolic.nodes import (
    BINDERS,
    Node,
    free_symbols,
    is_integer,
    is_rational,
    is_value,
    number,
    with_args,
)
from stages.translate.symbolic.numeric import agree, exact_value, literal_value

# From here on, equal numbers are likely the same quantity.
TELLING = 10
# Parts of an expression whose numbers belong to the notation.
_FIXED_OPERANDS = {"pow": 1, "log": 0, "root": 0, "mod": 1}
_HALF = Node("div", (number("1"), number("2")))
_WHOLE = Node("div", (number("100"), number("100")))
_WITHOUT_NAMES = BINDERS | {"diff", "based", "matrix", "det"}


def match_formula(
    formula: Node, numbers: Node, known: Callable[[str], Node | None] = lambda name: None
) -> dict[str, Node] | None:
    """Return the value of each letter with which a formula becomes an expression of numbers; None if there is none.

    A part may be worked out already, 9 for r^2. Its letters then come from the other parts, or from `known`.
    """
    values: dict[str, Node] = {}
    worked_out: list[tuple[Node, Node]] = []
    if formula.op != numbers.op or not _matches(formula, numbers, values, worked_out):
        return None
    for name in free_symbols(formula) - values.keys():
        value = known(name)
        if value is None:
            return None
        values[name] = value
    return values if values and all(agree(substitute(one, values), other) for one, other in worked_out) else None


def _matches(formula: Node, numbers: Node, values: dict[str, Node], worked_out: list[tuple[Node, Node]]) -> bool:
    if formula.op == "sym":
        if free_symbols(numbers) or not (is_value(numbers) or exact_value(numbers) is not None):
            return False
        return values.setdefault(formula.value, numbers) == numbers
    if not free_symbols(formula) or formula.op in BINDERS:
        return formula == numbers
    if formula.op != numbers.op or len(formula.args) != len(numbers.args) or formula.value != numbers.value:
        worked_out.append((formula, numbers))
        return not free_symbols(numbers)
    pairs = zip(formula.args, numbers.args, strict=True)
    return all(_matches(one, other, values, worked_out) for one, other in pairs)


def substitute(node: Node, values: dict[str, Node]) -> Node:
    """Return a tree with letters replaced; bound variables stay."""
    if node.op == "sym":
        return values.get(node.value, node)
    if node.op in BINDERS or node.op == "diff":
        values = {name: value for name, value in values.items() if name != node.args[1].value}
    return with_args(node, tuple(substitute(item, values) for item in node.args))


def replace_nodes(node: Node, names: dict[Node, Node]) -> Node:
    """Return a tree with parts of it replaced."""
    if not names:
        return node
    if node in names:
        return names[node]
    return with_args(node, tuple(replace_nodes(item, names) for item in node.args))


def without_whole(node: Node) -> Node:
    """Return a product without the factor 100%, which only says how the result is written."""
    if node.op != "mul" or _WHOLE not in node.args:
        return node
    factors = tuple(item for item in node.args if item != _WHOLE)
    return factors[0] if len(factors) == 1 else Node("mul", factors) if factors else node


class Place(NamedTuple):
    """A number in an expression."""

    node: Node
    value: Fraction | int
    is_whole: bool
    """Whether only an int may be here, as in comb."""
    is_fraction: bool
    """Whether it is a part of a fraction of two numbers, as in 4/5."""


def replace_numbers(node: Node, name_of: Callable[[Place], Node | None]) -> Node:
    """Return a tree with numbers replaced by what `name_of` finds for them.

    What belongs to the notation stays. So does a small number that occurs several times: one of them
    may be another quantity of the same size.
    """
    values = [value for item in _replaceable(node) if (value := _quantity(item)) is not None]
    names = {value for value in values if value >= TELLING or value.denominator > 1 or values.count(value) == 1}
    return _replace(node, name_of, names, is_whole=False, is_fraction=False)


def _replace(
    node: Node,
    name_of: Callable[[Place], Node | None],
    names: set[Fraction | int],
    is_whole: bool,
    is_fraction: bool,
) -> Node:
    value = _quantity(node)
    if value is not None and value in names and (found := name_of(Place(node, value, is_whole, is_fraction))):
        return found
    if not node.args or node.op in _WITHOUT_NAMES:
        return node
    is_whole = is_whole or node.op in ("fact", "binom", "gcd", "lcm")
    is_fraction = node.op == "div" and all(map(is_integer, node.args))
    args = (
        item if _is_fixed(node, index) else _replace(item, name_of, names, is_whole, is_fraction)
        for index, item in enumerate(node.args)
    )
    return with_args(node, tuple(args))


def _replaceable(node: Node) -> Iterator[Node]:
    """Yield the parts of a tree that may get a name."""
    yield node
    if node.op not in _WITHOUT_NAMES:
        for index, item in enumerate(node.args):
            if not _is_fixed(node, index):
                yield from _replaceable(item)


def _is_fixed(node: Node, index: int) -> bool:
    """Whether an operand belongs to the notation: the 2 of a square, the base of a logarithm."""
    return _FIXED_OPERANDS.get(node.op) == index and is_rational(node.args[index])


def _quantity(node: Node) -> Fraction | int | None:
    """Return the value of a number, a fraction of integers or a percentage that may be a quantity."""
    if node.op == "num":
        if not node.value.isdigit():
            return literal_value(node.value)
        value = int(node.value)
        return value if value > 1 else None
    if node.op == "div" and all(map(is_integer, node.args)) and node != _HALF:
        fraction = exact_value(node) or Fraction(0)
        return fraction if fraction.denominator > 1 else None
    return None
