"""Whether what a program printed is fit to be read."""

import re

# 9.280000000000001: all 16 or 17 digits of a float, with a run of zeros or nines before the last.
_NOISE = re.compile(r"(?<![\d.])\d{0,20}\.\d{0,25}?(?:0{4,20}|9{4,20})\d{1,3}(?!\d)")
# Characters that an output may always have, and how many times the length of the stated result it may have.
_SHORT = 200
_TIMES = 10


def has_float_noise(output: str) -> bool:
    """Say whether a number was printed with the error of binary fractions, as in 9.280000000000001."""
    return any(sum(c.isdigit() for c in noise[0]) >= 15 for noise in _NOISE.finditer(output))


def is_unclean(output: str, stated: str) -> bool:
    """Say whether nobody would print a result so: with float noise, or far longer than it is stated."""
    return len(output.strip()) > max(_SHORT, _TIMES * len(stated)) or has_float_noise(output)
