"""Decide whether a printed value is the stated one: yes, no, or not to be said."""

from collections.abc import Sequence as Items
from fractions import Fraction
from itertools import pairwise

from mathcode_pile.answers import units
from mathcode_pile.answers.evaluate import Scalar, Value, approximate, evaluate, mp, scalar
from mathcode_pile.answers.values import (
    Apply,
    Constant,
    Interval,
    Labelled,
    Node,
    Number,
    PlusMinus,
    Quantity,
    Relation,
    Sequence,
    Symbol,
    Text,
    TooLarge,
    Truth,
    UnionOf,
    Unreadable,
    free_symbols,
    literals,
)

SAME, DIFFERENT, UNSURE = "verified", "contradicted", "uncheckable"

# Two values computed with 50 digits are equal where they agree to 40.
EXACT = mp.mpf(10) ** -40
# A float that a program computed and printed in full carries about 16 digits, less what rounding errors ate.
FULL_DIGITS = 12
FLOAT_ERROR = mp.mpf(10) ** -10
# Of fewer digits than these a rounded print says too little about an exact result.
MIN_DIGITS = 6
# Every item may have to be compared with every other.
MAX_UNORDERED = 100
# Where expressions with variables are compared. No two are related in a way that a formula would use.
_POINTS = ("0.7390851332", "1.6449340668", "2.2360679775", "0.3183098862", "3.1622776602", "0.5671432904", "1.3247179572")

Verdict = tuple[str, str]
"""verified, contradicted or uncheckable, and the method."""


def compare_values(stated: Node, printed: Node) -> Verdict:
    """Return the verdict on a printed value against a stated one, and the method that gave it.

    Raises Unreadable where an expression cannot be computed here.
    """
    stated, printed = _unlabel(stated, printed)
    if isinstance(stated, Labelled) or isinstance(printed, Labelled):
        return _compare_equations(stated, printed)
    if isinstance(stated, Quantity) or isinstance(printed, Quantity):
        return _compare_quantities(stated, printed)
    if isinstance(stated, Text | Truth) or isinstance(printed, Text | Truth):
        return _compare_words(stated, printed)
    if isinstance(stated, PlusMinus) or isinstance(printed, PlusMinus):
        return _compare_uncertain(stated, printed)
    if isinstance(stated, Interval | UnionOf) or isinstance(printed, Interval | UnionOf):
        return _compare_intervals(stated, printed)
    if isinstance(stated, Relation) or isinstance(printed, Relation):
        return _compare_relations(stated, printed)
    if isinstance(stated, Sequence) or isinstance(printed, Sequence):
        return _compare_sequences(stated, printed)
    return _compare_expressions(stated, printed)


def _unlabel(stated: Node, printed: Node) -> tuple[Node, Node]:
    if isinstance(stated, Labelled) and isinstance(printed, Labelled) and not (stated.equation or printed.equation):
        return stated.value, printed.value
    if isinstance(stated, Labelled) and not stated.equation and not (isinstance(printed, Labelled) and printed.equation):
        return stated.value, printed
    if isinstance(printed, Labelled) and not printed.equation and not (isinstance(stated, Labelled) and stated.equation):
        return stated, printed.value
    return stated, printed


# Scalars


def compare_scalars(stated: Scalar, printed: Scalar, is_approximate: bool = False) -> str:
    """Return the verdict on two numbers. Rounding is judged by the digits that the stated one has.

    Where the printed one is too coarse to tell, the verdict is uncheckable.
    """
    if mp.isinf(approximate(stated.value)) or mp.isinf(approximate(printed.value)):
        return SAME if stated.value == printed.value else DIFFERENT
    if stated.value == printed.value:
        return SAME
    distance = abs(approximate(printed.value) - approximate(stated.value))
    size = max(abs(approximate(printed.value)), abs(approximate(stated.value)))
    if distance <= EXACT * size:
        return SAME
    if not (_is_real(stated) and _is_real(printed)):
        return _compare_complex(stated, printed, is_approximate)
    coarse = _half(printed.last_place)
    if stated.is_exact and not is_approximate:
        return _compare_with_exact(stated, printed, distance, size, coarse)
    place = stated.last_place or (_integer_place(stated) if is_approximate else None)
    if place is None:
        # An expression of decimals: they are taken at their word.
        tolerance = max(size * FLOAT_ERROR, 0)
        return SAME if distance <= tolerance else UNSURE if printed.is_exact is False and distance <= coarse else DIFFERENT
    # The last figure stated may be rounded; the float printed may be a hair off the half.
    if distance <= _half(place) * (1 + FLOAT_ERROR) and (printed.is_exact or coarse <= _half(place) or _is_whole(printed)):
        return SAME
    if coarse > _half(place) and distance < coarse + _half(place):
        return UNSURE
    if is_approximate and stated.is_exact and isinstance(stated.value, Fraction) and distance <= _half(_zeros_place(stated)):
        return UNSURE
    return DIFFERENT


