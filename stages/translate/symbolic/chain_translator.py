"""Translate one chain of equal terms: into a step of a program, or into a program of its own if it has unknowns.

Wrong results are translated like right ones; verify gives the verdict.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

from mathcode_pile.answers import agrees_as_rounded
from stages.translate.computation import Computation
from stages.translate.reasons import Reason
from stages.translate.symbolic.chains import Chain
from stages.translate.symbolic.identities import shows_identity
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
    is_trivial,
    number,
    operations,
    walk,
)
from stages.translate.symbolic.numeric import exact_value
from stages.translate.symbolic.other_arithmetic import Arithmetics, other_arithmetic
from stages.translate.symbolic.program_writer import write_program
from stages.translate.symbolic.quantities import Quantities
from stages.translate.symbolic.step_finder import StepFinder
from stages.translate.symbolic.steps import Form, Side, Spot, Step
from stages.translate.symbolic.terms import Term
from stages.translate.symbolic.titles import title_of

_IN_A_BASE = re.compile(
    r"\b(?:in|positive|number|which|what) base\b|\bbase[- ](?:\$|\d|ten\b|two\b|eight\b|b\b)|\bbases\b", re.IGNORECASE
)
_WORD = re.compile(r"\s?([A-Za-z]+)")
_LONGEST_WORD = 20
# The letters of a constant of integration.
_CONSTANTS = {"C", "c", "k", "K", "C_1"}


class Translated(NamedTuple):
    """What one chain gives: a step that may be one of several in a program, or a computation of its own."""

    step: Step | None
    computation: Computation | None


def translate_chain(
    chain: Chain,
    sides: list[Side],
    spot: Spot,
    page: Arithmetics,
    known: Quantities,
    why_not: Callable[[list[Side]], Reason | None],
) -> Translated | Reason | None:
    """Return what one chain computes, None if it computes nothing, or why it is not translated.

    page: the other arithmetics that the page mentions.
    known: what the page has stated before; what this chain states is added.
    why_not: why a computation with these sides is left out, for example because the page rejects it.
    """
    is_in_a_base = "base" in spot.sentence.lower() and _IN_A_BASE.search(spot.sentence)
    if is_in_a_base and not any("_" in term.tokens for term in chain.terms):
        return Reason.DENIED
    finder = StepFinder(chain, sides, spot, known)
    is_residue = bool(chain.modulus) or any(term.relation == "mod" for term in chain.terms)
    reason, step = None, None
    try:
        step = _residue(chain, sides, spot) if is_residue else finder.find()
        if step and (reason := other_arithmetic([side.node for side in sides], spot.sentence, page)):
            step = step if chain.modulus else None
            reason = None if chain.modulus else reason
        if step and not known.wrong_steps.isdisjoint(step.uses):
            step, reason = None, Reason.WRONG_STEP
        if step and not reason and (reason := why_not(_computed_sides(step, _unit_of(chain, known.parts.text, spot)))):
            rounded = _with_rounded_inputs(step, finder) if reason is Reason.ROUNDED_INPUT else None
            if rounded:
                finder.state(None)  # later steps take the value that the page states
                return Translated(rounded, None)
            step = None
    except UnreadableError as error:
        reason = error.reason
    if not is_residue:
        finder.state(step)
    if step or reason or is_residue:
        return Translated(step, None) if step else reason
    try:
        computation = _compute_symbolic(sides, spot, known.parts.words(spot.sentence_start, spot.start))
    except UnreadableError as error:
        return error.reason
    if computation:
        reason = other_arithmetic([side.node for side in sides], spot.sentence, page) or why_not(sides)
    if reason:
        return reason
    return Translated(None, computation) if computation else None


def _unit_of(chain: Chain, text: str, spot: Spot) -> str:
    """Return the unit of a chain's result, or the word right behind its formula, which may be one."""
    if "\\$" in text[spot.start : spot.end]:
        return "dollars"
    word = _WORD.match(text, spot.end, spot.end + _LONGEST_WORD)
    return chain.terms[-1].unit or (word[1] if word else "")


def _computed_sides(step: Step, unit: str) -> list[Side]:
    """Return what a step computes and what the page states for it, without the letters whose values are known."""
    relation = "~" if step.relation == "≈" else "="
    return [Side(Term([], "", ""), step.closed), Side(Term([], relation, unit), step.stated)]


