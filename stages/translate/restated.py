"""Tell a program that computes its result from one that only prints the stated result.

A program is restated

- if all that it prints is a constant, or the stated result written as Python: `36*pi` for `36\\pi`, `(x > 3) & (x < 7)`
  for `3 < x < 7`, also where only a loop that may not run at all leads elsewhere,
- if its data are the stated result several times,
- or if one of its numbers is the stated result and comes out again, whatever that number is (see circular).

Not covered: results in words, and what program_reader and circular do not follow.
"""

import ast
import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from stages.translate.circular import is_circular
from stages.translate.origin import MAX_DIGITS, NUMBER, Origin
from stages.translate.program_reader import find_printed

_THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\}|\\,|\\!)+(?=\d{3})")
_TIGHT_FRACTION = re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)")


def is_restated(code: str, result: str) -> bool:
    """Whether a program prints its result without computing it.

    result: as the document states it, in LaTeX or plain text. A program that Python does not read is not restated.
    """
    try:
        module = ast.parse(code)
        printed, without_loops = find_printed(module), find_printed(module, skips_loops=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    stated = _numbers_of(result)
    return (
        any(_repeats(node, stated) for node in module.body)
        or _all_restated(printed, stated)
        or (_all_restated(without_loops, stated) and all(Counter(origin.numbers) == stated for origin in without_loops))
        or is_circular(module, stated)
    )


def _repeats(statement: ast.stmt, stated: Counter[Fraction]) -> bool:
    """Whether a statement makes data of the result, as in `numbers = [8] * 5`, whose mean is then 8."""
    value = statement.value if isinstance(statement, ast.Assign) else None
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        value = value.left
    items = value.elts if isinstance(value, ast.List) else []
    numbers = {str(item.value) for item in items if isinstance(item, ast.Constant)}
    return len(numbers) == 1 == len(stated) and numbers == set(map(str, stated))


def _all_restated(printed: Sequence[Origin], stated: Counter[Fraction]) -> bool:
    return bool(printed) and all(_is_restated(origin, stated) for origin in printed)


def _is_restated(origin: Origin, stated: Counter[Fraction]) -> bool:
    if origin.is_computed:
        return False
    if not origin.has_operation:
        return True
    numbers = Counter(origin.numbers)
    if origin.is_formula and not origin.is_worked:
        return stated.keys() == numbers.keys()  # sympy prints a formula much as it was typed
    return numbers == stated or (len(stated) == 1 and stated == Counter(set(numbers)))


def _numbers_of(result: str) -> Counter[Fraction]:
    text = _TIGHT_FRACTION.sub(r" \\1 \\2 ", _THOUSANDS.sub("", result))
    return Counter(Fraction(number) for number in NUMBER.findall(text) if len(number) <= MAX_DIGITS)
