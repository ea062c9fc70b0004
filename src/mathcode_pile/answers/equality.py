"""Decide whether a printed value is the stated one; the answer may be unknown."""

from collections.abc import Sequence as Items

from mathcode_pile.answers.builders import EMPTY, bare
from mathcode_pile.answers.evaluator import evaluate
from mathcode_pile.answers.formulas import compare_equations, compare_formulas, compare_relations
from mathcode_pile.answers.functions import approximate
from mathcode_pile.answers.intervals import compare_intervals
from mathcode_pile.answers.labels import name_different_things
from mathcode_pile.answers.quantities import compare_quantities
from mathcode_pile.answers.scalars import DIFFERENT, SAME, UNSURE, Verdict, all_of, any_of
from mathcode_pile.answers.values import (
    Apply,
    Interval,
    Labelled,
    Node,
    PlusMinus,
    Quantity,
    Relation,
    Sequence,
    Text,
    TooLargeError,
    Truth,
    UnionOf,
    UnreadableError,
    free_symbols,
    is_scalar,
)
from mathcode_pile.answers.word_answers import compare_words

# In sets every item may have to be compared with every other.
MAX_UNORDERED = 100


def compare_values(stated: Node, printed: Node) -> Verdict:
    """Return the verdict on a printed value against a stated one, and the method that gave it.

    Raises UnreadableError where an expression cannot be computed here.
    """
    labels = [node.label for node in (stated, printed) if isinstance(node, Labelled)]
    if len(labels) == 2 and name_different_things(*labels):
        return UNSURE, "label"
    stated, printed = _unlabel(stated, printed)
    if isinstance(stated, Labelled) or isinstance(printed, Labelled):
        return compare_equations(stated, printed)
    if isinstance(stated, Quantity) or isinstance(printed, Quantity):
        one, other = (v.value if isinstance(v, Quantity) else v for v in (stated, printed))
        if is_scalar(one) and is_scalar(other) and not free_symbols(one) and not free_symbols(other):
            return compare_quantities(stated, printed)
        return compare_values(one, other)
    if isinstance(stated, Text | Truth) or isinstance(printed, Text | Truth):
        return compare_words(stated, printed)
    if isinstance(stated, PlusMinus) or isinstance(printed, PlusMinus):
        return _compare_uncertain(stated, printed)
    if isinstance(stated, Interval | UnionOf) or isinstance(printed, Interval | UnionOf):
        return compare_intervals(stated, printed)
    if isinstance(stated, Relation) or isinstance(printed, Relation):
        return compare_relations(stated, printed)
    if isinstance(stated, Sequence) or isinstance(printed, Sequence):
        return _compare_sequences(stated, printed)
    return compare_formulas(stated, printed)


def _unlabel(stated: Node, printed: Node) -> tuple[Node, Node]:
    """Return two values without the names that they are stated for; an equation is not such a name."""
    if any(isinstance(node, Labelled) and node.equation for node in (stated, printed)):
        return stated, printed
    one, other = (node.value if isinstance(node, Labelled) else node for node in (stated, printed))
    return one, other


def _compare_sequences(stated: Node, printed: Node) -> Verdict:
    stated, printed = _unwrap(stated), _unwrap(printed)
    if not isinstance(stated, Sequence) and not isinstance(printed, Sequence):
        return compare_values(stated, printed)
    if not isinstance(stated, Sequence) or not isinstance(printed, Sequence):
        # One value against several is unclear; but a value where none should be is wrong.
        return (DIFFERENT if stated == EMPTY else UNSURE), "several"
    if stated.kind == "matrix" or printed.kind == "matrix":
        return _compare_matrices(stated, printed)
    labelled = _compare_by_label(stated, printed)
    if labelled is not None:
        return labelled, "tuple"
    if stated.kind == "set" or stated.any_order:
        return _compare_unordered(_distinct(stated.items), _distinct(printed.items)), "set"
    return _compare_ordered(stated, printed), "several" if stated.kind == "several" else "tuple"


