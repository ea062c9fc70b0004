"""Tell plain arithmetic from arithmetic in another base, 1 + 1 = 10, and under a modulus, 9 + 4 = 1.

Words of the page or the sentence must name the other arithmetic, and the numbers must have its form: under a modulus,
whole numbers that are not equal otherwise.
"""

import re
from fractions import Fraction
from functools import cached_property

from stages.translate.reasons import Reason
from stages.translate.symbolic.nodes import Node, operations, walk
from stages.translate.symbolic.numeric import value_of
from stages.translate.symbolic.searching import has_any

_TWO_DIGITS_WORDS = ("binary", "boolean", "xor", "gf(2)")
_TWO_DIGITS = re.compile(r"\b(?:binary|boolean|xor)\b|\bGF\(2\)", re.IGNORECASE)
# Every match of the pattern below contains one of these.
_MODULAR_WORDS = (
    *(
        "clock",
        "mod",
        "residue",
        "congru",
        "z}",
        "z_",
        "bb z",
        "bbz",
        "z /",
        "z/",
        "𝔽",
        "}/\\math",
        "plus algebra",
        "tropical",
        "idempotent",
        "day week",
        "days of the week",
        "ℤ",
        "bbf",
        "bb f",
        "{f",
        "f_",
        "gf",
        "field",
    ),
    *("characteristic", "u(", "u_", "of units", "cyclic", "nimber", "xor", "overflow", "bit"),
)
_MODULAR = re.compile(
    r"\b(?:clocks?|modul(?:o|ar|us)|[bp]?mod|residues?)\b|\bcongruen|\bcyclic group|\bgroups? of units\b"
    r"|\\math(?:bb|bf) ?\{?Z\}? ?[_/]|R\}? ?/ ?\\math|\\Z ?[_/]|\bZ_\{?(?:\d|n|p|m)\b"
    r"|\bZ ?/ ?\(?(?:\d|n|p|m)|ℤ|𝔽|\\math(?:bb|bf) ?\{?F"
    r"|\bF_\{?[\dpq]|\bGF ?\(|\b(?:max|min)-plus\b|\btropical|\bday week\b|\bdays of the week\b|\bidempotent"
    r"|\b(?:finite|prime) fields?\b|\bfield (?:of|with) (?:order|\$?\w+\$? elements)"
    r"|\bcharacteristic (?:\$?\d|\$?p\b|two|three)|\bU_?\{?\(?(?:\d|n\b)"
    r"|\bint(?:eger)? overflow|\bbit(?:s|wise)?\b|\bnimber|\bXOR\b",
    re.IGNORECASE,
)
_DIGITS = {"ternary": "012", "octal": "01234567", "hex": "0123456789", "hexadecimal": "0123456789"}
_PLAIN = {"num", "sym", "neg", "add", "mul"}
_DIFFERENT = 1e-6
_OTHER_DIGITS = re.compile(r"\b(" + "|".join(_DIGITS) + r")\b", re.IGNORECASE)


class Arithmetics:
    """The other arithmetics that a page mentions. Few pages have equal sides for which it is asked."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def has_two_digits(self) -> bool:
        """Whether words of the page name the arithmetic of the digits 0 and 1."""
        return has_any(self._text.lower(), _TWO_DIGITS_WORDS) and bool(_TWO_DIGITS.search(self._text))

    @cached_property
    def is_modular(self) -> bool:
        """Whether words of the page name an arithmetic under a modulus."""
        return has_any(self._text.lower(), _MODULAR_WORDS) and _MODULAR.search(self._text) is not None


def other_arithmetic(sides: list[Node], sentence: str, page: Arithmetics) -> Reason | None:
    """Return why equal sides may not be meant in the usual arithmetic, None if they are."""
    if _may_be_other_digits(sides, sentence, page):
        return Reason.OTHER_BASE
    return Reason.MODULAR_ARITHMETIC if _wraps(sides) and page.is_modular else None


def _may_be_other_digits(sides: list[Node], sentence: str, page: Arithmetics) -> bool:
    """Whether all sides are plain arithmetic with the digits of another base that the text mentions."""
    if not all(operations(side) <= _PLAIN for side in sides):
        return False
    numbers = {item.value for side in sides for item in walk(side) if item.op == "num"}
    digits = set().union(*numbers) - {"."}
    named = _OTHER_DIGITS.findall(sentence) if has_any(sentence.lower(), _DIGITS) else []
    # The number 16 shows that hexadecimal numbers are converted; in smaller bases the base itself is no digit.
    is_written = "16" not in numbers and any(digits <= set(_DIGITS[word.lower()]) for word in named)
    return is_written or (digits <= set("01") and page.has_two_digits)


def _wraps(sides: list[Node]) -> bool:
    """Whether the sides of a chain can be equal under a modulus only: 9 + 4 = 1, 3^{-1} = 5, 81 = 81 \\bmod 7 = 4."""
    have_modulus = ["mod" in operations(side) for side in sides]
    if have_modulus != sorted(have_modulus, reverse=True):
        return True
    values = [value for value in map(value_of, sides) if value is not None]
    if values.count(values[-1]) == len(values) if values else True:
        return False
    results = [value for value in values if isinstance(value, Fraction) and value.denominator == 1]
    if results and any(abs(float(value) - float(results[-1])) > _DIFFERENT for value in values):
        return True
    # In R/Z, 0.7 + 0.6 = 0.3.
    differences = [value - values[-1] for value in values]
    return any(isinstance(item, Fraction) and item.denominator == 1 and item for item in differences)
