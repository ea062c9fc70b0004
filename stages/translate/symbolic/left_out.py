"""Say why a chain is left out though its terms can be read: its result is rounded, approximate or in another unit.

What is approximate is compared only where its digits say how exact it is.
"""

from fractions import Fraction

from stages.translate.reasons import Reason
from stages.translate.symbolic.nodes import CALCULUS, TRIGONOMETRY, free_symbols, is_integer, operations
from stages.translate.symbolic.numeric import Value, half_place, uncertainty, value_of
from stages.translate.symbolic.reading import agree_to_digits, computed_pair, is_consistent, is_wrong
from stages.translate.symbolic.steps import Side

# An approximation that is off by more than this share of the value is a mistake.
_ROUGHLY = 0.5
# For a result of three digits or more it is less.
_NEARLY, _DIGITS = 0.02, 0.005
_SMALL = 0.01
_ROUNDED_RESULT = {"pi", "e", "sqrt", "root", "ln", "log", "exp", *TRIGONOMETRY, "asin", "acos", "atan", "degrees"}
_FINEST = 4000
# Between a value and the same in another unit: 4 * 45 = 3 min.
_CONVERSIONS = {Fraction(10) ** power for power in (2, 3, 4, 6, 9)} | {Fraction(size) for size in (7, 12, 24, 60, 3600)}


def why_left_out(sides: list[Side]) -> Reason | None:
    """Return why a chain is not computed though its terms can be read: its result is rounded or approximate."""
    source, target = computed_pair(sides)
    if source is None or target is None:
        return Reason.EQUATION_OR_DEFINITION if _is_equation(sides) else None
    value, stated = value_of(source.node), value_of(target.node)
    is_approximate = target.term.relation == "~"
    if value is None or stated is None:
        is_known = value is None and bool(operations(source.node) & {"sum", "limit"}) and half_place(target.node)
        return Reason.APPROXIMATE if is_approximate and not is_known else None
    distance, size = abs(float(value) - float(stated)), max(abs(float(value)), abs(float(stated)))
    if agree_to_digits(value, stated, target.node):
        return None
    if is_approximate and is_integer(target.node) and distance <= 0.5:
        return None  # the nearest whole number
    off = uncertainty(source.node) + float(half_place(target.node))
    if uncertainty(source.node) and distance <= min(off, _SMALL * size):
        return Reason.ROUNDED_INPUT
    if is_approximate:
        # Who writes 18.36 does not estimate, unless by a method.
        has_digits = 0 < float(half_place(target.node)) < _DIGITS * size and not operations(source.node) & CALCULUS
        return Reason.APPROXIMATE if distance <= (_NEARLY if has_digits else _ROUGHLY) * size else None
    is_rounded = is_integer(target.node) and distance <= 0.5 and not _is_whole(value)
    if is_rounded and (operations(source.node) & _ROUNDED_RESULT or distance <= _SMALL * size):
        return Reason.ROUNDED
    if is_integer(target.node) and source.node.op == "div" and distance < 1 and not _is_whole(value):
        return Reason.ROUNDED  # as many as fit, or as are needed
    if target.term.unit not in ("", "percent", "per cent") and stated and value and _is_conversion(value, stated):
        return Reason.UNITS_DIFFER
    place = 2 * half_place(target.node)
    if place and abs(float(value)) > abs(float(stated)) and distance < float(place):
        return Reason.ROUNDED  # cut off behind its last digit
    return None


def _is_conversion(value: Value, stated: Value) -> bool:
    """Whether one of two values is the other in a smaller unit."""
    ratio = abs(Fraction(value) / Fraction(stated))
    return any(one.limit_denominator(_FINEST) in _CONVERSIONS for one in (ratio, 1 / ratio))


def states_wrong(sides: list[Side]) -> bool:
    """Whether the values of a chain are known, and its result, which is not approximate, is another one."""
    source, target = computed_pair(sides)
    if source is None or target is None or target.term.relation == "~":
        return False
    return is_wrong(source.node, target.node)


def _is_equation(sides: list[Side]) -> bool:
    """Whether a chain of formulas ends in a number: (x - a)(x - b) = x^2 + ax + b = 0 holds for some values only."""
    opened = [side for side in sides if free_symbols(side.node)]
    is_closed = bool(sides) and not free_symbols(sides[-1].node)
    return len(opened) > 1 and is_closed and not operations(opened[0].node) & CALCULUS and not is_consistent(opened)


def _is_whole(value: Value) -> bool:
    return value == int(value)
