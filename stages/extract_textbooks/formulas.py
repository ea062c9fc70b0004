"""Count the signs of formulas in a page's text layer.

A text layer has a formula's characters and loses its form: fractions, roots, exponents. OCR writes it as LaTeX.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple

# A page with fewer has single variables at most, which a text layer keeps.
MIN_SIGNS = 5
# Fonts that typesetting systems use for nothing but mathematics, by the names that PDFs give them.
_MATHEMATICAL_FONT = re.compile(
    r"""
    (?:^|\+)(?:
        cm(?:mib?|b?sy|ex)\d            # TeX: Computer Modern; cmr is for text
      | (?:eu[fs][mb]|eurm|eurb|euex|ms[ab]m|rsfs|wasy|esint|stmary|bbold|bbm|dsrom)\d
      | n?(?:tx|px|newtx|newpx)b?(?:mi|sy|ex)  # txfonts, pxfonts, newtx, newpx
      | zpl?mb?[0-9r] | fourier-math
      | mt(?:mi|sy|ex|gu)               # MathTime
      | mt-?extra                       # MathType, Word's old equations
    )
    | math | symbol | stix(?:nonuni|siz|var|int)
    """,
    re.VERBOSE | re.IGNORECASE,
)
# These fonts also have the marks of lists.
_LIST_MARKS = frozenset("•·∙◦▪■□–—*\uf0b7\uf0a7\uf06f\u2022")
# These say the same in a line of text.
_LINEAR = frozenset("+<=>|~¬±×÷")
_OTHER_SYMBOLS = frozenset("ℂℍℕℙℚℝℤℓ℘ℑℜℵ′″⟨⟩⌊⌋⌈⌉")
_LONE_GREEK = re.compile(r"(?<![\u0370-\u03ff\u1f00-\u1fff])[\u0391-\u03c9](?![\u0370-\u03ff\u1f00-\u1fff])")


class Signs(NamedTuple):  # of formulas on one page
    in_mathematical_fonts: int
    """Characters in a font for mathematics, the marks of lists aside."""
    symbols: int
    """Mathematical symbols, lone Greek letters, raised and lowered digits, letters of mathematical alphabets."""

    @property
    def show_formulas(self) -> bool:
        """Whether they are more than single variables."""
        return max(self) >= MIN_SIGNS


def count_signs(text: str, parts: Iterable[tuple[str, str]]) -> Signs:
    """Return the signs of a page; parts: its text objects, each with the name of its font."""
    characters = (
        character
        for font, part in parts
        if is_mathematical_font(font)
        for character in part
        if not character.isspace() and character not in _LIST_MARKS
    )
    symbols = sum(map(is_mathematical_symbol, text)) + len(_LONE_GREEK.findall(text))
    return Signs(sum(1 for _ in characters), symbols)


def is_mathematical_font(name: str) -> bool:
    """Tell whether a font, by its name in a PDF, is used for nothing but mathematics."""
    return bool(_MATHEMATICAL_FONT.search(name))


def is_mathematical_symbol(character: str) -> bool:
    """Tell whether a character other than a Greek letter is of mathematics, and of formulas that a line cannot show."""
    if character.isascii() or character in _LINEAR or character in _LIST_MARKS:
        return False
    code = ord(character)
    return (
        unicodedata.category(character) == "Sm"
        or character in _OTHER_SYMBOLS
        or 0x1D400 <= code <= 0x1D7FF  # mathematical alphanumeric symbols
        or character in "⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ"
        or 0x2080 <= code <= 0x2099  # lowered digits and signs
        or 0xF020 <= code <= 0xF0FF  # the font Symbol, where it has no mapping to Unicode
    )
