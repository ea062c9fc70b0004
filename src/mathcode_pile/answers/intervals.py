"""Compare intervals and their unions."""

from itertools import pairwise

from mathcode_pile.answers.evaluator import evaluate
from mathcode_pile.answers.functions import Value, approximate, is_real
from mathcode_pile.answers.scalars import DIFFERENT, UNSURE, Verdict, all_of, compare_numbers
from mathcode_pile.answers.values import Interval, Node, Quantity, Sequence, UnionOf


def compare_intervals(stated: Node, printed: Node) -> Verdict:
    """Return the verdict on two sets of numbers; (0, 1) and [0, 1] are read as intervals if the other one is."""
    try:
        one, other = _parts(stated), _parts(printed)
    except TypeError:
        return UNSURE, "interval"
    if len(one) != len(other):
        return DIFFERENT, "interval"
    verdicts = []
    for a, b in zip(one, other, strict=True):
        if (a.low_open, a.high_open) != (b.low_open, b.high_open):
            sure = isinstance(stated, Interval | UnionOf) and isinstance(printed, Interval | UnionOf)
            verdicts.append(DIFFERENT if sure else UNSURE)
        verdicts += [compare_numbers(a.low, b.low), compare_numbers(a.high, b.high)]
    return all_of(verdicts), "interval"


def _parts(node: Node) -> list[Interval]:
    """Return the intervals of a set in order, those that touch joined. Raises TypeError if it is no set of numbers."""
    if isinstance(node, Sequence) and node.kind in ("tuple", "list") and len(node.items) == 2:
        is_open = node.kind == "tuple"
        return [Interval(node.items[0], node.items[1], is_open, is_open)]
    if isinstance(node, Sequence) and node.kind == "set":
        return sorted((Interval(item, item, False, False) for item in node.items), key=_start)
    if isinstance(node, Interval):
        return [node]
    if not isinstance(node, UnionOf):
        raise TypeError
    found = sorted((part for item in node.parts for part in _parts(item)), key=_start)
    return _joined(found)


def _joined(parts: list[Interval]) -> list[Interval]:
    kept = parts[:1]
    for _, part in pairwise(parts):
        last = kept[-1]
        touches = _value(part.low) == _value(last.high) and not (part.low_open and last.high_open)
        if touches or _value(part.low) < _value(last.high):
            longer = part if _value(part.high) >= _value(last.high) else last
            kept[-1] = Interval(last.low, longer.high, last.low_open, longer.high_open)
        else:
            kept.append(part)
    return kept


def _start(interval: Interval) -> Value:
    return _value(interval.low)


def _value(node: Node) -> Value:
    node = node.value if isinstance(node, Quantity) else node
    value = approximate(evaluate(node))
    if not is_real(value):
        raise TypeError
    return value
