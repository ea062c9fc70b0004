"""Decide how a program prints its result: in the form in which the page states it, never with its value."""

import re

from stages.translate.reasons import Reason
from stages.translate.symbolic.angles import has_exponent_zero
from stages.translate.symbolic.latex_words import PERCENT
from stages.translate.symbolic.nodes import (
    Node,
    UnreadableError,
    integer,
    is_decimal,
    is_integer,
    is_rational,
    is_value,
    number,
    operations,
    walk,
)
from stages.translate.symbolic.percentages import is_in_points
from stages.translate.symbolic.program_writer import choose_style
from stages.translate.symbolic.searching import has_any
from stages.translate.symbolic.steps import Form, Side, has_digits

# Every match of the pattern below contains one of these.
_ROUNDED_WORDS = ("nearest", "round", "approximat", "about", "roughly", "truncat", "at least", "at most")
_ROUNDED = re.compile(
    r"\b(nearest|round(?:ed|ing|s? (?:up|down|off|to))|approximat\w+|about|roughly|truncat\w+|at (?:least|most))\b",
    re.IGNORECASE,
)
_EXACTLY = re.compile(r"\bexact(?:ly)?\b", re.IGNORECASE)
# Rounded in a direction, or to nobody knows how many digits.
_ROUNDED_FREELY = re.compile(r"\b(?:up|down|about|roughly|truncat\w+|at (?:least|most))\b", re.IGNORECASE)
_UNROUNDED = 6
"""Digits of a value that the page may or may not have rounded."""


def says_rounded(sentence: str) -> bool:
    """Whether a sentence says that a value is rounded or approximate."""
    return has_any(sentence.lower(), _ROUNDED_WORDS) and _ROUNDED.search(sentence) is not None


def form_of(closed: Node, target: Side, sentence: str) -> Form:
    """Return how the value of an expression is printed so that it can be compared with the stated one.

    sentence: the one around the computation. Raises UnreadableError where the page may mean several values, or says
    that it did not round.
    """
    form = _form_of(closed, target, sentence)
    if form.is_rounded and target.term.relation != "~" and _EXACTLY.search(sentence):
        raise UnreadableError(Reason.ROUNDED)
    return form


def _form_of(closed: Node, target: Side, sentence: str) -> Form:
    is_about = target.term.relation == "~"
    loose = is_about or says_rounded(sentence)
    if percent := _percent_form(closed, target, loose):
        return percent
    stated = target.node.args[0] if target.node.op == "neg" else target.node
    if _is_scientific(stated) and (is_about or _digits(stated.args[0])):
        return Form("scientific", _digits(stated.args[0]), is_rounded=True)
    if stated.op == "num" and (is_decimal(stated) or is_about):
        digits = _digits(stated)
        form = Form("decimal", digits, not has_digits(closed, digits))
        return form if digits else _whole_form(form, closed, stated, sentence)
    if is_about:
        return Form("decimal", _UNROUNDED, is_rounded=True)
    style = choose_style(closed, decimal=False)
    if is_integer(target.node) and loose and style not in ("integer", "sympy"):
        return _whole_form(Form("decimal", 0, is_rounded=True), closed, stated, sentence)
    if style != "sympy" or _is_ready(closed):
        return Form("exact")
    # simplify leaves (2 + sqrt(3))**2 as it is.
    is_whole = all(is_rational(item.args[1]) for item in walk(closed) if item.op == "div")
    return Form("exact", finish="expand" if _has_products_of_sums(closed) and is_whole else "simplify")


def _percent_form(closed: Node, target: Side, loose: bool) -> Form | None:
    """Return the form of a result in percent, None for any other."""
    has_sign = target.term.tokens[-1] in PERCENT
    if not has_sign and target.term.unit not in ("percent", "per cent"):
        return None
    in_points = is_in_points(closed, target.node if has_sign else Node("div", (target.node, number("100"))))
    if has_sign and in_points:
        raise UnreadableError(Reason.PERCENT_OF_WHAT)
    if in_points:
        return None
    digits = _digits(target.node.args[0] if has_sign and target.node.op == "div" else target.node)
    is_rounded = not has_digits(closed, digits + 2)
    # 1/3 = 33% without a word of rounding is not taken for right.
    return Form("percent", digits if loose or digits or not is_rounded else _UNROUNDED, is_rounded)


def _whole_form(form: Form, closed: Node, stated: Node, sentence: str) -> Form:
    if has_digits(closed, 0):
        return Form("exact")
    # 487 is about 490, or about 500: nobody says how many digits count.
    if integer(stated) % 10 == 0 or _ROUNDED_FREELY.search(sentence):
        raise UnreadableError(Reason.ROUNDED)
    return form


def is_result(node: Node) -> bool:
    """Whether a node is a finished value that a program can print."""
    return is_value(node) and not has_exponent_zero(node)


def _digits(node: Node) -> int:
    """Return how many digits a number has behind its decimal point."""
    node = node.args[0] if node.op == "neg" else node
    return len(node.value.partition(".")[2]) if node.op == "num" else 0


def _is_scientific(node: Node) -> bool:
    """Whether a number is stated as 6.02 \\cdot 10^{23}."""
    if node.op != "mul" or len(node.args) != 2 or node.args[0].op != "num" or node.args[1].op != "pow":
        return False
    return node.args[1].args[0] == number("10") and is_integer(node.args[1].args[1])


def _is_ready(node: Node) -> bool:
    """Whether sympy gives a value in its final form without being told to simplify."""
    ops = operations(node)
    if _has_products_of_sums(node):
        return False
    return not ops & {"imaginary", "div"} or ops <= {"num", "neg", "mul", "div", "sqrt", "pow", "matrix", "row", "det"}


def _has_products_of_sums(node: Node) -> bool:
    """Whether a node with roots has a power of a sum, or a product that begins with one."""
    has_roots = bool(operations(node) & {"sqrt", "root"})
    return has_roots and any(item.op in ("mul", "pow") and item.args[0].op == "add" for item in walk(node))
