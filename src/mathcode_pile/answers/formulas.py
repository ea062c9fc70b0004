"""Compare formulas with variables at a few unrelated points, and equations by the difference of their sides."""

from collections.abc import Iterator

from mathcode_pile.answers.builders import turned
from mathcode_pile.answers.constants import UP_TO_CONSTANT, has_constant, renamed
from mathcode_pile.answers.evaluator import evaluate
from mathcode_pile.answers.functions import Value, approximate, is_real, mp
from mathcode_pile.answers.quantities import compare_percent
from mathcode_pile.answers.scalars import DIFFERENT, FLOAT_ERROR, FULL_DIGITS, SAME, UNSURE, Verdict, compare_numbers
from mathcode_pile.answers.values import (
    Apply,
    Labelled,
    Node,
    Relation,
    Symbol,
    UnreadableError,
    free_symbols,
    is_scalar,
    literals,
)
from mathcode_pile.answers.word_answers import compare_words

# Values for the variables. No two of them are related in a way that a formula would use.
_POINTS = (
    "0.7390851332",
    "1.6449340668",
    "2.2360679775",
    "0.3183098862",
    "3.1622776602",
    "0.5671432904",
    "1.3247179572",
)
_MAX_EQUATION_VARIABLES = 6


def compare_formulas(stated: Node, printed: Node) -> Verdict:
    """Return the verdict on two formulas. Where a constant was left open, the method is `up_to_constant`."""
    variables, others = free_symbols(stated), free_symbols(printed)
    if not variables and not others:
        return compare_percent(stated, printed, False)
    if isinstance(stated, Symbol) and isinstance(printed, Symbol):
        return compare_words(stated, printed)
    verdict = _compare_points(stated, printed)
    if verdict != SAME and has_constant(stated):
        offset = _compare_antiderivatives(stated, printed)
        if offset:
            return offset, UP_TO_CONSTANT
    if verdict != SAME and any(_same_family(stated, other) for other in renamed(printed)):
        return SAME, UP_TO_CONSTANT
    if verdict == SAME or variables == others:
        return verdict, "symbolic"
    # Formulas in different variables are about different things, unless a variable cancels out: x/x and 1.
    return UNSURE, "variables"


def _compare_antiderivatives(stated: Node, printed: Node) -> str:
    """Compare a formula with + C to one with or without it; empty if they are about different variables."""
    one, other = (_at_zero(node) for node in (stated, printed))
    if not free_symbols(one) or free_symbols(one) != free_symbols(other):
        return ""
    if len(free_symbols(one)) > 1:
        return UNSURE  # the constant may depend on the others
    pairs = list(_values_at_points(one, other))
    if len(pairs) < 3:
        return UNSURE
    largest = max(max(abs(a), abs(b)) for a, b in pairs)
    # Where log|u| is stated, a program may print log(u), which is complex where u is negative.
    offsets = [(mp.re(b) if is_real(a) else b) - a for a, b in pairs[:4]]
    spread = max(abs(offset - offsets[0]) for offset in offsets)
    return SAME if spread <= max(_tolerance(printed), mp.mpf(10) ** -25) * 10 * max(1, largest) else DIFFERENT


def _at_zero(node: Node) -> Node:
    """Return a formula without its + C."""
    if not has_constant(node):
        return node
    assert isinstance(node, Apply)
    return Apply("add", tuple(term for term in node.arguments if term != Symbol("C")))


def _same_family(stated: Node, printed: Node) -> bool:
    return free_symbols(stated) == free_symbols(printed) and _compare_points(stated, printed) == SAME


def _compare_points(stated: Node, printed: Node) -> str:
    """Compare two expressions at points where their variables have unrelated values."""
    pairs = list(_values_at_points(stated, printed))
    if len(pairs) < 3:
        return UNSURE
    tolerance, least = _tolerance(printed), mp.mpf(10) ** -20
    # Infinity is near to nothing else, though the distance to it is no more than a share of it.
    agree = [
        one == other
        or (
            mp.isfinite(one) and mp.isfinite(other) and abs(other - one) <= tolerance * max(abs(one), abs(other), least)
        )
        for one, other in pairs
    ]
    if all(agree):
        return SAME
    # sqrt(x^2) and x agree for positive numbers only.
    return UNSURE if any(agree) else DIFFERENT


