"""Say whether a page computes its result exactly, while a program printed another value that only rounds to it.

A trapezoidal sum is 3.1 exactly; a program that integrates prints 3.14159, which is 3.1 to its digits by chance.
Not covered: expressions with letters, of irrational value, or with equality signs inside their operators.
"""

import re
from fractions import Fraction

from mathcode_pile.answers.builders import bare
from mathcode_pile.answers.evaluator import Scalar, scalar
from mathcode_pile.answers.functions import Value, approximate
from mathcode_pile.answers.outputs import output_lines
from mathcode_pile.answers.reading import read_printed, read_stated
from mathcode_pile.answers.rounded_inputs import agrees_as_rounded
from mathcode_pile.answers.scalars import DIFFERENT, compare_scalars
from mathcode_pile.answers.values import Number, UnreadableError

_RELATION = re.compile(r"=|≈|\\approx(?![A-Za-z])")


def is_another_value(expression: str, stated: str, printed: str) -> bool:
    """Whether an expression has exactly the stated decimal as its value, and a program printed another number.

    expression, stated: LaTeX; the expression may be a chain of equal terms. A printed value that some term has, or that
    is possible where the decimals of a term were rounded before, is not another one.
    """
    try:
        result, output = scalar(bare(read_stated(stated))), scalar(bare(read_printed(output_lines(printed)[-1])))
    except (UnreadableError, ArithmeticError, IndexError, RecursionError):
        return False
    if result.last_place is None or _is_same(result.value, output):
        return False
    sides = [(side, value) for side in _RELATION.split(expression) if (value := _computed_value(side)) is not None]
    is_exact = any(value == result.value for _, value in sides)
    return is_exact and not any(
        _is_same(value, output) or agrees_as_rounded(side, stated, printed) for side, value in sides
    )


def _computed_value(side: str) -> Value | None:
    """Return the value of a term that has something to compute; None for any other."""
    try:
        node = bare(read_stated(side))
        return None if isinstance(node, Number) else scalar(node).value
    except (UnreadableError, ArithmeticError, ValueError, RecursionError):
        return None


def _is_same(value: Value, output: Scalar) -> bool:
    """Whether a printed number may be a value, to its digits and the error of a float."""
    written = Scalar(value if isinstance(value, Fraction) else approximate(value))
    return written.value == output.value or compare_scalars(written, output) != DIFFERENT
