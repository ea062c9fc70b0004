"""Build the values that have several parts: lists of results, matrices, intervals, calls like Interval.open(0, 1)."""

import itertools
from dataclasses import replace

from mathcode_pile.answers.evaluator import evaluate
from mathcode_pile.answers.functions import approximate
from mathcode_pile.answers.values import (
    Apply,
    Constant,
    Interval,
    Labelled,
    Node,
    Quantity,
    Relation,
    Sequence,
    Symbol,
    Truth,
    UnionOf,
    UnreadableError,
    free_symbols,
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


def join(values: list[Node], word: str) -> Node:
    """Return several values as one: intervals as their union or intersection, others as a sequence.

    word: what is between the values: or, and, or comma.
    """
    sets = [value for value in values if isinstance(value, Interval | UnionOf)]
    if len(sets) == len(values):
        if word == "or":
            return UnionOf(tuple(part for one in sets for part in (one.parts if isinstance(one, UnionOf) else (one,))))
        intervals = [one for one in sets if isinstance(one, Interval)]
        if len(intervals) == len(sets):
            return intersection(intervals)
    labelled = [value for value in values if isinstance(value, Labelled)]
    has_one_label = len(labelled) == len(values) and len({value.label for value in labelled}) == 1
    # x = 2, 3: the label is meant for all.
    is_label_for_all = len(labelled) == 1 and labelled[0] is values[0]
    if (has_one_label or is_label_for_all) and not any(value.equation for value in labelled):
        unlabelled = tuple(value.value if isinstance(value, Labelled) else value for value in values)
        return Sequence("several", unlabelled, any_order=True)
    return Sequence("several", tuple(values), any_order=word == "or")


def construct(names: list[str], arguments: list[Node]) -> Node:
    """Return the value of a constructor call, its name split at the points. Raises UnreadableError."""
    kind = names[-1]
    if "matrix" in kind or kind == "array":
        inner = _only_sequence(arguments, "matrix")
        if "matrix" in kind and inner.kind == "list":
            return matrix([Sequence("list", (item,)) for item in inner.items])
        return inner
    if kind in ("interval", "open", "lopen", "ropen"):
        return _construct_interval(kind, arguments)
    if kind == "union":
        return UnionOf(tuple(arguments))
    if kind in ("or", "and") and all(isinstance(a, Interval) for a in arguments):
        intervals = [a for a in arguments if isinstance(a, Interval)]
        return UnionOf(tuple(intervals)) if kind == "or" else intersection(intervals)
    if kind == "finiteset":
        return Sequence("set", tuple(arguments))
    if kind in ("set", "frozenset", "list", "tuple"):
        inner = _only_sequence(arguments or [EMPTY], "constructor")
        return Sequence("set" if kind == "frozenset" else kind, inner.items)
    if kind == "eq" and len(arguments) == 2:
        left, right = arguments
        match left:
            case Apply("mul", (Symbol(name), Symbol())):
                left = Symbol(name)  # y(x)
        return Labelled(left.name, right) if isinstance(left, Symbol) else Labelled("", right, True, left)
    if kind in NUMBER_TYPES and len(arguments) == 1:
        return arguments[0]
    if kind in ("mpc", "complex") and len(arguments) == 2:
        return Apply("add", (arguments[0], Apply("mul", (arguments[1], Constant("i")))))
    raise UnreadableError("constructor")


def _only_sequence(arguments: list[Node], reason: str) -> Sequence:
    if not arguments or not isinstance(arguments[0], Sequence):
        raise UnreadableError(reason)
    return arguments[0]


def _construct_interval(kind: str, arguments: list[Node]) -> Interval:
    if len(arguments) < 2:
        raise UnreadableError("interval")
    low, high = arguments[:2]
    opens = [kind in ("open", "lopen"), kind in ("open", "ropen")]
    for index, argument in enumerate(arguments[2:4]):
        opens[index] = argument == Truth(True)
    return Interval(low, high, opens[0] or is_infinite(low), opens[1] or is_infinite(high))


def inequality(operators: list[str], sides: list[Node]) -> Node:
    """Return x < 2 or 0 < x <= 1 as an interval, an inequality between formulas as a relation.

    Raises UnreadableError for any longer chain.
    """
    if len(sides) == 2:
        left, right = sides
        if isinstance(left, Symbol) and not free_symbols(right):
            return half_line(operators[0], right)
        if isinstance(right, Symbol) and not free_symbols(left):
            return half_line(turned(operators[0]), left)
        return Relation(operators[0], left, right)
    if len(sides) != 3 or not isinstance(sides[1], Symbol) or operators[0][0] != operators[1][0]:
        raise UnreadableError("several_relations")
    low, _, high = sides
    opens = [len(operator) == 1 for operator in operators]
    if operators[0][0] == ">":
        low, high, opens = high, low, opens[::-1]
    return Interval(bare(low), bare(high), *opens)


def turned(operator: str) -> str:
    """Return the operator of the same inequality with its sides exchanged."""
    return operator.translate(str.maketrans("<>", "><"))


def half_line(operator: str, bound: Node) -> Node:
    """Return all numbers below a bound, or above it."""
    is_open = len(operator) == 1
    bound = bare(bound)
    if operator[0] == "<":
        return Interval(MINUS_INFINITY, bound, True, is_open or is_infinite(bound))
    return Interval(bound, INFINITY, is_open or is_infinite(bound), True)


def intersection(intervals: list[Interval]) -> Node:
    """Return the intersection of intervals. Raises UnreadableError if a bound is no number."""
    last_start = max(intervals, key=lambda one: (_order(one.low), one.low_open))
    first_end = min(intervals, key=lambda one: (_order(one.high), not one.high_open))
    return Interval(last_start.low, first_end.high, last_start.low_open, first_end.high_open)


def _order(node: Node) -> float:
    value = approximate(evaluate(bare(node)))
    try:
        return float(value)
    except TypeError:
        raise UnreadableError("interval") from None


def without(whole: Node, removed: Node) -> Node:
    """Return an interval without the points of a finite set. Raises UnreadableError for other sets."""
    if not isinstance(whole, Interval) or not isinstance(removed, Sequence) or removed.kind != "set":
        raise UnreadableError("set_difference")
    edges = [whole.low, *sorted(removed.items, key=_order), whole.high]
    parts = [Interval(a, b, True, True) for a, b in itertools.pairwise(edges)]
    parts[0] = replace(parts[0], low_open=whole.low_open)
    parts[-1] = replace(parts[-1], high_open=whole.high_open)
    return UnionOf(tuple(parts))


def bare(node: Node) -> Node:
    """Return a value without its label and unit."""
    return bare(node.value) if isinstance(node, Quantity | Labelled) else node


def is_infinite(node: Node) -> bool:
    """Whether a bound is infinite."""
    return node in (INFINITY, MINUS_INFINITY)
