"""Compare formulas with variables, at points that have no relation to one another; equations by their difference."""

from mathcode_pile.answers.evaluator import Value, approximate, evaluate, mp
from mathcode_pile.answers.quantities import compare_percent
from mathcode_pile.answers.scalars import DIFFERENT, FLOAT_ERROR, FULL_DIGITS, SAME, UNSURE, Verdict, compare_numbers
from mathcode_pile.answers.values import (
    Apply,
    Constant,
    Labelled,
    Node,
    Number,
    Relation,
    Symbol,
    TooLargeError,
    UnreadableError,
    free_symbols,
    literals,
)
from mathcode_pile.answers.word_answers import compare_words

# Where expressions with variables are compared. No two are related in a way that a formula would use.
_POINTS = (
    "0.7390851332",
    "1.6449340668",
    "2.2360679775",
    "0.3183098862",
    "3.1622776602",
    "0.5671432904",
    "1.3247179572",
)


def compare_formulas(stated: Node, printed: Node) -> Verdict:
    """Return the verdict on two formulas; + C on the stated side stands for any constant."""
    variables, others = free_symbols(stated), free_symbols(printed)
    if not variables and not others:
        return compare_percent(stated, printed, False)
    if isinstance(stated, Symbol) and isinstance(printed, Symbol):
        return compare_words(stated, printed)
    constant = _integration_constant(stated, variables, others)
    if constant:
        verdict = _compare_points(stated, printed, constant)
        if verdict != SAME and variables - {constant} != others:
            return UNSURE, "variables"
        return verdict, "symbolic"
    verdict = _compare_points(stated, printed, None)
    if verdict == SAME or variables == others:
        return verdict, "symbolic"
    # Formulas in different variables speak of different things, unless these cancel out: x/x and 1.
    return UNSURE, "variables"


def _integration_constant(stated: Node, variables: frozenset[str], others: frozenset[str]) -> str | None:
    """The C of x^2/2 + C: a term of its own beside a formula, and the program printed none."""
    if not isinstance(stated, Apply) or stated.function not in ("add", "sub"):
        return None
    terms = [term.name for term in stated.arguments if isinstance(term, Symbol) and term.name in ("C", "c", "C1")]
    rest = [name for term in stated.arguments for name in free_symbols(term)]
    if len(terms) != 1 or rest.count(terms[0]) != 1 or terms[0] in others or not variables - {terms[0]} & others:
        return None
    return terms[0]


def _compare_points(stated: Node, printed: Node, constant: str | None) -> str:
    """Compare two expressions where their variables have values of no relation to one another."""
    names = sorted(free_symbols(stated) | free_symbols(printed))
    if len(names) > len(_POINTS):
        raise UnreadableError("too_many_variables")
    tolerance = _expression_tolerance(stated, printed)
    offsets: list[Value] = []
    verdicts: list[str] = []
    for shift in range(6):
        sign = -1 if shift >= 4 else 1
        at = {name: sign * mp.mpf(_POINTS[(i + shift) % 7]) * (1 + shift // 3) for i, name in enumerate(names)}
        if constant:
            at[constant] = mp.mpf(0)
        try:
            one, other = approximate(evaluate(stated, at)), approximate(evaluate(printed, at))
        except TooLargeError:
            raise
        except UnreadableError as reason:
            if str(reason) == "undefined":
                continue
            raise
        if sign < 0 and (isinstance(one, mp.mpc) or isinstance(other, mp.mpc)):
            # Beyond the domain, branches differ: log(x) and log|x|.
            continue
        offsets.append(other - one)
        size = max(abs(one), abs(other), mp.mpf(1) if constant else mp.mpf(10) ** -20)
        verdicts.append(SAME if abs(other - one) <= tolerance * size else DIFFERENT)
    if len(verdicts) < 3:
        return UNSURE
    if constant and DIFFERENT in verdicts:
        spread = max(abs(a - offsets[0]) for a in offsets[:4])
        return SAME if spread <= max(tolerance, mp.mpf(10) ** -25) * 10 else DIFFERENT
    if DIFFERENT not in verdicts:
        return SAME
    if SAME in verdicts or tolerance > FLOAT_ERROR:
        # The same for positive numbers only: sqrt(x^2) and x. Or too few digits to tell.
        return UNSURE
    return DIFFERENT


def _expression_tolerance(stated: Node, printed: Node) -> Value:
    decimals = [n for n in literals(printed) if n.last_place is not None and n.digits >= FULL_DIGITS]
    return FLOAT_ERROR if decimals else mp.mpf(10) ** -30


def compare_equations(stated: Node, printed: Node) -> Verdict:
    """Return the verdict where one side at least is an equation."""
    one, other = _difference(stated), _difference(printed)
    if one is not None and other is not None:
        verdict = _compare_proportional(one, other)
        # x = 5 and x^2 = 25 do not contradict each other; two curves that differ do.
        return (UNSURE if verdict == DIFFERENT and len(free_symbols(one)) == 1 else verdict), "equation"
    labelled = stated if isinstance(stated, Labelled) else printed
    plain = printed if labelled is stated else stated
    if isinstance(labelled, Labelled) and labelled.equation:
        # x + y = 7 against 7: what was computed, most often. x^2 - 1 = 0 against 0 says nothing.
        value = labelled.value
        if (
            free_symbols(value)
            or not is_scalar(value)
            or not is_scalar(plain)
            or free_symbols(plain)
            or evaluate(value) == 0
        ):
            return UNSURE, "equation"
        verdict = compare_numbers(value, plain) if labelled is stated else compare_numbers(plain, value)
        return (SAME if verdict == SAME else UNSURE), "equation"
    return UNSURE, "equation"


def _difference(node: Node) -> Node | None:
    if not isinstance(node, Labelled) or not is_scalar(node.value):
        return None
    left = node.left if node.left is not None else Symbol(node.label) if node.label.isalnum() else None
    return Apply("sub", (left, node.value)) if left is not None and is_scalar(left) else None


def _compare_proportional(one: Node, other: Node) -> str:
    """Whether two expressions are nought together: their ratio is the same everywhere."""
    if free_symbols(one) != free_symbols(other):
        return UNSURE
    names = sorted(free_symbols(one))
    if not names or len(names) > 6:
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
        operator, left, right = operator.translate(str.maketrans("<>", "><")), right, left
    if operator != stated.operator:
        return UNSURE, "relation"
    if not all(map(is_scalar, (left, right, stated.left, stated.right))):
        return UNSURE, "relation"
    verdict = _compare_points(Apply("sub", (stated.left, stated.right)), Apply("sub", (left, right)), None)
    return (SAME if verdict == SAME else UNSURE), "relation"


def is_scalar(node: Node) -> bool:
    """Return whether a value is a number or a formula, and not several."""
    return isinstance(node, Number | Constant | Symbol | Apply)
