"""Give the operands of well-known operations the names that textbooks have for them, where the page has none.

`\\binom{12}{3}` becomes n and k, `\\gcd(252, 198)` a and b, the bounds of an integral lower and upper, and the number
that a polynomial is evaluated at x.
"""

from collections.abc import Callable, Iterator

from stages.translate.symbolic.formulas import replace_nodes
from stages.translate.symbolic.nodes import Node, is_integer, is_rational, is_value, operations, walk, with_args

# The name of each operand, "" for one that stays.
_NAMES: dict[str, tuple[str, ...]] = {
    "binom": ("n", "k"),
    "fact": ("n",),
    "gcd": ("a", "b", "c"),
    "lcm": ("a", "b", "c"),
    "int": ("", "", "lower", "upper"),
    "sum": ("", "", "first", "last"),
    "prod": ("", "", "first", "last"),
    "limit": ("", "", "point"),
}
_WITH_OPERANDS = {"mod", "sqrt", *_NAMES}
_Name = Callable[[str, Node], Node | None]


def name_operands(node: Node, name_of: _Name) -> Node:
    """Return a tree in which the numbers that a well-known operation is applied to have names.

    An operation that occurs twice stays, and so does one whose numbers have a name already; of a binomial coefficient
    the other number gets one.
    name_of: what stands for a number with this name; None if the name means something else on the page.
    """
    if operations(node).isdisjoint(_WITH_OPERANDS):
        return _name_argument(node, name_of)
    found = [(item, operands) for item in walk(node) if (operands := dict(_operands(item)))]
    if len(found) != 1:
        return _name_argument(node, name_of)
    operation, operands = found[0]
    numbers = [item for item in walk(node) if is_rational(item)]
    is_repeated = any(numbers.count(operand) > 1 and is_rational(operand) for operand in operands.values())
    if operation.op not in _NAMES and is_repeated:
        return node
    named = {name: reference for name, operand in operands.items() if (reference := name_of(name, operand))}
    if len(named) < len(operands):
        return node
    if operation.op in _NAMES and operation.op not in ("gcd", "lcm"):
        items = zip(_NAMES[operation.op], operation.args, strict=False)
        return replace_nodes(node, {operation: operation._replace(args=tuple(named.get(*item) for item in items))})
    within = None if operation.op in ("gcd", "lcm") else operation
    return _exchange(node, {operand: named[name] for name, operand in operands.items()}, within)


def _operands(node: Node) -> Iterator[tuple[str, Node]]:
    """Yield name and value of each operand of a well-known operation; nothing if one has a name already."""
    if node.op == "mod":
        value, modulus = node.args
        if value.op == "pow" and all(map(is_integer, (*value.args, modulus))):
            yield from zip(("base", "exponent", "modulus"), (*value.args, modulus), strict=True)
        elif value.op == "mul" and len(value.args) == 2 and all(map(is_integer, (*value.args, modulus))):
            yield from zip(("a", "b", "modulus"), (*value.args, modulus), strict=True)
        elif is_integer(value) and is_integer(modulus):
            yield from (("dividend", value), ("modulus", modulus))
    elif node.op == "sqrt" and node.args[0].op == "add" and len(node.args[0].args) == 2:
        squares = [item.args[0] if item.op == "neg" else item for item in node.args[0].args]
        if all(item.op == "pow" and item.args[1].value == "2" and is_rational(item.args[0]) for item in squares):
            yield from zip(("a", "b"), (item.args[0] for item in squares), strict=True)
    elif (names := _NAMES.get(node.op)) and len(node.args) <= len(names):
        named = [(name, item) for name, item in zip(names, node.args, strict=False) if name]
        finite = [(name, item) for name, item in named if "infinity" not in operations(item)]
        if node.op == "binom":
            finite = [(name, item) for name, item in finite if item.op != "ref"]  # comb(players, k)
        yield from finite if all(is_value(item) for _, item in finite) else ()


def _name_argument(node: Node, name_of: _Name) -> Node:
    """Name the number whose powers a sum is made of: 2 \\cdot 3^3 - 4 \\cdot 3^2 + 1 is a polynomial at x = 3."""
    if node.op != "add":
        return node
    powers = [item for item in walk(node) if _is_power(item)]
    bases = {item.args[0] for item in powers}
    if len(bases) != 1 or len({item.args[1] for item in powers}) != len(powers) or len(powers) < 2:
        return node
    argument = bases.pop()
    name = name_of("x", argument)
    if name is None:
        return node
    is_linear = any(item.op == "mul" and argument in item.args for item in map(_without_sign, node.args))
    names = {argument: name}
    return node._replace(args=tuple(_replace_argument(item, names, is_linear) for item in node.args))


def _is_power(node: Node) -> bool:
    return node.op == "pow" and is_integer(node.args[1]) and is_rational(node.args[0])


def _without_sign(node: Node) -> Node:
    return node.args[0] if node.op == "neg" else node


def _replace_argument(term: Node, names: dict[Node, Node], is_linear: bool) -> Node:
    """Return a term of a polynomial with the argument exchanged, not a coefficient or an exponent of the same value.

    is_linear: whether the polynomial has a term such as 2x, so that a number alone is the constant term.
    """
    if term in names:
        return term if is_linear else names[term]
    if term.op in ("neg", "div"):
        return Node(term.op, (_replace_argument(term.args[0], names, is_linear), *term.args[1:]))
    if _is_power(term):
        return Node("pow", (names.get(term.args[0], term.args[0]), term.args[1]))
    if term.op != "mul":
        return term
    if any(map(_is_power, term.args)):
        return Node("mul", tuple(_replace_argument(item, names, True) for item in term.args))
    last = max((place for place, item in enumerate(term.args) if item in names), default=-1)
    return Node("mul", tuple(names[item] if place == last else item for place, item in enumerate(term.args)))


def _exchange(node: Node, names: dict[Node, Node], within: Node | None = None) -> Node:
    """Return a tree with operands exchanged, only within one operation if it is given."""
    if node is within:
        within = None
    if within is None and node in names:
        return names[node]
    return with_args(node, tuple(_exchange(item, names, within) for item in node.args))
