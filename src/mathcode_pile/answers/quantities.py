"""Compare numbers with units, percent signs and degrees."""

from fractions import Fraction

from mathcode_pile.answers import units
from mathcode_pile.answers.evaluator import Scalar, scalar
from mathcode_pile.answers.functions import approximate, mp
from mathcode_pile.answers.scalars import (
    DIFFERENT,
    SAME,
    UNSURE,
    Verdict,
    any_of,
    compare_numbers,
    compare_scalars,
    integer_place,
)
from mathcode_pile.answers.values import Apply, Node, Number, Quantity

_RADIANS = ("rad", "radian")
# What anything may be counted in.
_GENERAL = {
    "unit",
    "item",
    "piece",
    "total",
    "thing",
    "object",
    "element",
    "way",
    "possibility",
    "in total",
    "altogether",
}


def compare_quantities(stated: Node, printed: Node) -> Verdict:
    """Return the verdict on two numbers, at least one of which has a unit or is called approximate."""
    one = stated if isinstance(stated, Quantity) else Quantity(stated)
    other = printed if isinstance(printed, Quantity) else Quantity(printed)
    if one.unit and other.unit:
        factor = units.factor(one.unit, other.unit)
        if factor is None:
            same = _compare_plain(one, other)
            return (UNSURE, "units") if same[0] == SAME and _are_unrelated(one.unit, other.unit) else same
        if factor != 1:
            return compare_scalars(scalar(one.value), _scaled(scalar(other.value), factor), one.approximate), "units"
    if units.normalize(other.unit) in _RADIANS and getattr(one.value, "function", "") == "degree":
        return compare_numbers(one.value, other.value), "units"
    verdict, method = _compare_plain(one, other)
    if verdict == DIFFERENT and one.unit and not other.unit and _is_converted(one, other):
        return UNSURE, "units"
    # A program that calls a number approximate has not printed all of it.
    return (UNSURE if verdict == DIFFERENT and other.approximate else verdict), method


def _are_unrelated(stated: str, printed: str) -> bool:
    """Whether two units are of different kinds, or count different things."""
    one, other = units.normalize(stated), units.normalize(printed)
    if one in units.UNITS and other in units.UNITS:
        return True
    return one.isalpha() and other.isalpha() and one[:4] != other[:4] and not {one, other} & _GENERAL


def _scaled(value: Scalar, factor: float) -> Scalar:
    place = value.last_place and value.last_place * Fraction(factor)
    # A conversion gives a float, even of an integer.
    return Scalar(approximate(value.value) * mp.mpf(factor), place, value.digits or 15)


def _compare_plain(one: Quantity, other: Quantity) -> Verdict:
    verdict, method = compare_percent(one.value, other.value, one.approximate)
    if verdict == DIFFERENT and one.unit and _rounds_to(one.value, other.value):
        # 33 cm for 33.33 may be rounded.
        return UNSURE, method
    return verdict, method


def _rounds_to(stated: Node, printed: Node) -> bool:
    one, other = scalar(stated), scalar(printed)
    if not one.is_exact or other.is_exact or integer_place(one) is None:
        return False
    return bool(abs(approximate(other.value) - approximate(one.value)) <= 0.5)


def _is_converted(one: Quantity, other: Quantity) -> bool:
    value, found = approximate(scalar(one.value).value), approximate(scalar(other.value).value)
    if not value or not found:
        return False
    return any(abs(found / value * factor - 1) < 1e-2 for factor in units.conversions(one.unit))


def _is_percent(node: Node) -> bool:
    return isinstance(node, Apply) and node.function in ("percent", "degree")


def compare_percent(stated: Node, printed: Node, is_approximate: bool) -> Verdict:
    """Return the verdict on two numbers; with a percent sign on one side only, 25% may mean 25 or 0.25."""
    if _is_clock(stated) and _is_clock(printed):
        # 2:30 and 1:15 are the same ratio, but different times.
        is_same = compare_numbers(stated, printed) == SAME
        return (SAME if stated == printed else UNSURE if is_same else DIFFERENT), "time"
    bare, other = _without_sign(stated), _without_sign(printed)
    if _is_percent(stated) == _is_percent(printed):
        verdict = compare_numbers(stated, printed, is_approximate)
        # 33% for 33.33% may be rounded.
        is_rounded = verdict == DIFFERENT and getattr(stated, "function", "") == "percent" and _rounds_to(bare, other)
        return (UNSURE if is_rounded else verdict), "numeric"
    verdicts = [compare_numbers(bare, other, is_approximate)]
    if "degree" not in (getattr(stated, "function", ""), getattr(printed, "function", "")):
        verdicts.append(compare_numbers(stated, printed, is_approximate))
    elif compare_numbers(stated, printed, is_approximate) != DIFFERENT:
        # The one without a degree sign seems to be in radians.
        verdicts.append(UNSURE)
    verdict = any_of(verdicts)
    if verdict == SAME:
        return SAME, "numeric"
    hundredfold = Apply("mul", (other, Number(Fraction(100))))
    if _is_percent(stated) and (_rounds_to(bare, other) or _rounds_to(bare, hundredfold)):
        return UNSURE, "numeric"
    return verdict, "numeric"


def _is_clock(node: Node) -> bool:
    return isinstance(node, Apply) and node.function == "clock"


def _without_sign(node: Node) -> Node:
    return node.arguments[0] if isinstance(node, Apply) and _is_percent(node) else node
