"""Read the terms of a chain as they are meant.

Where a notation has two readings and exactly one of them makes the statement true, that one was meant. A term that
cannot be read ends a chain, and so does a change of units.
"""

from fractions import Fraction
from typing import NamedTuple

from stages.translate.reasons import Reason
from stages.translate.symbolic.angles import without_degrees
from stages.translate.symbolic.breaks import COMMA
from stages.translate.symbolic.chains import Chain
from stages.translate.symbolic.latex_reader import read_tokens
from stages.translate.symbolic.latex_words import BINOMIALS, FRACTIONS, groups_thousands, has_repetend, magnitude
from stages.translate.symbolic.nodes import (
    TRIGONOMETRY,
    Node,
    UnreadableError,
    bits,
    free_symbols,
    is_integer,
    is_trivial,
    is_value,
    number,
    operations,
)
from stages.translate.symbolic.notation import Notation
from stages.translate.symbolic.numeric import Value, half_place, value_of
from stages.translate.symbolic.steps import Side
from stages.translate.symbolic.terms import Term

_FLOAT_ERROR = 1e-10
_LONG = 300
"""Digits of a number that may be too large."""
# The notations with two readings, by the reason that a reader gives who does not know which was meant.
_AMBIGUOUS = {
    Reason.AMBIGUOUS_LOGARITHM: "logarithm",
    Reason.AMBIGUOUS_ANGLE: "angle",
    Reason.AMBIGUOUS_SLASH: "slash",
    Reason.AMBIGUOUS_ARGUMENT: "argument",
}
# Notations whose other reading is too rare to be trusted, or is about other units than the page states.
_LEFT_OUT = {
    "mixed_number": Reason.AMBIGUOUS_MIXED_NUMBER,
    "magnitude": Reason.UNITS_DIFFER,
    "point": Reason.AMBIGUOUS_POINT,
    "repetend": Reason.UNKNOWN_NOTATION,
    "usual_pi": Reason.ROUNDED_INPUT,
    "pi_fraction": Reason.ROUNDED_INPUT,
}


class Read(NamedTuple):
    """What was read of a chain: its terms, and the reason for each that cannot be read."""

    sides: list[Side]
    reasons: list[Reason]
    is_chosen: bool = False
    """Whether one of two readings was chosen, since only it makes the statement true."""


def read_chain(chain: Chain, notation: Notation) -> Read:
    """Return the terms of a chain as they are meant."""
    plain = _read(chain, notation)
    if any(COMMA in term.tokens for term in chain.terms):
        decimal = _read(chain._replace(terms=list(map(_with_points, chain.terms))), notation)
        if _is_true(decimal.sides) and not _is_true(plain.sides):
            return decimal._replace(is_chosen=True)
    for name in _open_notations(chain, plain, notation):
        readings = [_read(chain, notation._replace(choices=((name, choice),))) for choice in (0, 1)]
        true = [reading for reading in readings if _is_true(reading.sides)]
        if len(true) == 1 and true[0] != plain:
            if name in _LEFT_OUT:
                return Read([], [_LEFT_OUT[name]])
            if name == "argument" and true[0] == readings[0]:
                return Read([], [Reason.AMBIGUOUS_ARGUMENT])  # nobody writes sin(pi)/2 as sin pi/2
            return true[0]._replace(is_chosen=True)
    return plain


def _with_points(term: Term) -> Term:
    """Return a term whose commas between digits are decimal points: 0,25 as 0.25."""
    tokens: list[str] = []
    for token in term.tokens:
        if tokens and tokens[-1].endswith(COMMA) and token.isdigit():
            tokens[-1] = tokens[-1].replace(COMMA, ".") + token
        elif token == COMMA and tokens and tokens[-1].isdigit():
            tokens[-1] += token
        else:
            tokens.append(token)
    return term._replace(tokens=tokens)


def _read(chain: Chain, notation: Notation) -> Read:
    runs: list[list[Side]] = [[]]
    reasons: list[Reason] = []
    for term in chain.terms:
        try:
            runs[-1].append(Side(term, _read_term(term, notation)))
        except UnreadableError as error:
            reasons.append(error.reason)
            # Dots leave out terms, not their value.
            if error.reason is not Reason.ELLIPSIS or not _has_inner_dots(term):
                runs.append([])
    whole = _meant([side for run in runs for side in run])
    # Where the result is right, the terms between may be of any kind.
    return Read(whole if len(runs) == 1 or is_consistent(whole) else _meant(max(runs, key=len)), reasons)


def _meant(sides: list[Side]) -> list[Side]:
    return _last_part(_with_one_unit(sides))


def _read_term(term: Term, notation: Notation) -> Node:
    if len(term.tokens) == 1 and term.tokens[0].isdecimal() and len(term.tokens[0]) < _LONG:
        return number(term.tokens[0].lstrip("0") or "0")  # as the reader does
    if term.tokens[:1] == ["+"]:
        raise UnreadableError(Reason.TORN_LINE)
    if len(term.tokens) == 3 and term.tokens[0] == "(" and term.tokens[1].isdigit() and term.tokens[2] == ")":
        raise UnreadableError(Reason.UNKNOWN_NOTATION)  # an ideal, a cycle, or the number of an equation
    if len(term.tokens) > 1 and term.tokens[0] == "(" and term.tokens[1] in BINOMIALS and _closes_last(term.tokens):
        raise UnreadableError(Reason.UNKNOWN_NOTATION)  # the number of multisets
    node = without_degrees(read_tokens(list(term.tokens), notation))
    bits(node)
    return node


def _closes_last(tokens: list[str]) -> bool:
    """Whether the first closing parenthesis of a term ends it."""
    return ")" in tokens and tokens.index(")") == len(tokens) - 1


