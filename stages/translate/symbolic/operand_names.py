"""Give the operands of well-known operations the names that textbooks have for them, where the page has none.

`\\binom{12}{3}` becomes n and k, `\\gcd(252, 198)` a and b, the bounds of an integral lower and upper, and the number
that a polynomial is evaluated at x.
"""

from collections.abc import Callable, Iterator

from stages.translate.symbolic.nodes import Node, is_integer, is_rational, is_value, walk

# The name of each operand, "" for one that stays.
_NAMES: dict[str, tuple[str, ...]] = {
    "binom": ("n", "k"),
    "fact": ("n",),
    "gcd": ("a", "b", "c"),
    "lcm": ("a", "b", "c"),
    "int": ("", "", "lower", "upper"),
    "sum": ("", "", "first", "last"),
    "prod": ("", "", "first", "last"),
}
_Name = Callable[[str, Node], Node | None]


def name_operands(node: Node, name_of: _Name) -> Node:
    """Return a tree in which the numbers that a well-known operation is applied to have names.

    An operation that occurs twice stays, and so does one whose numbers occur elsewhere, too, or have a name already.
    name_of: what stands for a number with this name; None if the name means something else on the page.
    """
    found = [(item, operands) for item in walk(node) if (operands := dict(_operands(item)))]
    if len(found) != 1:
        return _name_argument(node, name_of)
    operation, operands = found[0]
    numbers = [item for item in walk(node) if is_rational(item)]
    if any(numbers.count(operand) > 1 and is_rational(operand) for operand in operands.values()):
        return node
    named = {operand: name_of(name, operand) for name, operand in operands.items()}
    if None in named.values():
        return node
    return _exchange(node, {item: name for item, name in named.items() if name}, within=operation)


def _operands(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield name and value of each operand of a well-known operation; nothing if one has a name already."""
    if node.op == "mod":
        value, modulus = node.args
        if value.op == "pow" and all(map(is_integer, (*value.args, modulus))):
            yield from zip(("base", "exponent", "modulus"), (*value.args, modulus), strict=True)
        elif is_integer(value) and is_integer(modulus):
            yield from (("dividend", value), ("modulus", modulus))
    elif node.op == "sqrt" and node.args[0].op == "add" and len(node.args[0].args) == 2:
        squares = [item.args[0] if item.op == "neg" else item for item in node.args[0].args]
        if all(item.op == "pow" and item.args[1].value == "2" and is_rational(item.args[0]) for item in squares):
            yield from zip(("a", "b"), (item.args[0] for item in squares), strict=True)
    elif (names := _NAMES.get(node.op)) and len(node.args) <= len(names):
        named = [(name, item) for name, item in zip(names, node.args, strict=False) if name]
        yield from named if all(is_value(item) and item.op != "infinity" for _, item in named) else ()


def _name_argument(node: Node, name_of: _Name) -> Node:
    """Name the number whose powers a sum is made of: 2 \\cdot 3^3 - 4 \\cdot 3^2 + 1 is a polynomial at x = 3."""
    if node.op != "add":
        return node
    powers = [
        item for item in walk(node) if item.op == "pow" and is_integer(item.args[1]) and is_rational(item.args[0])
    ]
    bases = {item.args[0] for item in powers}
    exponents = {item.args[1] for item in powers}
    if len(bases) != 1 or len(exponents) != len(powers) or len(powers) < 2:
        return node
    argument = bases.pop()
    if any(argument in item.args[1:] for item in powers):
        return node
    name = name_of("x", argument)
    return _exchange(node, {argument: name}) if name else node


def _exchange(node: Node, names: dict[Node, Node], within: Node | None = None) -> Node:
    """Return a tree with operands exchanged, only within one operation if it is given."""
    if node is within:
        within = None
    if within is None and node in names:
        return names[node]
    return node._replace(args=tuple(_exchange(item, names, within) for item in node.args)) if node.args else node