def _is_real(value: Scalar) -> bool:
    return not isinstance(value.value, mp.mpc)


def _compare_complex(stated: Scalar, printed: Scalar, is_approximate: bool) -> str:
    """Compare real and imaginary parts, each to the digits written."""
    parts = []
    for name in ("real", "imag"):
        one, other = (Scalar(getattr(approximate(v.value), name), v.last_place, v.digits) for v in (stated, printed))
        # The other part's rounding error shows beside a part that is nought.
        noise = abs(other.value) < abs(approximate(printed.value)) * mp.mpf(10) ** -12
        parts.append(SAME if not one.value and noise else compare_scalars(one, other, is_approximate))
    return _all_of(parts)


def _compare_with_exact(stated: Scalar, printed: Scalar, distance: Value, size: Value, coarse: Value) -> str:
    if printed.is_exact:
        return DIFFERENT
    if stated.value == 0:
        # 1.2246467991473532e-16 is how a float says nought: all digits, and far below what it was computed from.
        noise = size < mp.mpf(10) ** -12
        return SAME if noise and printed.digits >= FULL_DIGITS else UNSURE if noise or distance <= coarse else DIFFERENT
    if isinstance(stated.value, Fraction) and stated.value.denominator == 1:
        if coarse > 1:
            return UNSURE if distance <= coarse else DIFFERENT
        tolerance = min(size * FLOAT_ERROR, max(mp.mpf(10) ** -6, size * mp.mpf(2) ** -50))
        if printed.digits >= FULL_DIGITS and distance <= tolerance:
            return SAME
        return UNSURE if distance <= coarse else DIFFERENT
    tolerance = size * FLOAT_ERROR if printed.digits >= FULL_DIGITS else coarse * (1 + FLOAT_ERROR)
    if distance <= max(tolerance, coarse) and printed.digits >= MIN_DIGITS:
        return SAME
    return UNSURE if distance <= coarse * (1 + FLOAT_ERROR) else DIFFERENT


def _half(place: Fraction | None) -> Value:
    return mp.mpf(place.numerator) / place.denominator / 2 if place else mp.mpf(0)


def _integer_place(value: Scalar) -> Fraction | None:
    return Fraction(1) if isinstance(value.value, Fraction) and value.value.denominator == 1 else None


def _zeros_place(value: Scalar) -> Fraction:
    place, number = Fraction(1), value.value
    while number and (number / (place * 10)).denominator == 1:
        place *= 10
    return place


def _is_whole(value: Scalar) -> bool:
    # 4e8 and 3.0 are whole numbers, not rounded ones.
    return isinstance(value.value, Fraction) and value.value.denominator == 1 and value.digits > 0


def _compare_numbers(stated: Node, printed: Node, is_approximate: bool = False) -> str:
    return compare_scalars(scalar(stated), scalar(printed), is_approximate)


# Quantities


