"""Tell whether a result in percent is meant as a fraction of one, 1/4 = 25%, or in points, 7.5/4 = 1.875%.

Only the order of magnitude decides, never whether the sides agree.
Not covered: expressions with anything but sums, products and quotients.
"""

from math import prod

from stages.translate.symbolic.nodes import Node

# The percentage is 100 times the fraction of one, and equal to the value in points. 10 is halfway between.
_BETWEEN = 10


def is_in_points(source: Node, fraction: Node) -> bool:
    """Whether an expression has the order of magnitude of the percentage itself, not of the fraction of one.

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
