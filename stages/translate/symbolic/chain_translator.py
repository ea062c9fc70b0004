"""Translate one chain of equal terms into code.

The expression of a computation is the first term with something to compute; its result is the last finished value.
Wrong results are translated like right ones; verify gives the verdict.
"""

import re

from stages.translate.computation import Computation
from stages.translate.reasons import Reason
from stages.translate.symbolic.angles import (
    INVERSES,
    exceeds_radians,
    has_exponent_zero,
    yields_angle,
)
from stages.translate.symbolic.chains import Chain
from stages.translate.symbolic.identities import shows_identity
from stages.translate.symbolic.latex_core import PERCENT
from stages.translate.symbolic.latex_reader import read_tokens
from stages.translate.symbolic.latex_tokens import latex_of
from stages.translate.symbolic.nodes import (
    CALCULUS,
    Node,
    UnreadableError,
    free_symbols,
    integer,
    is_decimal,
    is_integer,
    is_rational,
    is_trivial,
    is_value,
    number,
    operations,
    walk,
)
from stages.translate.symbolic.other_arithmetic import Arithmetics, other_arithmetic
from stages.translate.symbolic.percentages import is_in_points
from stages.translate.symbolic.program_writer import choose_style, write_program
from stages.translate.symbolic.reading import Side
from stages.translate.symbolic.titles import title_of

_IN_A_BASE = re.compile(
    r"\b(?:in|positive|number|which|what) base\b|\bbase[- ](?:\$|\d|ten\b|two\b|eight\b|b\b)|\bbases\b", re.IGNORECASE
)
_ROUNDED = re.compile(
    r"\b(nearest|round(?:ed|ing|s? (?:up|down|off|to))|approximat\w+|about|roughly|truncat\w+|at (?:least|most))\b",
    re.IGNORECASE,
)


def translate_chain(
    chain: Chain, sides: list[Side], sentence: str, before: str, page: Arithmetics
) -> list[Computation] | Reason:
    """Return the computations of one chain, or why it is not translated.

    sentence: the one that contains the chain; before: the part of the sentence before the chain.
    page: the other arithmetics that the page mentions.
    """
    if _IN_A_BASE.search(sentence) and not any("_" in term.tokens for term in chain.terms):
        return Reason.DENIED
    try:
        computations = _compute(chain, sides, sentence, before)
    except UnreadableError as error:
        return error.reason
    other = other_arithmetic([side.node for side in sides], sentence, page) if computations else None
    return other if other and not chain.modulus else computations


def _compute(chain: Chain, sides: list[Side], sentence: str, before: str) -> list[Computation]:
    if chain.modulus or any(term.relation == "mod" for term in chain.terms):
        return _compute_residue(chain, sides, sentence)
    closed = [side for side in sides if not free_symbols(side.node)]
    opened = [side for side in sides if free_symbols(side.node)]
    return _compute_closed(closed, sentence) + _compute_symbolic(opened, sentence, before)


def _compute_closed(closed: list[Side], sentence: str) -> list[Computation]:
    """Compute the first expression without unknowns; its result is the last finished value of the chain."""
    start = next((index for index, side in enumerate(closed) if not is_trivial(side.node)), None)
    if start is None or len(closed) < 2:
        return []
    source = closed[start]
    results = [side for side in closed[start + 1 :] if _is_result(side.node) and side.node != source.node]
    if results:
        return [_computation(source, results[-1], sentence)]
    if start > 0 and is_rational(closed[start - 1].node):
        # 120 = 2^3 \cdot 3 \cdot 5: the value comes first.
        return [_computation(source, closed[start - 1], sentence)]
    return []


def _is_result(node: Node) -> bool:
    return is_value(node) and not has_exponent_zero(node)


def _computation(source: Side, target: Side, sentence: str) -> Computation:
    if source.term.unit and source.term.unit != target.term.unit:
        raise UnreadableError(Reason.UNITS_DIFFER)
    has_sign = target.term.tokens[-1] in PERCENT
    in_points = is_in_points(source.node, target.node if has_sign else Node("div", (target.node, number("100"))))
    if has_sign and in_points:
        raise UnreadableError(Reason.PERCENT_OF_WHAT)
    in_percent = has_sign or (target.term.unit in ("percent", "per cent") and not in_points)
    decimal = is_decimal(target.node) or target.term.relation == "~" or in_percent
    kind = choose_style(source.node, decimal)
    ops = operations(source.node)
    if ops & {"pi", *INVERSES} and "\\circ" in target.term.tokens and "\\circ" not in source.term.tokens:
        raise UnreadableError(Reason.UNITS_DIFFER)
    if yields_angle(source.node) and exceeds_radians(target.node) and "pi" not in ops:
        raise UnreadableError(Reason.AMBIGUOUS_ANGLE)
    loose = target.term.relation == "~" or _ROUNDED.search(sentence)
    if is_integer(target.node) and kind not in ("integer", "sympy") and loose:
        raise UnreadableError(Reason.ROUNDED)
    finish = "percent" if in_percent else "simplify" if kind == "sympy" and not _is_ready(source.node) else ""
    program = write_program(source.node, kind, finish)
    return _record(source, target, latex_of(source.term.tokens), program, sentence)


