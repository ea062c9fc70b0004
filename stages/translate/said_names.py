"""Take back a name that the text gives to another quantity: hours for `every 15 minutes`, area for `20.32 cm across`.

What the text calls a number is read by the symbolic translator's rules. A name is changed only where everything that
the text calls the number contradicts it: another unit, another dimension, or other things that are counted.

Not covered: names that are set more than once, and what a text says in other words.
"""

import ast
import re
from collections.abc import Collection, Iterator
from fractions import Fraction

from stages.translate.program_names import printed_name, rename
from stages.translate.symbolic.quantity_words import DIMENSIONS, find_mentions, is_quantity, name_of_mention

_LENGTHS = (
    "metres kilometres centimetres millimetres miles yards feet inches height width depth length radius diameter "
    "distance perimeter circumference edge hypotenuse leg thickness altitude side"
)
_DIMENSIONS = {
    name: dimension
    for dimension, names in {
        "length": _LENGTHS,
        "time": "hours minutes seconds days weeks months years time duration",
        "mass": "kilograms grams mass weight",
        "volume": "litres millilitres volume capacity",
        "area": "area",
        "speed": "speed velocity",
    }.items()
    for name in names.split()
}
_UNITS = DIMENSIONS - {"speed", "acceleration", "area", "volume", "angle", "temperature"}
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n(?=\S)")
_SPELLINGS = {"meters": "metres", "kilometers": "kilometres", "centimeters": "centimetres", "liters": "litres"}
# A result that is a number, perhaps with a unit: not 4π, not 5/6.
_NUMBER = re.compile(r"[^\d]*?(\d{1,40}(?:\.\d{1,40})?)(?:\s+[^\d\s+*/^-][^\d]*\d?)?\s*")


def rename_unsaid(code: str, result: str, text: str, anchor: int) -> str:
    """Return a program with the text's names for the numbers that it calls by another quantity's name.

    result: as the text states it; if it is one number, the name that is printed is looked at too.
    anchor: where the paragraph of the computation ends. What other paragraphs call a number counts only if this one
    does not have it: 12 minutes here may be 12 years there.
    A program that Python does not read, and one with functions, stays as it is.
    """
    try:
        module = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return code
    if any(isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef) for node in ast.walk(module)):
        return code
    numbers = dict(_named_numbers(module, result))
    if not numbers:
        return code
    said = _read_names(text, anchor)
    everything = set().union(*said.values()) if said else set()
    for name, value in numbers.items():
        own = said.get(value, set())
        if own and all(_contradicts(name, other, everything) for other in own):
            code = rename(code, name, _free(min(own), code))
    return code


def _read_names(text: str, anchor: int) -> dict[Fraction | int, set[str]]:
    """Return what a text calls each of its numbers."""
    start = max((match.end() for match in _PARAGRAPH_END.finditer(text, 0, anchor)), default=0)
    said = {}
    for value, mentions in find_mentions(text).items():
        near = [mention for mention in mentions if start <= mention.start < anchor]
        # A single digit elsewhere is likely to be another one.
        meant = near or (mentions if value > 9 else [])
        said[value] = {name for mention in meant if (name := name_of_mention(text, mention))}
    return said


def _named_numbers(module: ast.Module, result: str) -> Iterator[tuple[str, Fraction]]:
    """Yield the names that a program gives to a number once, and the name of the result that it prints."""
    stored = [node.id for node in ast.walk(module) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    for statement in module.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
            pairs = [(target, value)]
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                pairs = list(zip(target.elts, value.elts, strict=False))
            for variable, given in pairs:
                number = _read(given)
                if isinstance(variable, ast.Name) and number is not None and stored.count(variable.id) == 1:
                    yield variable.id, number
    match = _NUMBER.fullmatch(re.split(r"=|\\approx|≈", result)[-1])
    if match and (name := printed_name(module)) and stored.count(name) == 1:
        yield name, Fraction(match[1])


def _read(node: ast.expr) -> Fraction | None:
    if isinstance(node, ast.Call) and len(node.args) == 1:
        return _read(node.args[0]) if ast.unparse(node.func) in ("Fraction", "Rational", "Decimal") else None
    # Python writes no integer of more than 4,300 digits.
    if not isinstance(node, ast.Constant) or (isinstance(node.value, int) and node.value.bit_length() > 100):
        return None
    number = re.fullmatch(r"\d{1,40}(?:\.\d{1,40})?", str(node.value))
    return Fraction(number[0]) if number else None


def _contradicts(name: str, said: str, everything: Collection[str]) -> bool:
    """Whether a number that the text calls `said` cannot be called `name`.

    everything: what the text calls any number.
    """
    (kind, noun), (said_kind, said_noun) = _split(name), _split(said)
    if noun == said_noun:
        # 18 side triangles are no corner_triangles where the text counts corners, too.
        has_other = bool(kind and said_kind) and kind != said_kind
        return has_other and any(_split(other)[1] == f"{kind}s" for other in everything)
    if noun in _UNITS and said_noun in _UNITS:
        return True
    dimensions = _dimension(kind, noun), _dimension(said_kind, said_noun)
    if all(dimensions):
        return dimensions[0] != dimensions[1]
    are_counted = not any(word in DIMENSIONS or is_quantity(word) for word in (noun, said_noun))
    return are_counted and any(noun == _split(other)[1] for other in everything)


def _split(name: str) -> tuple[str, str]:
    """Return the word before the noun of a name, and the noun."""
    kind, _, noun = name.lower().rstrip("_0123456789").rpartition("_")
    return kind, _SPELLINGS.get(noun, noun)


def _dimension(kind: str, noun: str) -> str:
    return {"square": "area", "cubic": "volume"}.get(kind, _DIMENSIONS.get(noun, ""))


def _free(name: str, code: str) -> str:
    """Return a name that the program does not have."""
    taken = set(re.findall(r"\w+", code))
    return next(free for free in (name, *(f"{name}_{number}" for number in range(2, 100))) if free not in taken)
