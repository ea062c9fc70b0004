"""Read number literals: integers, decimals, powers of ten, and digits in another base."""

from fractions import Fraction

from mathcode_pile.answers.values import Number, UnreadableError

MAX_DIGITS = 3_000


def parse_number(text: str) -> Number:
    """Return a literal: an integer is exact, a decimal is known to its last place. Raises UnreadableError."""
    if len(text) > MAX_DIGITS:
        raise UnreadableError("too_long")
    if text[:2].lower() in ("0x", "0b", "0o"):
        return Number(Fraction(int(text, 0)))
    mantissa, _, exponent = text.lower().partition("e")
    power = int(exponent or 0)
    if abs(power) > MAX_DIGITS:
        raise UnreadableError("too_large")
    whole, point, decimals = mantissa.partition(".")
    value = Fraction(int((whole + decimals) or "0")) * Fraction(10) ** (power - len(decimals))
    if not point and not exponent:
        return Number(value)
    if point and not decimals and not exponent:
        # numpy prints a whole float as `3.`
        return Number(value, Fraction(1, 10), len(whole) + 1)
    digits = len((whole + decimals).lstrip("0")) or 1
    return Number(value, Fraction(10) ** (power - len(decimals)), digits)


def parse_in_base(digits: str, base: int) -> Number:
    """Return an integer written in a base from 2 to 36. Raises UnreadableError if it is none."""
    try:
        return Number(Fraction(int(digits, base)))
    except ValueError:
        raise UnreadableError("not_an_expression") from None
