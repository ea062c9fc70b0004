"""Give the letters of a formula their values, and numbers their names.

`\\frac{1}{2} b h = \\frac{1}{2} \\cdot 6 \\cdot 4` says that b is 6 and h is 4: the trees differ only in the letters.
"""

from collections.abc import Callable
from fractions import Fraction

from stages.translate.symbolic.evaluation import exact_value
from stages.translate.symbolic.nodes import BINDERS, Node, free_symbols, is_integer, is_value, number, walk

# Numbers up to this one are rarely quantities: 2r, half, a square.
_SMALL = 2
# Parts of an expression whose numbers belong to the notation.
_FIXED_OPERANDS = {"pow": 1, "log": 0, "root": 0, "mod": 1}
_HALF = Node("div", (number("1"), number("2")))
_WITHOUT_NAMES = BINDERS | {"diff", "based", "matrix", "det", "fact", "binom", "gcd", "lcm", "degrees"}


def match_formula(formula: Node, numbers: Node) -> dict[str, Node] | None:
    """Return the value of each letter with which a formula becomes an expression of numbers; None if there is none."""
    values: dict[str, Node] = {}
    return values if _matches(formula, numbers, values) and values else None


def _matches(formula: Node, numbers: Node, values: dict[str, Node]) -> bool:
    if formula.op == "sym":
        if free_symbols(numbers) or not (is_value(numbers) or exact_value(numbers) is not None):
            return False
        return values.setdefault(formula.value, numbers) == numbers
    if not free_symbols(formula) or formula.op in BINDERS:
        return formula == numbers
    if formula.op != numbers.op or len(formula.args) != len(numbers.args) or formula.value != numbers.value:
        return False
    return all(_matches(one, other, values) for one, other in zip(formula.args, numbers.args, strict=True))


def substitute(node: Node, values: dict[str, Node]) -> Node:
    """Return a tree with letters replaced; bound variables stay."""
    if node.op == "sym":
        return values.get(node.value, node)
    if node.op in BINDERS or node.op == "diff":
        values = {name: value for name, value in values.items() if name != node.args[1].value}
    return node._replace(args=tuple(substitute(item, values) for item in node.args)) if node.args else node


def replace_numbers(node: Node, name_of: Callable[[Node, Fraction | int], Node | None]) -> Node:
    """Return a tree with numbers replaced by what `name_of` finds for them.

    Small numbers and what belongs to the notation stay, and a number that occurs several times: one of them may be
    another quantity of the same size.
    """
    counts: dict[Fraction | int, int] = {}
    for item in walk(node):
        if (value := _quantity(item)) is not None:
            counts[value] = counts.get(value, 0) + 1
    return _replace(node, name_of, counts)


def _replace(
    node: Node, name_of: Callable[[Node, Fraction | int], Node | None], counts: dict[Fraction | int, int]
) -> Node:
    value = _quantity(node)
    if value is not None and counts[value] == 1 and (found := name_of(node, value)):
        return found
    if not node.args or node.op in _WITHOUT_NAMES:
        return node
    fixed = _FIXED_OPERANDS.get(node.op, -1)
    args = [item if index == fixed else _replace(item, name_of, counts) for index, item in enumerate(node.args)]
    return Node(node.op, tuple(args), node.value)


def _quantity(node: Node) -> Fraction | int | None:
    """Return the value of a number, a fraction of integers or a percentage that may be a quantity."""
    if node.op == "num":
        if not node.value.isdigit():
            return Fraction(node.value)
        value = int(node.value)
        return value if value > _SMALL else None
    if node.op == "div" and all(map(is_integer, node.args)) and node != _HALF:
        fraction = exact_value(node) or Fraction(0)
        return fraction if fraction.denominator > 1 else None
    return None


