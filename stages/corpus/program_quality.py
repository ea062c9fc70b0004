"""Judge one program: does it compute more than a single operation, and does it name what the text gives?"""

import ast
import re
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from fractions import Fraction

from mathcode_pile.core.number_words import UP_TO_TWELVE
from mathcode_pile.core.program_size import count_operations

MIN_OPERATIONS = 2
# Larger numbers, which no text states, cannot be written in decimal digits.
MAX_BITS = 1000
_RATIONALS = frozenset({"Fraction", "Rational"})
_WRAPPERS = _RATIONALS | {"Integer", "Float", "Decimal", "S", "sympify", "mpf", "float", "int", "Matrix", "array"}
_NUMBER = re.compile(r"\d+(?:\.\d+)?|(?<!\d)\.\d+")
_GROUPING = re.compile(r"(?<=\d)(?:,|\{,\}|\\,|\\ )(?=\d{3}(?!\d))")
_SHORT_FRACTION = re.compile(r"\\[dt]?frac(\d)(\d)")  # \frac12 is 1/2
_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*(?:\\?%|percent|per cent)")


def _parse(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def is_trivial(code: str) -> bool:
    """Say whether a program has fewer than two operations; one that Python cannot read is not trivial."""
    return _parse(code) is not None and count_operations(code) < MIN_OPERATIONS


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def names_given_quantity(code: str, conditions: str) -> bool:
    """Say whether a program gives a name to a number, or to a list of numbers, that the conditions have."""
    tree = _parse(code)
    named = [set(numbers) for numbers in _named_numbers(tree) if numbers] if tree else []
    given = _read_numbers(conditions) if named else set()
    return any(numbers <= given for numbers in named)


def _named_numbers(tree: ast.Module) -> Iterator[list[Fraction]]:
    """Yield the numbers of each assignment to a name; of a tuple of names, each one's."""
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and node.value is not None:
            yield _literal_numbers(node.value) or []
        if not isinstance(node, ast.Assign):
            continue
        targets, values = node.targets[0], node.value
        if isinstance(targets, ast.Tuple) and isinstance(values, ast.Tuple):
            yield from (_literal_numbers(value) or [] for value in values.elts)
        elif isinstance(targets, ast.Name):
            yield _literal_numbers(values) or []


def _literal_numbers(node: ast.expr) -> list[Fraction] | None:
    """Return the numbers that a value is written with, without signs; None if it is not made of numbers alone."""
    if isinstance(node, ast.UnaryOp):
        return _literal_numbers(node.operand)
    if isinstance(node, ast.Constant):
        if isinstance(node.value, int) and node.value.bit_length() > MAX_BITS:
            return None
        is_number = re.fullmatch(r"-?[\d.]+(?:e[-+]?\d{1,3})?(?:/\d+)?", str(node.value))
        return [_to_fraction(part) for part in str(node.value).split("/")] if is_number else None
    if isinstance(node, ast.Call) and _name_of(node.func) in _WRAPPERS:
        return _join(node.args)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return _join(node.elts)
    if isinstance(node, ast.Dict):
        return _join(node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and not isinstance(node.left, ast.BinOp):
        return _join([node.left, node.right])  # 3 / 4 is how Python writes a fraction
    return None


def _join(nodes: list[ast.expr]) -> list[Fraction] | None:
    found = [_literal_numbers(node) for node in nodes]
    return None if None in found else [number for numbers in found for number in numbers or []]


def _to_fraction(number: str) -> Fraction:
    try:
        return abs(Fraction(Decimal(number)))
    except (InvalidOperation, ValueError, OverflowError):
        return Fraction(-1)  # which no text has


def _read_numbers(text: str) -> set[Fraction]:
    """Return the numbers of a text, in digits or in words up to twelve; 5% is also 0.05."""
    text = _GROUPING.sub("", _SHORT_FRACTION.sub(r" \1 \2 ", text))
    found = {_to_fraction(number) for number in _NUMBER.findall(text)}
    found |= {_to_fraction(number) / 100 for number in _PERCENT.findall(text)}
    words = set(re.findall(r"[a-z]+", text.lower()))
    return found | {Fraction(value) for word, value in UP_TO_TWELVE.items() if word in words}
