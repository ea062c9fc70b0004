"""Tell plain arithmetic from arithmetic in another base, 1 + 1 = 10, and under a modulus, 9 + 4 = 1.

Words of the page or the sentence must name the other arithmetic, and the numbers must have its form.
Not covered: equations that only their value betrays, such as 5 \\cdot 4 = 6 modulo 7.
"""

import re
from typing import NamedTuple

from stages.translate.reasons import Reason
from stages.translate.symbolic.nodes import Node, integer, is_integer, operations, walk

_TWO_DIGITS = re.compile(r"\b(?:binary|boolean|xor)\b|\bGF\(2\)", re.IGNORECASE)
_MODULAR = re.compile(r"\b(?:clocks?|modul(?:o|ar|us)|[bp]?mod)\b|\bcongruen|\\mathbb ?\{?Z\}? ?[_/]", re.IGNORECASE)
_DIGITS = {"ternary": "012", "octal": "01234567", "hex": "0123456789", "hexadecimal": "0123456789"}
_OTHER_DIGITS = re.compile(r"\b(" + "|".join(_DIGITS) + r")\b", re.IGNORECASE)


class Arithmetics(NamedTuple):
    """The other arithmetics that a page mentions."""

    has_two_digits: bool
    is_modular: bool


def arithmetics_of(text: str) -> Arithmetics:
    """Return what the words of a page say about its arithmetic."""
    return Arithmetics(bool(_TWO_DIGITS.search(text)), bool(_MODULAR.search(text)))


def other_arithmetic(sides: list[Node], sentence: str, page: Arithmetics) -> Reason | None:
    """Return why equal sides may not be meant in the usual arithmetic, None if they are."""
    if _may_be_other_digits(sides, sentence, page):
        return Reason.OTHER_BASE
    return Reason.MODULAR_ARITHMETIC if page.is_modular and _wraps(sides) else None


def _may_be_other_digits(sides: list[Node], sentence: str, page: Arithmetics) -> bool:
    """Whether all sides are plain arithmetic with the digits of another base that the text mentions."""
    numbers = {item.value for side in sides for item in walk(side) if item.op == "num"}
    # The number 16 shows that hexadecimal numbers are converted; in smaller bases the base itself is no digit.
    if any(operations(side) - {"num", "sym", "neg", "add", "mul"} for side in sides) or "16" in numbers:
        return False
    digits = [_DIGITS[word.lower()] for word in _OTHER_DIGITS.findall(sentence)] + ["01"] * page.has_two_digits
    return any(set("".join(numbers)) <= {".", *allowed} for allowed in digits)


def _wraps(sides: list[Node]) -> bool:
    """Whether the sides of a chain can be equal under a modulus only."""
    if len({integer(side) for side in sides if is_integer(side)}) > 1:
        return True  # 9 + 4 = 13 = 1
    for index, side in enumerate(sides):
        for later in sides[index + 1 :]:
            if "mod" in operations(later) and "mod" not in operations(side):
                return True  # 3^4 = 81 \bmod 7 = 4
            if is_integer(later) and (_is_fraction(side, integer(later)) or _passes_zero(side, integer(later))):
                return True
    return False


def _is_fraction(node: Node, result: int) -> bool:
    """Whether the result of a fraction between 0 and 1 is a whole number: 1/3 = 5, 3^{-1} = 5."""
    if node.op not in ("pow", "div") or not all(map(is_integer, node.args)) or result < 1:
        return False
    first, second = map(integer, node.args)
    return 0 < first < second if node.op == "div" else second < 0 < 1 < first


def _passes_zero(node: Node, result: int) -> bool:
    """Whether a result is too small for its numbers, 9 + 4 = 1, or too large for a difference, 2 - 5 = 9."""
    if node.op == "add" and len(node.args) == 2 and node.args[1].op == "neg" and all(map(is_integer, node.args)):
        return result > integer(node.args[0]) >= 0 > integer(node.args[1])
    exponents = [item.args[1] for item in walk(node) if item.op == "pow"]
    if not operations(node) <= {"num", "add", "mul", "pow"} or not node.args:
        return False
    if not all(is_integer(item) and integer(item) > 1 for item in exponents):
        return False
    numbers = _without_exponents(node)
    if not all(is_integer(item) and integer(item) > 0 for item in numbers):
        return False
    largest = max(map(integer, numbers))
    return 0 <= result < largest or (node.op != "mul" and result == largest > 1)


def _without_exponents(node: Node) -> list[Node]:
    if not node.args:
        return [node]
    return [leaf for item in (node.args[:1] if node.op == "pow" else node.args) for leaf in _without_exponents(item)]