def _with_rounded_inputs(step: Step, finder: StepFinder) -> Step | None:
    """Return a step that is right if its decimals were rounded before; None if the page does not say that they were.

    It says so with ≈, with words, or by rounding one of them itself. Verify compares by the relation, which becomes ≈.
    """
    has_rounded = any(term.relation == "~" for term in finder.chain.terms) or any(
        finder.known.is_rounded(exact_value(item), finder.spot.start)
        for item in walk(step.closed)
        if item.op == "num" and is_decimal(item)
    )
    numbers = next((side for side in finder.closed if not is_trivial(side.node)), None)
    if numbers is None or not (step.relation == "≈" or (has_rounded and step.form.is_rounded)):
        return None
    expression = latex_of(numbers.term.tokens)
    is_right = agrees_as_rounded(expression, step.result)
    return step._replace(expression=expression, relation="≈") if is_right else None


def _residue(chain: Chain, sides: list[Side], spot: Spot) -> Step | None:
    if not chain.modulus:
        raise UnreadableError(Reason.NO_MODULUS)
    modulus = read_tokens(list(chain.modulus))
    closed = [side for side in sides if not free_symbols(side.node)]
    if not is_integer(modulus) or len(closed) < 2 or not is_integer(closed[-1].node):
        return None
    source, target = closed[0], closed[-1]
    size, residue = integer(modulus), integer(target.node)
    if not _has_residue(source.node) or not -size < residue < size or size < 2:
        raise UnreadableError(Reason.UNUSUAL_RESIDUE)
    if is_integer(source.node) and abs(integer(source.node)) < size:
        return None
    node = Node("mod", (source.node, modulus))
    if residue < 0:
        # The page states the representative below zero.
        node = Node("add", (node, Node("neg", (number(str(size)),))))
    expression = f"{latex_of(source.term.tokens)} \\bmod {size}"
    result = latex_of(target.term.tokens)
    return Step(spot.place, (), node, node, {}, (), Form("exact"), expression, result, "=", target.node)


def _has_residue(node: Node) -> bool:
    """Whether an expression is an integer under a modulus. Of negative powers Python computes one alone: 3^{-1}."""
    if operations(node) & {"div", "sqrt"} or is_decimal(node) or (is_trivial(node) and not is_integer(node)):
        return False
    inner = node.args if node.op == "pow" else (node,)
    has_root = any(part.op == "pow" and not is_integer(part.args[1]) for part in inner)
    has_inverse = any(item.op == "pow" and item.args[1].op == "neg" for part in inner for item in walk(part))
    return not has_root and not has_inverse


def _compute_symbolic(sides: list[Side], spot: Spot, before: str) -> Computation | None:
    """Compute derivatives, integrals, limits and series with unknowns, and what the page calls an identity."""
    opened = [side for side in sides if free_symbols(side.node)]
    if len(opened) < 2:
        return None
    source, target = opened[0], opened[-1]
    if operations(source.node) & CALCULUS:
        if operations(target.node) & CALCULUS:
            raise UnreadableError(Reason.UNFINISHED_CALCULUS)
        return _compute_calculus(source, target, spot)
    if len(opened) > 2 and is_trivial(source.node):
        source, opened = opened[1], opened[1:]
    if len({frozenset(free_symbols(side.node)) for side in opened}) > 1:
        raise UnreadableError(Reason.EQUATION_OR_DEFINITION)
    if not shows_identity(source.node, target.node, len(opened), spot.sentence, before):
        raise UnreadableError(Reason.EQUATION_OR_DEFINITION)
    return _record(source, target, _form_of(target.node, ("mul", "pow")), spot)


def _compute_calculus(source: Side, target: Side, spot: Spot) -> Computation:
    finish, stated = "", free_symbols(target.node)
    if source.node.op == "int" and len(source.node.args) == 2:
        if len(stated - free_symbols(source.node)) != 1 or not stated - free_symbols(source.node) <= _CONSTANTS:
            raise UnreadableError(Reason.ANTIDERIVATIVE_NOT_UNIQUE)
        finish = "constant"
    elif not stated <= free_symbols(source.node):
        raise UnreadableError(Reason.EQUATION_OR_DEFINITION)
    elif source.node.op in ("sum", "prod", "diff"):
        finish = _form_of(target.node, ("mul", "div", "pow"))
    return _record(source, target, finish, spot)


def _record(source: Side, target: Side, finish: str, spot: Spot) -> Computation:
    expression, result = latex_of(source.term.tokens), latex_of(target.term.tokens)
    title = title_of(source.node, spot.sentence)
    code = write_program(source.node, finish)
    return Computation(title, spot.sentence, expression, result, code, spot.place, spot.end)


def _form_of(stated: Node, factored: tuple[str, ...]) -> str:
    """Return how sympy brings a value into the form of the stated one."""
    if stated.op in factored:
        return "factor"
    return "expand" if stated.op == "add" else "simplify"
