"""Tell angles in degrees from angles in radians, whether or not they have a degree sign.

Only the form of an expression and the size of its numbers are looked at.
"""

from math import pi, prod

from stages.translate.symbolic.nodes import (
    CALCULUS,
    TRIGONOMETRY,
    Node,
    free_symbols,
    number,
    operations,
    walk,
    with_args,
)

INVERSES = {"asin", "acos", "atan"}
# A full turn has 6.28 radians; a larger plain number is likely one of degrees.
_FULL_TURN = 7


def may_be_degrees(angle: Node) -> bool:
    """Whether an angle is a plain number so large that degrees may be meant, or has an exponent 0 as a degree sign."""
    if not is_plain_angle(angle):
        return False
    return any(map(has_exponent_zero, walk(angle))) or _size(angle) >= _FULL_TURN


def is_plain_angle(angle: Node) -> bool:
    """Whether an angle is made of plain numbers, so that nothing in it says whether it is in degrees."""
    return not free_symbols(angle) and not operations(angle) & {"pi", "degrees", *INVERSES}


def has_exponent_zero(node: Node) -> bool:
    """Whether a node is a power such as 115^0, which is an angle in degrees, since nobody leaves that power."""
    return node.op == "pow" and node.args[1] == number("0")


def _size(node: Node) -> float:
    """Return the size of a product or quotient; of anything else, the size of its largest part that is no exponent."""
    if node.op == "num":
        return float(node.value)
    sizes = [_size(item) for item in (node.args[:1] if node.op == "pow" else node.args)]
    if node.op == "div":
        return sizes[0] / sizes[1] if sizes[1] else sizes[0]
    return prod(sizes) if node.op == "mul" else max(sizes, default=0.0)


def without_degrees(node: Node) -> Node:
    """Remove the degree signs from angles that are only added; in a trigonometric function they change the value."""
    ops = operations(node)
    if "degrees" not in ops or ops & TRIGONOMETRY:
        return node
    if node.op == "degrees":
        return node.args[0]
    return with_args(node, tuple(map(without_degrees, node.args)))


def yields_angle(node: Node) -> bool:
    """Whether the value of an inverse function, an angle, goes into a value as it is."""
    if node.op in INVERSES:
        return True
    return node.op not in TRIGONOMETRY | CALCULUS and any(map(yields_angle, node.args))


def exceeds_radians(node: Node) -> bool:
    """Whether a node is a plain number above pi, which no inverse function reaches in radians."""
    node = node.args[0] if node.op == "neg" else node
    return node.op == "num" and float(node.value) > pi