def _has_inner_dots(term: Term) -> bool:
    """Whether dots are between the terms of a sum or product, not at the end of a number."""
    return len(term.tokens) == 1 or term.tokens[-1] not in ("\\dots", "\\ldots", "\\cdots", "\\dotsb", ".")


def _with_one_unit(sides: list[Side]) -> list[Side]:
    """Return the sides up to a change of units: 2000 g = 2 kg, 60 degrees = pi/3."""
    first = ""
    start = next((index for index, side in enumerate(sides) if not is_trivial(side.node)), 0)
    for index, side in enumerate(sides):
        if index < start:
            continue
        unit = ("degrees " if "\\circ" in side.term.tokens else "") + side.term.unit
        if first == "degrees " and not unit and "pi" in operations(side.node):
            return sides[:index]
        if first and unit and unit != first and is_value(side.node):
            return sides[:index]
        first = first or (unit if is_value(side.node) or unit[:8] == "degrees " else "")
    return sides


def _last_part(sides: list[Side]) -> list[Side]:
    """Return the part of a chain that is exact, or ends in the first approximate value.

    In 49 * 21 ~ 50 * 20 = 1000 it is 50 * 20 = 1000, in 1/3 ~ 0.33 = 33% it is 1/3 ~ 0.33.
    """
    place = next((index for index, side in enumerate(sides) if index and side.term.relation == "~"), 0)
    if not place or place == len(sides) - 1:
        return sides
    rest = [sides[place]._replace(term=sides[place].term._replace(relation="")), *sides[place + 1 :]]
    return _last_part(rest) if not is_value(rest[0].node) else sides[: place + 1]


def _open_notations(chain: Chain, plain: Read, notation: Notation) -> list[str]:
    """Return the notations of a chain that have two readings, if what was read so far is not true."""
    ambiguous = [_AMBIGUOUS[reason] for reason in plain.reasons if reason in _AMBIGUOUS]
    if ambiguous or len(plain.sides) < 2:
        return ambiguous[:1] if len(set(ambiguous)) == 1 else []
    if all(is_trivial(side.node) or free_symbols(side.node) for side in plain.sides):
        return []
    if _is_true(plain.sides):
        return []
    tokens = {token for term in chain.terms for token in term.tokens}
    operators = set().union(*(operations(side.node) for side in plain.sides))
    names = ["bracket"] if any(term.tokens[:1] == ["["] and term.tokens[-1] == "]" for term in chain.terms) else []
    names += ["angle"] if operators & TRIGONOMETRY and "degrees" not in operators else []
    names += ["scope"] if operators & {"sum", "prod", "int", "diff", "limit"} and tokens & {"+", "-"} else []
    names += (["pi"] if notation.pi_value else ["usual_pi", "pi_fraction"]) if "\\pi" in tokens else []
    names += ["point"] if any("." in token and groups_thousands(token) for token in tokens) else []
    if any("." in token for token in tokens) and any(
        has_repetend(term.tokens, place) for term in chain.terms for place in range(len(term.tokens) - 3)
    ):
        names.append("repetend")
    names += ["magnitude"] if any(map(magnitude, tokens)) else []
    names += ["mixed_number"] if tokens & FRACTIONS else []
    names += ["comma"] if any("," in token and token[0].isdigit() for token in tokens) else []
    return names


def _is_true(sides: list[Side]) -> bool:
    """Whether a chain's result is the value of its expression, to the digits stated."""
    source, target = computed_pair(sides)
    if source is None or target is None:
        return False
    value, stated = value_of(source.node), value_of(target.node)
    if value is None or stated is None:
        return False
    is_nearest = target.term.relation == "~" and is_integer(target.node) and abs(float(value) - float(stated)) <= 0.5
    return is_nearest or agree_to_digits(value, stated, target.node)


def is_wrong(computed: Node, stated: Node) -> bool:
    """Whether the value of a tree is known, and is not the stated one to the digits stated."""
    value, wanted = value_of(computed), value_of(stated)
    return value is not None and wanted is not None and not agree_to_digits(value, wanted, stated)


def is_consistent(sides: list[Side]) -> bool:
    """Whether a chain's result is right, or its first and last formula are equal at a few points."""
    opened = [side.node for side in sides if free_symbols(side.node)]
    if len(opened) < 2 or len(opened) < len(sides):
        return _is_true(sides)
    names = sorted(free_symbols(opened[0]))
    if free_symbols(opened[-1]) != set(names):
        return False
    points = [{name: Fraction(7 * place + 5 * shift + 3, 4) for place, name in enumerate(names)} for shift in range(3)]
    pairs = [(value_of(opened[0], at), value_of(opened[-1], at)) for at in points]
    return all(one is not None and one == other for one, other in pairs)


def agree_to_digits(value: Value, stated: Value, target: Node) -> bool:
    """Whether a value is the stated one, to the digits of the node that states it."""
    if value == stated:
        return True
    distance = abs(float(value) - float(stated))
    size = max(abs(float(value)), abs(float(stated)))
    return distance <= max(float(half_place(target)) * (1 + 1e-9), _FLOAT_ERROR * max(size, 1e-3))


def computed_pair(sides: list[Side]) -> tuple[Side | None, Side | None]:
    """Return the first side without letters that has something to compute, and the last finished value behind it."""
    closed = [side for side in sides if not free_symbols(side.node)]
    start = next((index for index, side in enumerate(closed) if not is_trivial(side.node)), None)
    if start is None:
        return None, None
    results = [side for side in closed[start + 1 :] if is_value(side.node) and side.node != closed[start].node]
    if not results and start > 0:
        results = [closed[start - 1]]
    return closed[start], results[-1] if results else None
