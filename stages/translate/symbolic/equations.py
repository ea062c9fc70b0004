"""Find equations in one unknown with their solutions right behind them: `$3x + 5 = 20$, so $x = 5$`.

There must be as many solutions as the degree: a page that keeps one root of two has a reason that we cannot see.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from stages.translate.symbolic.chains import Chain
from stages.translate.symbolic.identities import degree
from stages.translate.symbolic.nodes import Node, free_symbols, is_value, operations
from stages.translate.symbolic.numeric import exact_value, value_of
from stages.translate.symbolic.program_writer import write_solution
from stages.translate.symbolic.spans import Span

_POLYNOMIAL = {"num", "sym", "neg", "add", "mul", "div", "pow"}
_LINKS = re.compile(
    r"[\s,.;:]*(?:(?:so|thus|hence|therefore|then|gives?|giving|gets?|we|which|that|this|means|implies|yields?|and|finally|"
    r"solving|for|has|have|find|must|be|is|the|only|solutions?|roots?|are|whose|dividing|leads?|to|us|or)\b[\s,.;:]*){0,7}",
    re.IGNORECASE,
)
MAX_BETWEEN = 80


class Statement(NamedTuple):
    """A chain of a page, the terms of it that could be read, and its span and sentence."""

    chain: Chain
    nodes: list[Node]
    span: Span
    sentence: str


class Solution(NamedTuple):
    """An equation of a page with all its stated solutions."""

    place: int  # of the equation among the page's statements
    unknown: str
    values: list[int]  # places of the statements `x = value`
    code: str


def find_solutions(statements: list[Statement], text: str) -> list[Solution]:
    """Return the equations of a page that are followed by their solutions."""
    found = []
    for place, statement in enumerate(statements):
        unknown = _unknown(statement)
        if not unknown:
            continue
        left, right = statement.nodes
        wanted = max(degree(left), degree(right))
        values = _values(statements, place, unknown, wanted, text)
        if values:
            printed = "solutions[0]" if wanted == 1 else "solutions"
            found.append(Solution(place, unknown, values, write_solution(left, right, unknown, printed)))
    return found


def solve_for(statements: list[Statement], place: int, value: Node, can_be: Callable[[Statement], bool]) -> str | None:
    """Return a program that solves the equation which a statement gives a root of: `$x_1 = \\frac{10 + 2}{2} = 6$`.

    value: the root as the page states it. The equation is the last one in this unknown before, and the value satisfies
    it; of two roots the program prints the one that the page has here. None if there is no such equation.
    can_be: whether an earlier statement may be it, for example because it is of the same problem.
    """
    first = statements[place].nodes[0]
    if first.op != "sym":
        return None
    unknown = first.value.partition("_")[0]
    for statement in reversed(statements[:place]):
        if not can_be(statement):
            return None
        sides = _equation(statement, unknown, first.value)
        if sides is None:
            continue
        left, right = sides
        if max(degree(left), degree(right)) > 2:
            return None
        roots = _roots(Node("add", (left, Node("neg", (right,)))), unknown)
        stated = exact_value(value)
        if stated not in roots:
            return None
        choose = "solutions[0]" if len(roots) == 1 else "max(solutions)" if stated == max(roots) else "min(solutions)"
        return write_solution(left, right, unknown, choose)
    return None


def _equation(statement: Statement, unknown: str, root: str) -> tuple[Node, Node] | None:
    """Return the sides of an equation in an unknown, or of `f = 0` for a curve `y = f` whose root x_1 is named."""
    if _unknown(statement) == unknown:
        return statement.nodes[0], statement.nodes[1]
    is_curve = root != unknown and len(statement.nodes) == len(statement.chain.terms) == 2
    if not is_curve or statement.nodes[0].op != "sym" or statement.nodes[0].value == unknown:
        return None
    curve = statement.nodes[1]
    is_polynomial = free_symbols(curve) == {unknown} and operations(curve) <= _POLYNOMIAL and degree(curve) == 2
    return (curve, Node("num", (), "0")) if is_polynomial else None


def _roots(polynomial: Node, unknown: str) -> set[Fraction]:
    """Return the rational roots of a polynomial of degree 1 or 2, found from three of its values."""
    at = [value_of(polynomial, {unknown: Fraction(point)}) for point in (0, 1, -1)]
    exact = [value for value in at if isinstance(value, Fraction)]
    if len(exact) < len(at):
        return set()
    c, one, other = exact
    a, b = (one + other) / 2 - c, (one - other) / 2
    if not a:
        return {-c / b} if b else set()
    root = value_of(Node("sqrt", (Node("sym", (), unknown),)), {unknown: b * b - 4 * a * c})
    return {(-b + root) / (2 * a), (-b - root) / (2 * a)} if isinstance(root, Fraction) else set()


def _unknown(statement: Statement) -> str:
    """Return the one unknown of a polynomial equation of degree 1 to 3, empty if it is none."""
    if len(statement.chain.terms) != 2 or len(statement.nodes) != 2 or statement.chain.terms[1].relation != "=":
        return ""
    left, right = statement.nodes
    names = free_symbols(left) | free_symbols(right)
    if len(names) != 1 or left == right or statement.chain.modulus:
        return ""
    if (left.op == "sym" and not free_symbols(right)) or (right.op == "sym" and not free_symbols(left)):
        return ""
    if not (operations(left) | operations(right)) <= _POLYNOMIAL or not 1 <= max(degree(left), degree(right)) <= 3:
        return ""
    (name,) = names
    return "" if _is_identity(left, right, name) else name


def _is_identity(left: Node, right: Node, name: str) -> bool:
    """Whether two sides agree for every value of their letter: a factored form is followed by solutions too."""
    points = ({name: Fraction(point)} for point in (2, 7, -5, 11))
    pairs = ((value_of(left, at), value_of(right, at)) for at in points)
    return all(one is not None and one == other for one, other in pairs)


def _values(statements: list[Statement], place: int, unknown: str, wanted: int, text: str) -> list[int]:
    """Return the places of the solutions right behind an equation; none if there are fewer than wanted."""
    values: list[int] = []
    for next_place in range(place + 1, min(place + 1 + wanted, len(statements))):
        before, statement = statements[next_place - 1], statements[next_place]
        if not _states_value(statement, unknown) or not _is_linked(before.span, statement.span, text):
            return []
        values.append(next_place)
    if len(values) < wanted or _has_further_value(statements, values[-1], unknown, text):
        return []
    return values


def _has_further_value(statements: list[Statement], last: int, unknown: str, text: str) -> bool:
    """Whether one more solution follows: then the solutions belong to several equations."""
    following = last + 1
    if following >= len(statements) or not _states_value(statements[following], unknown):
        return False
    return _is_linked(statements[last].span, statements[following].span, text)


def _states_value(statement: Statement, unknown: str) -> bool:
    if len(statement.nodes) != len(statement.chain.terms) or statement.chain.terms[-1].relation != "=":
        return False
    first, last = statement.nodes[0], statement.nodes[-1]
    return first == Node("sym", (), unknown) and not free_symbols(last) and is_value(last)


def _is_linked(span: Span, following: Span, text: str) -> bool:
    """Whether only a few words such as `so we get` are between two spans."""
    if span == following:
        return True
    between = text[span.end : following.start]
    return len(between) <= MAX_BETWEEN and _LINKS.fullmatch(between) is not None
