"""Read stated results and printed outputs, and say whether they agree.

    with Checker() as checker:
        checker.compare(r"\\frac{1}{2}", "0.5")  # Comparison(verdict='verified', method='numeric', ...)

Verdicts: verified, contradicted, uncheckable. Rounding is judged by the digits of the stated result, and where the
result is approximate also by those of the decimals that it is computed from.
Not covered: results in several sentences, dates, times of day, compound units that units.py does not list.
"""

from mathcode_pile.answers.checker import Checker, compare_by_paper
from mathcode_pile.answers.judge import Comparison
from mathcode_pile.answers.reading import last_box
from mathcode_pile.answers.rounded_inputs import agrees_as_rounded

__all__ = ["Checker", "Comparison", "agrees_as_rounded", "compare_by_paper", "last_box"]