def _tolerance(printed: Node) -> Value:
    """Return how far the values of a printed formula may be off, relative to them."""
    decimals = [n for n in literals(printed) if n.last_place is not None and n.digits >= FULL_DIGITS]
    return FLOAT_ERROR if decimals else mp.mpf(10) ** -30


def _values_at_points(stated: Node, printed: Node) -> Iterator[tuple[Value, Value]]:
    """Yield the values of two expressions at each point where both have one."""
    names = sorted(free_symbols(stated) | free_symbols(printed))
    if len(names) > len(_POINTS):
        raise UnreadableError("too_many_variables")
    for shift in range(6):
        sign = -1 if shift >= 4 else 1
        at = {name: sign * mp.mpf(_POINTS[(i + shift) % 7]) * (1 + shift // 3) for i, name in enumerate(names)}
        try:
            one, other = approximate(evaluate(stated, at)), approximate(evaluate(printed, at))
        except UnreadableError as reason:
            if str(reason) == "undefined":
                continue
            raise
        # Outside the domain, branches differ: log(x) and log|x|.
        if sign > 0 or (is_real(one) and is_real(other)):
            yield one, other


def compare_equations(stated: Node, printed: Node) -> Verdict:
    """Return the verdict where one side at least is an equation."""
    one, other = _difference(stated), _difference(printed)
    if one is not None and other is not None:
        verdict = _compare_proportional(one, other)
        # x = 5 and x^2 = 25 do not contradict each other; two curves that differ do.
        return (UNSURE if verdict == DIFFERENT and len(free_symbols(one)) == 1 else verdict), "equation"
    equations = [node for node in (stated, printed) if isinstance(node, Labelled) and node.equation]
    if len(equations) == 1:
        # 7 against x + y = 7 is most often what was computed; 0 against x^2 - 1 = 0 says nothing.
        value = equations[0].value
        one, other = (value if node is equations[0] else node for node in (stated, printed))
        are_numbers = all(is_scalar(node) and not free_symbols(node) for node in (one, other))
        if are_numbers and evaluate(value) != 0 and compare_numbers(one, other) == SAME:
            return SAME, "equation"
    return UNSURE, "equation"


def _difference(node: Node) -> Node | None:
    """Return the left side of an equation less its right side, None if it has no such sides."""
    if not isinstance(node, Labelled) or not is_scalar(node.value):
        return None
    left = node.left if node.left is not None else Symbol(node.label) if node.label.isalnum() else None
    return Apply("sub", (left, node.value)) if left is not None and is_scalar(left) else None


def _compare_proportional(one: Node, other: Node) -> str:
    """Compare two expressions that should be 0 at the same points: their ratio is the same everywhere."""
    if free_symbols(one) != free_symbols(other):
        return UNSURE
    names = sorted(free_symbols(one))
    if not names or len(names) > _MAX_EQUATION_VARIABLES:
        return UNSURE
    ratios: list[Value] = []
    for shift in range(5):
        at = {name: mp.mpf(_POINTS[(i + shift) % 7]) for i, name in enumerate(names)}
        top, bottom = approximate(evaluate(one, at)), approximate(evaluate(other, at))
        if not bottom or not top:
            return UNSURE
        ratios.append(top / bottom)
    return SAME if all(abs(r / ratios[0] - 1) < mp.mpf(10) ** -25 for r in ratios) else DIFFERENT


def compare_relations(stated: Node, printed: Node) -> Verdict:
    """Return the verdict on inequalities that are not intervals of one variable."""
    if not isinstance(stated, Relation) or not isinstance(printed, Relation):
        return UNSURE, "relation"
    operator, left, right = printed.operator, printed.left, printed.right
    if operator[0] != stated.operator[0] and operator != "!=":
        operator, left, right = turned(operator), right, left
    if operator != stated.operator:
        return UNSURE, "relation"
    if not all(map(is_scalar, (left, right, stated.left, stated.right))):
        return UNSURE, "relation"
    verdict = _compare_points(Apply("sub", (stated.left, stated.right)), Apply("sub", (left, right)))
    return (SAME if verdict == SAME else UNSURE), "relation"