def _compare_quantities(stated: Node, printed: Node) -> Verdict:
    one = stated if isinstance(stated, Quantity) else Quantity(stated)
    other = printed if isinstance(printed, Quantity) else Quantity(printed)
    if not _is_scalar(one.value) or not _is_scalar(other.value):
        return compare_values(one.value, other.value)
    if free_symbols(one.value) or free_symbols(other.value):
        return compare_values(one.value, other.value)
    if one.unit and other.unit:
        factor = units.factor(one.unit, other.unit)
        if factor is None:
            same = _compare_plain(one, other)
            unrelated = units.normalize(one.unit) in units.UNITS and units.normalize(other.unit) in units.UNITS
            return (UNSURE, "units") if same[0] == SAME and unrelated else same
        if factor != 1:
            scaled = Apply("mul", (other.value, Number(Fraction(factor).limit_denominator(10**9))))
            return _compare_numbers(one.value, scaled, True), "units"
    verdict, method = _compare_plain(one, other)
    if verdict == DIFFERENT and one.unit and not other.unit and _is_converted(one, other):
        return UNSURE, "units"
    # What a program calls approximate it does not print to the last digit.
    return (UNSURE if verdict == DIFFERENT and other.approximate else verdict), method


def _compare_plain(one: Quantity, other: Quantity) -> Verdict:
    verdict, method = _compare_percent(one.value, other.value, one.approximate)
    if verdict == DIFFERENT and one.unit and _rounds_to(one.value, other.value):
        # 33 cm for 33.33: rounded without saying so, perhaps.
        return UNSURE, method
    return verdict, method


def _rounds_to(stated: Node, printed: Node) -> bool:
    one, other = scalar(stated), scalar(printed)
    if not one.is_exact or other.is_exact or _integer_place(one) is None:
        return False
    return bool(abs(approximate(other.value) - approximate(one.value)) <= 0.5)


def _is_converted(one: Quantity, other: Quantity) -> bool:
    value, found = approximate(scalar(one.value).value), approximate(scalar(other.value).value)
    if not value or not found:
        return False
    return any(abs(found / value * factor - 1) < 1e-2 for factor in units.conversions(one.unit))


def _is_percent(node: Node) -> bool:
    return isinstance(node, Apply) and node.function in ("percent", "degree")


def _compare_percent(stated: Node, printed: Node, is_approximate: bool) -> Verdict:
    """25% is 25 and 0.25, whichever the program printed."""
    if _is_percent(stated) == _is_percent(printed):
        return _compare_numbers(stated, printed, is_approximate), "numeric"
    bare, other = _without_sign(stated), _without_sign(printed)
    verdicts = [_compare_numbers(bare, other, is_approximate)]
    if "degree" not in (getattr(stated, "function", ""), getattr(printed, "function", "")):
        verdicts.append(_compare_numbers(stated, printed, is_approximate))
    elif _compare_numbers(stated, printed, is_approximate) != DIFFERENT:
        # In radians, or so it seems.
        verdicts.append(UNSURE)
    if SAME in verdicts:
        return SAME, "numeric"
    hundredfold = Apply("mul", (other, Number(Fraction(100))))
    if _is_percent(stated) and (_rounds_to(bare, other) or _rounds_to(bare, hundredfold)):
        return UNSURE, "numeric"
    return (UNSURE if UNSURE in verdicts else DIFFERENT), "numeric"


def _without_sign(node: Node) -> Node:
    return node.arguments[0] if isinstance(node, Apply) and _is_percent(node) else node


# Words


def _compare_words(stated: Node, printed: Node) -> Verdict:
    if isinstance(stated, Truth) and isinstance(printed, Truth):
        return (SAME if stated == printed else DIFFERENT), "boolean"
    if isinstance(stated, Symbol) and isinstance(printed, Symbol) and stated != printed:
        # The letters of choices.
        return (DIFFERENT if {stated.name, printed.name} <= set("ABCDE") else UNSURE), "text"
    one, other = _as_words(stated), _as_words(printed)
    if one is not None and one == other:
        return SAME, "text"
    opposed = {frozenset(pair) for pair in _OPPOSITES}
    if one and other and frozenset((one, other)) in opposed:
        return DIFFERENT, "text"
    if one and other and all(any(word in group for group in _GROUPS) for word in (one, other)):
        return (DIFFERENT if any(one in g and other in g for g in _GROUPS) else UNSURE), "text"
    return UNSURE, "text"


