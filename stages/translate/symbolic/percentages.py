"""Tell whether a result in percent is meant as a fraction of one, 1/4 = 25%, or in points, 7.5/4 = 1.875%.

Only the order of magnitude is looked at; whether the sides agree is not ours to say.
Not covered: expressions of more than sums, products, quotients.
"""

from math import prod

from stages.translate.symbolic.nodes import Node

# A fraction of one is a hundredth of its percentage, and a value in points is the percentage: ten times lie between.
_BETWEEN = 10


def is_in_points(source: Node, fraction: Node) -> bool:
    """Say whether an expression is of the order of a percentage itself rather than of the fraction of one.

    fraction: the percentage as a fraction of one, 1/4 for 25%.
    """
    value, stated = _plain_value(source), _plain_value(fraction)
    return value is not None and stated is not None and abs(value) > _BETWEEN * abs(stated)


def _plain_value(node: Node) -> float | None:
    if node.op == "num":
        return float(node.value)
    if node.op not in ("neg", "add", "mul", "div"):
        return None
    values = [value for value in map(_plain_value, node.args) if value is not None]
    if len(values) < len(node.args):
        return None
    if node.op == "div":
        return values[0] / values[1] if values[1] else None
    if node.op == "mul":
        return prod(values)
    return sum(values) if node.op == "add" else -values[0]
