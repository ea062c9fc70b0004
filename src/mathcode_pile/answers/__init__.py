"""Understand stated results and printed outputs, and say whether they agree.

    with Checker() as checker:
        checker.compare(r"\\frac{1}{2}", "0.5")  # Comparison(verdict='verified', method='numeric', ...)

Verdicts: verified, contradicted, uncheckable. Rounding is judged by the digits that the stated result has.
Not covered: results in several sentences, dates, times of day, units put together of others that a table does not name.
"""

from mathcode_pile.answers.checker import Checker, compare, compare_by_paper
from mathcode_pile.answers.judge import Comparison
from mathcode_pile.answers.reading import final_answer

__all__ = ["Checker", "Comparison", "compare", "compare_by_paper", "final_answer"]
