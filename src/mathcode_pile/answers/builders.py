"""Build matrices, intervals and what constructor calls such as Interval.open(0, 1) name."""

import itertools

from mathcode_pile.answers.evaluator import approximate, evaluate
from mathcode_pile.answers.values import (
    Apply,
    Constant,
    Interval,
    Labelled,
    Node,
    Quantity,
    Sequence,
    Symbol,
    Truth,
    UnionOf,
    UnreadableError,
)
from mathcode_pile.answers.vocabulary import NUMBER_TYPES

INFINITY = Constant("oo")
MINUS_INFINITY = Apply("neg", (INFINITY,))
REALS = Interval(MINUS_INFINITY, INFINITY, True, True)
EMPTY = Sequence("set", ())


def as_matrix(node: Node) -> Node:
    """Return a list of lists of equal length as a matrix, other values as they are."""
    if isinstance(node, Sequence) and node.kind == "list" and node.items:
        rows = [item for item in node.items if isinstance(item, Sequence) and item.kind == "list"]
        if len(rows) == len(node.items) and len({len(r.items) for r in rows}) == 1:
            return Sequence("matrix", tuple(rows))
    return node


def matrix(rows: list[Sequence]) -> Node:
    """Return rows as a matrix. Raises UnreadableError where their lengths differ."""
    if not rows or len({len(row.items) for row in rows}) != 1:
        raise UnreadableError("matrix")
    return Sequence("matrix", tuple(rows))


def construct(names: list[str], arguments: list[Node]) -> Node:
    """Return what a constructor call names. Raises UnreadableError."""
    kind = names[-1]
    if "matrix" in kind or kind == "array":
        inner = arguments[0] if arguments else None
        if not isinstance(inner, Sequence):
            raise UnreadableError("matrix")
        if "matrix" in kind and inner.kind == "list":
            return matrix([Sequence("list", (item,)) for item in inner.items])
        return inner
    if kind in ("interval", "open", "lopen", "ropen"):
        opens = [kind in ("open", "lopen"), kind in ("open", "ropen")]
        for index, argument in enumerate(arguments[2:4]):
            opens[index] = argument == Truth(True)
        if len(arguments) < 2:
            raise UnreadableError("interval")
        low, high = arguments[0], arguments[1]
        return Interval(low, high, opens[0] or is_infinite(low), opens[1] or is_infinite(high))
    if kind == "union":
        return UnionOf(tuple(arguments))
    if kind in ("or", "and") and all(isinstance(a, Interval) for a in arguments):
        intervals = [a for a in arguments if isinstance(a, Interval)]
        return UnionOf(tuple(intervals)) if kind == "or" else intersection(intervals)
    if kind == "finiteset":
        return Sequence("set", tuple(arguments))
    if kind in ("set", "frozenset", "list", "tuple"):
        inner = arguments[0] if arguments else EMPTY
        if not isinstance(inner, Sequence):
            raise UnreadableError("constructor")
        return Sequence({"frozenset": "set"}.get(kind, kind), inner.items)
    if kind == "eq" and len(arguments) == 2:
        left, right = arguments
        if isinstance(left, Symbol):
            return Labelled(left.name, right)
        return Labelled("", right, True, left)
    if kind in NUMBER_TYPES and len(arguments) == 1:
        return arguments[0]
    if kind in ("mpc", "complex") and len(arguments) == 2:
        return Apply("add", (arguments[0], Apply("mul", (arguments[1], Constant("i")))))
    raise UnreadableError("constructor")


def half_line(operator: str, bound: Node) -> Node:
    """Return the interval x < bound, x >= bound and so on."""
    is_open = len(operator) == 1
    bound = bare(bound)
    if operator[0] == "<":
        return Interval(MINUS_INFINITY, bound, True, is_open or is_infinite(bound))
    return Interval(bound, INFINITY, is_open or is_infinite(bound), True)


def intersection(intervals: list[Interval]) -> Node:
    """Return what all intervals have in common."""
    low, low_open, high, high_open = intervals[0].low, intervals[0].low_open, intervals[0].high, intervals[0].high_open
    for other in intervals[1:]:
        if _order(other.low) > _order(low) or (_order(other.low) == _order(low) and other.low_open):
            low, low_open = other.low, other.low_open
        if _order(other.high) < _order(high) or (_order(other.high) == _order(high) and other.high_open):
            high, high_open = other.high, other.high_open
    return Interval(low, high, low_open, high_open)


def _order(node: Node) -> float:
    value = approximate(evaluate(bare(node)))
    try:
        return float(value)
    except TypeError:
        raise UnreadableError("interval") from None


def without(whole: Node, removed: Node) -> Node:
    """Return an interval without the points of a finite set."""
    if not isinstance(whole, Interval) or not isinstance(removed, Sequence) or removed.kind != "set":
        raise UnreadableError("set_difference")
    points = sorted(removed.items, key=_order)
    edges = [whole.low, *points, whole.high]
    opens = [True] * (len(edges) * 2)
    opens[0], opens[-1] = whole.low_open, whole.high_open
    return UnionOf(tuple(Interval(a, b, opens[0] if a is whole.low else True, opens[-1] if b is whole.high else True)
                         for a, b in itertools.pairwise(edges)))  # fmt: skip


def bare(node: Node) -> Node:
    """Return a value without its label and unit."""
    return bare(node.value) if isinstance(node, Quantity | Labelled) else node


def is_infinite(node: Node) -> bool:
    """Return whether a bound is infinite."""
    return node in (INFINITY, MINUS_INFINITY)