_OPPOSITES = [
    ("even", "odd"), ("increasing", "decreasing"), ("converges", "diverges"), ("prime", "composite"), ("prime", "not prime"),
    ("positive", "negative"), ("rational", "irrational"), ("maximum", "minimum"), ("concave up", "concave down"),
    ("real", "complex"), ("linear", "nonlinear"), ("parallel", "perpendicular"), ("dependent", "independent"),
    ("stable", "unstable"), ("odd function", "even function"), ("acute", "obtuse"),
]  # fmt: skip
_GROUPS = [
    frozenset("monday tuesday wednesday thursday friday saturday sunday".split()),
    frozenset("january february march april may june july august september october november december".split()),
    frozenset("red green blue yellow orange black white".split()),
]


def _as_words(node: Node) -> str | None:
    if isinstance(node, Text):
        return node.text
    # A letter is a variable or the name of a choice.
    return node.name.lower() if isinstance(node, Symbol) and len(node.name) == 1 else None


# Several values


def _compare_sequences(stated: Node, printed: Node) -> Verdict:
    stated, printed = _unwrap(stated), _unwrap(printed)
    if not isinstance(stated, Sequence) or not isinstance(printed, Sequence):
        if isinstance(stated, Sequence) or isinstance(printed, Sequence):
            # One value against several; but a value where there should be none is wrong.
            return (DIFFERENT if stated == Sequence("set", ()) else UNSURE), "several"
        return compare_values(stated, printed)
    method = "set" if stated.any_order or stated.kind == "set" else {"several": "several", "list": "tuple"}.get(stated.kind, stated.kind)
    if stated.kind == "matrix" or printed.kind == "matrix":
        return _compare_matrices(stated, printed)
    labelled = _compare_by_label(stated, printed)
    if labelled is not None:
        return labelled, "tuple"
    if stated.kind == "set" or stated.any_order:
        items, others = _distinct(stated.items), _distinct(printed.items)
        return _compare_unordered(items, others), "set"
    if len(stated.items) != len(printed.items):
        return (DIFFERENT if stated.kind == printed.kind or {stated.kind, printed.kind} <= {"tuple", "list"} else UNSURE), method
    verdict = _all_of([compare_values(a, b)[0] for a, b in zip(stated.items, printed.items, strict=True)])
    if verdict == SAME and printed.kind == "set" and stated.kind in ("tuple", "list"):
        return UNSURE, method
    if verdict == SAME and (stated.kind, printed.kind, len(stated.items)) == ("list", "tuple", 2):
        # [0, 1] is a closed interval, or a list; (0, 1) is an open one, or a tuple.
        return UNSURE, method
    if verdict == DIFFERENT and stated.kind == "several":
        # 2, 3 does not say whether the order matters.
        again = _compare_unordered(list(stated.items), list(printed.items))
        return (SAME if again == SAME and printed.kind == "set" else UNSURE if again != DIFFERENT else DIFFERENT), method
    return verdict, method


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
        raise TooLarge("too_large")
    left = list(others)
    unsure = False
    for item in items:
        verdicts = [compare_values(item, other)[0] for other in left]
        if SAME in verdicts:
            left.pop(verdicts.index(SAME))
        elif UNSURE in verdicts:
            unsure = True
        else:
            return DIFFERENT
    return UNSURE if unsure else SAME


def _all_of(verdicts: list[str]) -> str:
    if DIFFERENT in verdicts:
        return DIFFERENT
    return UNSURE if UNSURE in verdicts else SAME


def _compare_by_label(stated: Sequence, printed: Sequence) -> str | None:
    """x = 1, y = 2 against {y: 2, x: 1}; None where not both sides are labelled throughout."""
    one, other = _labels(stated), _labels(printed)
    if one is None or other is None:
        return None
    if set(one) != set(other):
        return None if len(one) == len(other) else UNSURE
    return _all_of([compare_values(value, other[name])[0] for name, value in one.items()])


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
        rows, others = [flat], [flat_other]
    pairs = [(a, b) for r, s in zip(rows, others, strict=True) for a, b in zip(r, s, strict=True)]
    return _all_of([compare_values(a, b)[0] for a, b in pairs]), "matrix"


def _rows(node: Sequence) -> list[tuple[Node, ...]]:
    if node.kind == "matrix" or all(isinstance(i, Sequence) and i.kind in ("list", "tuple") for i in node.items):
        return [item.items for item in node.items if isinstance(item, Sequence)]
    return [node.items]


