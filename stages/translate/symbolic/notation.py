"""What a page says about its notation, and the readings that are open where a notation has two."""

import re
from typing import NamedTuple

from stages.translate.symbolic.searching import has_any

_COMPLEX = re.compile(
    r"\bcomplex (?:numbers?|plane|roots?|solutions?|conjugates?|conjugation|variables?|valued|exponentials?|analysis"
    r"|product|sum|quotient|division|multiplication|form|arithmetic)|imaginary|\bi\^2|\bi\^\{2\}|Argand|De Moivre"
    r"|\\mathbb ?\{?C\b",
    re.IGNORECASE,
)
# i is an index or a number there.
_INDEX_I = re.compile(
    r"(?<![A-Za-z\\])i\$?\s*(?:=|\\in\b|\\leq?\b|<|\\geq?\b|>|from)\s*\$?\s*\d"
    r"|\bi-th\b|\bi\+\+|\bfor (?:all |each )?\$?i\b"
)
_LETTER_E = re.compile(
    r"(?<![A-Za-z\\{^])e\$?\s*=\s*\$?\s*(?!2\.7)-?\.?\d|\beccentricity\b|\blet \$?e\b", re.IGNORECASE
)
_E_WORDS = ("e=", "e =", "e$=", "e$ =", "eccentricity", "let e", "let $e")
_PI_VALUE = re.compile(
    r"\\pi\s*(?:=|\\approx|\\simeq|\\doteq)\s*(?:(?P<decimal>3\.14\d*)|\\[dt]?frac\s*\{?22\}?\s*\{?7\}?|22\s*/\s*7)"
    r"|(?:use|take|using|taking|let)\s+\$?\\?(?:pi|π)\$?\s*(?:=|as|to be|≈|\\approx)?\s*\$?\s*"
    r"(?:(?P<word>3\.14\d*)|22/7|\\[dt]?frac\{22\}\{7\})",
    re.IGNORECASE,
)
# pi is a function, a permutation or a projection there.
_OWN_PI = re.compile(
    r"prime|permutation|\\pi\s*:|\\pi\s*\\in|\bS_\{?[\dn]|homotop|projection|\bpolicy\b", re.IGNORECASE
)
_SYMBOLS = re.compile(
    r"Legendre|Jacobi|Kronecker symbol|quadratic (?:(?:non-?)?residue|character)|nonresidue"
    r"|reciprocity|Euler['’]s criterion",
    re.IGNORECASE,
)


class Notation(NamedTuple):
    """How the letters and signs of a page are to be read."""

    complex_numbers: bool = False
    letter_e: bool = False
    """Whether e is a letter like others, not the base of the natural logarithm."""
    own_pi: bool = False
    """Whether pi may be a function or a permutation."""
    pi_value: str = ""
    """What the page takes pi for: 22/7, or the digits of a decimal."""
    residue_symbols: bool = False
    """Whether a fraction in parentheses may be a Legendre symbol."""
    choices: tuple[tuple[str, int], ...] = ()
    """The readings that were chosen, each with the name of its notation."""

    def choice(self, name: str) -> int | None:
        """Return which of two readings, 0 or 1, was chosen for a notation; None if none was."""
        return dict(self.choices).get(name) if self.choices else None


PLAIN = Notation()


def notation_of(text: str) -> Notation:
    """Return what the words and formulas of a page say about its notation."""
    lower = text.lower()
    has_pi_value = ("pi" in text or "π" in text) and ("3.14" in text or "22" in text)
    pi = _PI_VALUE.search(text) if has_pi_value else None
    # Each long pattern is searched only where one of its words is.
    may_be_complex = has_any(lower, ("complex", "imaginary", "i^", "argand", "moivre", "\\mathbb"))
    return Notation(
        complex_numbers=may_be_complex and bool(_COMPLEX.search(text)) and not _INDEX_I.search(text),
        letter_e=has_any(lower, _E_WORDS) and bool(_LETTER_E.search(text)),
        own_pi="\\pi" in text and bool(_OWN_PI.search(text)),
        pi_value=(pi["decimal"] or pi["word"] or "22/7") if pi else "",
        residue_symbols=has_any(
            lower, ("symbol", "residue", "legendre", "jacobi", "reciproc", "criterion", "quadratic char")
        )
        and bool(_SYMBOLS.search(text)),
    )