def _is_ready(node: Node) -> bool:
    """Whether sympy gives a value in its final form without being told to simplify."""
    ops = operations(node)
    return not ops & {"imaginary", "div"} or ops <= {"num", "neg", "mul", "div", "sqrt", "pow", "matrix", "row", "det"}


def _record(source: Side, target: Side, expression: str, program: str, sentence: str) -> Computation:
    result = latex_of(target.term.tokens)
    return Computation(title_of(source.node, sentence), sentence, expression, result, program)


def _compute_residue(chain: Chain, sides: list[Side], sentence: str) -> list[Computation]:
    if not chain.modulus:
        raise UnreadableError(Reason.NO_MODULUS)
    modulus = read_tokens(list(chain.modulus))
    closed = [side for side in sides if not free_symbols(side.node)]
    if not is_integer(modulus) or len(closed) < 2 or not is_integer(closed[-1].node):
        return []
    source, target = closed[0], closed[-1]
    size, residue = integer(modulus), integer(target.node)
    if not _has_residue(source.node) or not -size < residue < size or size < 2:
        raise UnreadableError(Reason.UNUSUAL_RESIDUE)
    if is_integer(source.node) and abs(integer(source.node)) < size:
        return []
    node = Node("mod", (source.node, modulus))
    if residue < 0:
        # The page states the representative below zero.
        node = Node("add", (node, Node("neg", (number(str(size)),))))
    expression = f"{latex_of(source.term.tokens)} \\bmod {size}"
    return [_record(Side(source.term, node), target, expression, write_program(node, "integer"), sentence)]


def _has_residue(node: Node) -> bool:
    """Whether an expression is an integer under a modulus. Of negative powers Python computes one alone: 3^{-1}."""
    if operations(node) & {"div", "sqrt"} or is_decimal(node) or (is_trivial(node) and not is_integer(node)):
        return False
    inner = node.args if node.op == "pow" else (node,)
    has_root = any(part.op == "pow" and not is_integer(part.args[1]) for part in inner)
    has_inverse = any(item.op == "pow" and item.args[1].op == "neg" for part in inner for item in walk(part))
    return not has_root and not has_inverse


def _compute_symbolic(opened: list[Side], sentence: str, before: str) -> list[Computation]:
    """Compute derivatives, integrals, limits and series with unknowns, and what the page calls an identity."""
    if len(opened) < 2:
        return []
    source, target = opened[0], opened[-1]
    if operations(source.node) & CALCULUS:
        if operations(target.node) & CALCULUS:
            raise UnreadableError(Reason.UNFINISHED_CALCULUS)
        return [_compute_calculus(source, target, sentence)]
    if len(opened) > 2 and is_trivial(source.node):
        source, opened = opened[1], opened[1:]
    if len({frozenset(free_symbols(side.node)) for side in opened}) > 1:
        raise UnreadableError(Reason.EQUATION_OR_DEFINITION)
    if not shows_identity(source.node, target.node, len(opened), sentence, before):
        raise UnreadableError(Reason.EQUATION_OR_DEFINITION)
    program = write_program(source.node, "sympy", _form_of(target.node, ("mul", "pow")))
    return [_record(source, target, latex_of(source.term.tokens), program, sentence)]


def _compute_calculus(source: Side, target: Side, sentence: str) -> Computation:
    finish, stated = "", free_symbols(target.node)
    if source.node.op == "int" and len(source.node.args) == 2:
        if "C" not in stated or operations(target.node) & {"ln", "log", "abs"}:
            raise UnreadableError(Reason.ANTIDERIVATIVE_NOT_UNIQUE)
        finish = "constant"
    elif not stated <= free_symbols(source.node):
        raise UnreadableError(Reason.EQUATION_OR_DEFINITION)
    elif source.node.op in ("sum", "prod", "diff"):
        finish = _form_of(target.node, ("mul", "div", "pow"))
    program = write_program(source.node, "sympy", finish)
    return _record(source, target, latex_of(source.term.tokens), program, sentence)


def _form_of(stated: Node, factored: tuple[str, ...]) -> str:
    """Return how sympy brings a value into the form of the stated one."""
    if stated.op in factored:
        return "factor"
    return "expand" if stated.op == "add" else "simplify"
