"""Compare two numbers, each with the precision it is written to."""

from fractions import Fraction

from mathcode_pile.answers.evaluator import Scalar, Value, approximate, mp, scalar
from mathcode_pile.answers.values import Node

SAME, DIFFERENT, UNSURE = "verified", "contradicted", "uncheckable"

Verdict = tuple[str, str]
"""verified, contradicted or uncheckable, and the method."""

# Two values computed with 50 digits are equal where they agree to 40.
EXACT = mp.mpf(10) ** -40

# A float that a program computed and printed in full carries about 16 digits, less what rounding errors ate.
FULL_DIGITS = 12

FLOAT_ERROR = mp.mpf(10) ** -10

# Of fewer digits than these a rounded print says too little about an exact result.
MIN_DIGITS = 6


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
    place = stated.last_place or (integer_place(stated) if is_approximate else None)
    if place is None:
        # An expression of decimals: they are taken at their word.
        tolerance = max(size * FLOAT_ERROR, 0)
        return (
            SAME if distance <= tolerance else UNSURE if printed.is_exact is False and distance <= coarse else DIFFERENT
        )
    # The last figure stated may be rounded; the float printed may be a hair off the half.
    if distance <= _half(place) * (1 + FLOAT_ERROR) and (
        printed.is_exact or coarse <= _half(place) or _is_whole(printed)
    ):
        return SAME
    if coarse > _half(place) and distance < coarse + _half(place):
        return UNSURE
    if (
        is_approximate
        and stated.is_exact
        and isinstance(stated.value, Fraction)
        and distance <= _half(_zeros_place(stated))
    ):
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
    return all_of(parts)


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


def integer_place(value: Scalar) -> Fraction | None:
    """Return the worth of the last digit of an integer, None for other numbers."""
    return Fraction(1) if isinstance(value.value, Fraction) and value.value.denominator == 1 else None


def _zeros_place(value: Scalar) -> Fraction:
    place, number = Fraction(1), value.value
    while number and (number / (place * 10)).denominator == 1:
        place *= 10
    return place


def _is_whole(value: Scalar) -> bool:
    # 4e8 and 3.0 are whole numbers, not rounded ones.
    return isinstance(value.value, Fraction) and value.value.denominator == 1 and value.digits > 0


def compare_numbers(stated: Node, printed: Node, is_approximate: bool = False) -> str:
    """Return the verdict on two expressions without variables."""
    return compare_scalars(scalar(stated), scalar(printed), is_approximate)


def all_of(verdicts: list[str]) -> str:
    """Return the verdict on a whole from those on its parts."""
    if DIFFERENT in verdicts:
        return DIFFERENT
    return UNSURE if UNSURE in verdicts else SAME
