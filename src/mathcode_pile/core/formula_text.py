"""Compare formulas as text: what may differ between two ways to write the same formula is taken away."""

import re

_LOOSE = re.compile(r"\\(?:left|right|displaystyle|boxed|[,;:!> ]|q?quad(?![a-zA-Z]))|[\s{}$]")
_FRACTION = re.compile(r"\\[dt]frac(?![a-zA-Z])")


def normalize_formula(latex: str) -> str:
    """Return LaTeX without spaces, braces, dollar signs and what only changes its look."""
    return _LOOSE.sub("", _FRACTION.sub(r"\\frac", latex))