def _compare_uncertain(stated: Node, printed: Node) -> Verdict:
    if isinstance(stated, PlusMinus) and isinstance(printed, PlusMinus):
        parts = [compare_values(stated.centre, printed.centre)[0], compare_values(stated.offset, printed.offset)[0]]
        return _all_of(parts), "uncertainty"
    one, other = (stated, printed) if isinstance(stated, PlusMinus) else (printed, stated)
    if isinstance(one, PlusMinus) and isinstance(other, Sequence) and len(other.items) == 2:
        ends = Sequence("set", (Apply("sub", (one.centre, one.offset)), Apply("add", (one.centre, one.offset))))
        both = Sequence("tuple", (one.centre, one.offset))
        verdicts = [compare_values(*pair)[0] for pair in ([(ends, other), (both, other)] if one is stated else [(other, ends), (other, both)])]
        return (SAME if SAME in verdicts else UNSURE if UNSURE in verdicts else DIFFERENT), "uncertainty"
    return UNSURE, "uncertainty"


# Intervals


def _compare_intervals(stated: Node, printed: Node) -> Verdict:
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
        verdicts += [_compare_numbers(a.low, b.low), _compare_numbers(a.high, b.high)]
    return _all_of(verdicts), "interval"


def _parts(node: Node) -> list[Interval]:
    """The intervals of a set, in order, those that touch joined. Raises TypeError where it is no such set."""
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
    if isinstance(value, mp.mpc):
        raise TypeError
    return value


# Expressions and equations


def _is_scalar(node: Node) -> bool:
    return isinstance(node, Number | Constant | Symbol | Apply)


def _compare_expressions(stated: Node, printed: Node) -> Verdict:
    variables, others = free_symbols(stated), free_symbols(printed)
    if not variables and not others:
        return _compare_percent(stated, printed, False)
    if isinstance(stated, Symbol) and isinstance(printed, Symbol):
        return _compare_words(stated, printed)
    constant = _integration_constant(stated, variables, others)
    if constant:
        verdict = _compare_points(stated, printed, constant)
        return (UNSURE if verdict == DIFFERENT and variables - {constant} != others else verdict), "symbolic"
    if variables != others and (not variables or not others):
        # One of them may yet be free of variables in truth, x/x; otherwise they speak of different things.
        verdict = _compare_points(stated, printed, None)
        return (verdict if verdict == SAME else UNSURE), "symbolic"
    verdict = _compare_points(stated, printed, None)
    if verdict == DIFFERENT and variables != others:
        return UNSURE, "symbolic"
    return verdict, "symbolic"


def _integration_constant(stated: Node, variables: frozenset[str], others: frozenset[str]) -> str | None:
    """The C of x^2/2 + C: a term of its own beside a formula, and the program printed none."""
    if not isinstance(stated, Apply) or stated.function not in ("add", "sub"):
        return None
    terms = [term.name for term in stated.arguments if isinstance(term, Symbol) and term.name in ("C", "c", "C1")]
    rest = [name for term in stated.arguments for name in free_symbols(term)]
    if len(terms) != 1 or rest.count(terms[0]) != 1 or terms[0] in others or not variables - {terms[0]} & others:
        return None
    return terms[0]