def _compare_ordered(stated: Sequence, printed: Sequence) -> str:
    kinds = stated.kind, printed.kind
    if len(stated.items) != len(printed.items):
        is_same_kind = kinds[0] == kinds[1] or set(kinds) <= {"tuple", "list"}
        return DIFFERENT if is_same_kind else UNSURE
    verdict = all_of([compare_values(a, b)[0] for a, b in zip(stated.items, printed.items, strict=True)])
    if verdict == SAME:
        has_lost_order = kinds[0] in ("tuple", "list") and kinds[1] == "set"
        # [0, 1] is a closed interval, or a list; (0, 1) is an open one, or a tuple.
        may_be_intervals = set(kinds) == {"list", "tuple"} and len(stated.items) == 2 and _is_range(stated.items)
        return UNSURE if has_lost_order or may_be_intervals else SAME
    if verdict == DIFFERENT and stated.kind == "several":
        # 2, 3 does not say whether the order matters.
        unordered = _compare_unordered(list(stated.items), list(printed.items))
        return UNSURE if unordered == SAME and printed.kind != "set" else unordered
    return verdict


def _is_range(ends: Items[Node]) -> bool:
    try:
        low, high = (approximate(evaluate(bare(end))) for end in ends)
        return bool(low < high)
    except (UnreadableError, TypeError):
        return False


def _unwrap(node: Node) -> Node:
    while isinstance(node, Sequence) and len(node.items) == 1 and node.kind != "matrix":
        node = node.items[0]
        if isinstance(node, Labelled):
            node = node.value
    return node


def _distinct(items: Items[Node]) -> list[Node]:
    kept: list[Node] = []
    for item in items:
        if not any(item == other for other in kept):
            kept.append(item)
    return kept


def _compare_unordered(items: list[Node], others: list[Node]) -> str:
    if len(items) != len(others):
        return DIFFERENT
    if items == others:
        return SAME
    if len(items) > MAX_UNORDERED:
        raise TooLargeError("too_large")
    left = list(others)
    is_unsure = False
    for item in items:
        verdicts = [compare_values(item, other)[0] for other in left]
        if SAME in verdicts:
            left.pop(verdicts.index(SAME))
        elif UNSURE in verdicts:
            is_unsure = True
        else:
            return DIFFERENT
    return UNSURE if is_unsure else SAME


def _compare_by_label(stated: Sequence, printed: Sequence) -> str | None:
    """Compare x = 1, y = 2 with {y: 2, x: 1}; None unless every item on both sides has its own label."""
    one, other = _labels(stated), _labels(printed)
    if one is None or other is None:
        return None
    if one.keys() != other.keys():
        return None if len(one) == len(other) else UNSURE
    return all_of([compare_values(value, other[name])[0] for name, value in one.items()])


def _labels(node: Sequence) -> dict[str, Node] | None:
    named = {item.label.lower(): item.value for item in node.items if isinstance(item, Labelled) and item.label}
    return named if len(named) == len(node.items) else None


def _compare_matrices(stated: Sequence, printed: Sequence) -> Verdict:
    rows, others = _rows(stated), _rows(printed)
    if [len(r) for r in rows] != [len(r) for r in others]:
        flat, flat_other = [x for r in rows for x in r], [x for r in others for x in r]
        is_vector = all(1 in (len(m), len(m[0]) if m else 0) for m in (rows, others))
        if not is_vector or len(flat) != len(flat_other):
            return DIFFERENT, "matrix"
        rows, others = [tuple(flat)], [tuple(flat_other)]
    pairs = [(a, b) for r, s in zip(rows, others, strict=True) for a, b in zip(r, s, strict=True)]
    return all_of([compare_values(a, b)[0] for a, b in pairs]), "matrix"


def _rows(node: Sequence) -> list[tuple[Node, ...]]:
    if node.kind == "matrix" or all(isinstance(i, Sequence) and i.kind in ("list", "tuple") for i in node.items):
        return [item.items for item in node.items if isinstance(item, Sequence)]
    return [node.items]


def _compare_uncertain(stated: Node, printed: Node) -> Verdict:
    if isinstance(stated, PlusMinus) and isinstance(printed, PlusMinus):
        parts = [compare_values(stated.centre, printed.centre)[0], compare_values(stated.offset, printed.offset)[0]]
        return all_of(parts), "uncertainty"
    one, other = (stated, printed) if isinstance(stated, PlusMinus) else (printed, stated)
    if isinstance(one, PlusMinus) and isinstance(other, Sequence) and len(other.items) == 2:
        ends = Sequence("set", (Apply("sub", (one.centre, one.offset)), Apply("add", (one.centre, one.offset))))
        both = Sequence("tuple", (one.centre, one.offset))
        readings = [(ends, other), (both, other)] if one is stated else [(other, ends), (other, both)]
        verdicts = [compare_values(*reading)[0] for reading in readings]
        return any_of(verdicts), "uncertainty"
    return UNSURE, "uncertainty"
