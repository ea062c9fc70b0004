"""Compare two numbers, each with the precision that it is written to."""

from fractions import Fraction

from mathcode_pile.answers.evaluator import Scalar, scalar
from mathcode_pile.answers.functions import Value, approximate, is_real, mp
from mathcode_pile.answers.values import Node

SAME, DIFFERENT, UNSURE = "verified", "contradicted", "uncheckable"

Verdict = tuple[str, str]
"""verified, contradicted or uncheckable, and the method."""

# Values are computed to 50 digits; two that agree to 40 are equal.
EXACT = mp.mpf(10) ** -40

# A float printed in full has about 16 digits. Rounding errors may spoil the last four.
FULL_DIGITS = 12

# The digits that a float shows at least, if they do not end in zeros.
FLOAT_DIGITS = 15

FLOAT_ERROR = mp.mpf(10) ** -10

# A print rounded to fewer digits than these says too little about an exact result.
MIN_DIGITS = 6


def compare_scalars(stated: Scalar, printed: Scalar, is_approximate: bool = False) -> str:
    """Return the verdict on two numbers. Rounding is judged by the digits of the stated one.

    If the printed one is too coarse to tell, the verdict is uncheckable.
    """
    if stated.value == printed.value:
        return SAME
    one, other = approximate(stated.value), approximate(printed.value)
    if mp.isinf(one) or mp.isinf(other):
        return DIFFERENT
    distance, size = abs(other - one), max(abs(other), abs(one))
    if distance <= EXACT * size:
        return SAME
    if not (is_real(one) and is_real(other)):
        return _compare_complex(stated, printed, is_approximate)
    coarse = _half(printed.last_place)
    if stated.is_exact and not is_approximate:
        return _compare_with_exact(stated, printed, distance, size)
    place = stated.last_place or (integer_place(stated) if is_approximate else None)
    if place is None:
        # An expression of decimals is taken as if they were exact.
        if distance <= size * FLOAT_ERROR:
            return SAME
        return DIFFERENT if printed.is_exact else _unsure_within(coarse, distance)
    if printed.is_exact and place > 1 and stated.digits <= 1:
        return UNSURE  # 1e5 may be meant exactly
    # The last digit stated may be rounded, and a float printed may miss the half by a hair.
    is_fine = printed.is_exact or coarse <= _half(place) or _is_whole(printed)
    if is_fine and distance <= _half(place) * (1 + FLOAT_ERROR):
        return SAME
    if coarse > _half(place) and distance < coarse + _half(place):
        return UNSURE
    if is_approximate and stated.is_exact and isinstance(stated.value, Fraction):
        # `About 1,200` may be rounded to hundreds.
        return _unsure_within(_half(_zeros_place(stated)), distance)
    return DIFFERENT


def _unsure_within(bound: Value, distance: Value) -> str:
    return UNSURE if distance <= bound else DIFFERENT


def _compare_complex(stated: Scalar, printed: Scalar, is_approximate: bool) -> str:
    """Compare real and imaginary parts, each to the digits written."""
    parts = []
    for name in ("real", "imag"):
        one, other = (Scalar(getattr(approximate(v.value), name), v.last_place, v.digits) for v in (stated, printed))
        # A part that should be 0 shows the rounding error of the other part.
        is_zero = abs(one.value) <= abs(approximate(stated.value)) * EXACT
        is_noise = is_zero and abs(other.value) < abs(approximate(printed.value)) * mp.mpf(10) ** -12
        parts.append(SAME if is_noise else compare_scalars(one, other, is_approximate))
    return all_of(parts)


def _compare_with_exact(stated: Scalar, printed: Scalar, distance: Value, size: Value) -> str:
    """Return the verdict on a printed decimal that should be an exact number."""
    if printed.is_exact:
        return UNSURE if _may_be_rounded(stated, printed, distance, size) else DIFFERENT
    coarse, is_full = _half(printed.last_place), printed.digits >= FULL_DIGITS
    if stated.value == 0:
        # A float shows 0 as 1.2246467991473532e-16: with all digits, and far below the numbers it comes from.
        if size < mp.mpf(10) ** -12:
            return SAME if is_full else UNSURE
        return _unsure_within(coarse, distance)
    if integer_place(stated):
        tolerance = min(size * FLOAT_ERROR, max(mp.mpf(10) ** -6, size * mp.mpf(2) ** -50))
        # A float holds 15 digits, so it shows a larger number only if the others are 0.
        is_held = coarse <= 1 or (coarse <= size * mp.mpf(2) ** -50 and _significant_digits(stated) <= 15)
        if is_full and is_held and distance <= tolerance:
            return SAME
        return _unsure_within(coarse, distance)
    bound = coarse * (1 + FLOAT_ERROR)
    # Rounded to fewer digits than a float has, it shows no rounding error of its own.
    tolerance = max(size * FLOAT_ERROR, coarse) if printed.digits >= FLOAT_DIGITS else bound + size * mp.mpf(10) ** -13
    if printed.digits >= MIN_DIGITS and distance <= tolerance:
        return SAME
    return _unsure_within(bound, distance)


def _may_be_rounded(stated: Scalar, printed: Scalar, distance: Value, size: Value) -> bool:
    """Whether a whole number may be a rounded one: no such number equals 2000 pi, so 6283 was not meant exactly."""
    if integer_place(stated) is None or integer_place(printed) is not None or distance > 0.5:
        return False
    return not isinstance(printed.value, Fraction) or distance <= size / 100


def _significant_digits(value: Scalar) -> int:
    return len(str(abs(value.value)).rstrip("0"))


def _half(place: Fraction | None) -> Value:
    return mp.mpf(place.numerator) / place.denominator / 2 if place else mp.mpf(0)


def integer_place(value: Scalar) -> Fraction | None:
    """Return the worth of the last digit of an integer, None for other numbers."""
    return Fraction(1) if isinstance(value.value, Fraction) and value.value.denominator == 1 else None


def _zeros_place(value: Scalar) -> Fraction:
    """Return the worth of the last digit that is not 0."""
    place, number = Fraction(1), value.value
    while number and (number / (place * 10)).denominator == 1:
        place *= 10
    return place


def _is_whole(value: Scalar) -> bool:
    """Whether a decimal is a whole number, as 4e8 and 3.0 are; then it is not rounded."""
    return integer_place(value) is not None and not value.is_exact


def compare_numbers(stated: Node, printed: Node, is_approximate: bool = False) -> str:
    """Return the verdict on two expressions without variables."""
    return compare_scalars(scalar(stated), scalar(printed), is_approximate)


def all_of(verdicts: list[str]) -> str:
    """Return the verdict on a whole from those on its parts."""
    if DIFFERENT in verdicts:
        return DIFFERENT
    return UNSURE if UNSURE in verdicts else SAME


def any_of(verdicts: list[str]) -> str:
    """Return the best of the verdicts on several readings of a value."""
    if SAME in verdicts:
        return SAME
    return UNSURE if UNSURE in verdicts else DIFFERENT