def _compare_points(stated: Node, printed: Node, constant: str | None) -> str:
    """Compare two expressions where their variables have values of no relation to one another."""
    names = sorted(free_symbols(stated) | free_symbols(printed))
    if len(names) > 6:
        raise Unreadable("too_many_variables")
    tolerance = _expression_tolerance(stated, printed)
    offsets: list[Value] = []
    verdicts: list[str] = []
    for shift in range(6):
        sign = -1 if shift >= 4 else 1
        at = {name: sign * mp.mpf(_POINTS[(i + shift) % 7]) * (1 + shift // 3) for i, name in enumerate(names)}
        if constant:
            at[constant] = mp.mpf(0)
        try:
            one, other = approximate(evaluate(stated, at)), approximate(evaluate(printed, at))
        except TooLarge:
            raise
        except Unreadable as reason:
            if str(reason) == "undefined":
                continue
            raise
        if sign < 0 and (isinstance(one, mp.mpc) or isinstance(other, mp.mpc)):
            # Beyond the domain, branches differ: log(x) and log|x|.
            continue
        offsets.append(other - one)
        size = max(abs(one), abs(other), mp.mpf(1) if constant else mp.mpf(10) ** -20)
        verdicts.append(SAME if abs(other - one) <= tolerance * size else DIFFERENT)
    if len(verdicts) < 3:
        return UNSURE
    if constant and DIFFERENT in verdicts:
        spread = max(abs(a - offsets[0]) for a in offsets[:4])
        return SAME if spread <= max(tolerance, mp.mpf(10) ** -25) * 10 else DIFFERENT
    if DIFFERENT not in verdicts:
        return SAME
    if SAME in verdicts or tolerance > FLOAT_ERROR:
        # The same for positive numbers only: sqrt(x^2) and x. Or too few digits to tell.
        return UNSURE
    return DIFFERENT


def _expression_tolerance(stated: Node, printed: Node) -> Value:
    decimals = [n for n in literals(printed) if n.last_place is not None and n.digits >= FULL_DIGITS]
    return FLOAT_ERROR if decimals else mp.mpf(10) ** -30


def _compare_equations(stated: Node, printed: Node) -> Verdict:
    one, other = _difference(stated), _difference(printed)
    if one is not None and other is not None:
        verdict = _compare_proportional(one, other)
        # x = 5 and x^2 = 25 do not contradict each other; two curves that differ do.
        return (UNSURE if verdict == DIFFERENT and len(free_symbols(one)) == 1 else verdict), "equation"
    labelled = stated if isinstance(stated, Labelled) else printed
    plain = printed if labelled is stated else stated
    if isinstance(labelled, Labelled) and labelled.equation:
        # x + y = 7 against 7: what was computed, most often. x^2 - 1 = 0 against 0 says nothing.
        value = labelled.value
        if free_symbols(value) or not _is_scalar(value) or not _is_scalar(plain) or free_symbols(plain) or evaluate(value) == 0:
            return UNSURE, "equation"
        verdict = _compare_numbers(value, plain) if labelled is stated else _compare_numbers(plain, value)
        return (SAME if verdict == SAME else UNSURE), "equation"
    return UNSURE, "equation"


def _difference(node: Node) -> Node | None:
    if not isinstance(node, Labelled) or not _is_scalar(node.value):
        return None
    left = node.left if node.left is not None else Symbol(node.label) if node.label.isalnum() else None
    return Apply("sub", (left, node.value)) if left is not None and _is_scalar(left) else None


def _compare_proportional(one: Node, other: Node) -> str:
    """Whether two expressions are nought together: their ratio is the same everywhere."""
    if free_symbols(one) != free_symbols(other):
        return UNSURE
    names = sorted(free_symbols(one))
    if not names or len(names) > 6:
        return UNSURE
    ratios: list[Value] = []
    for shift in range(5):
        at = {name: mp.mpf(_POINTS[(i + shift) % 7]) for i, name in enumerate(names)}
        top, bottom = approximate(evaluate(one, at)), approximate(evaluate(other, at))
        if not bottom or not top:
            return UNSURE
        ratios.append(top / bottom)
    return SAME if all(abs(r / ratios[0] - 1) < mp.mpf(10) ** -25 for r in ratios) else DIFFERENT


def _compare_relations(stated: Node, printed: Node) -> Verdict:
    if not isinstance(stated, Relation) or not isinstance(printed, Relation):
        return UNSURE, "relation"
    operator, left, right = printed.operator, printed.left, printed.right
    if operator[0] != stated.operator[0] and operator != "!=":
        operator, left, right = operator.translate(str.maketrans("<>", "><")), right, left
    if operator != stated.operator:
        return UNSURE, "relation"
    if not all(map(_is_scalar, (left, right, stated.left, stated.right))):
        return UNSURE, "relation"
    verdict = _compare_points(Apply("sub", (stated.left, stated.right)), Apply("sub", (left, right)), None)
    return (SAME if verdict == SAME else UNSURE), "relation"
