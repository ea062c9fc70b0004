"""Compare pairs that need sympy, latex2sympy2 or math-verify, in a process that can be killed.

A server that has imported them forks a child for each pair, so no pair sees what an earlier one left behind. It kills
the child when its time is up. The output of a program never reaches a parser that evaluates code: our own parser reads
it, and sympy's objects are built node by node.
"""

import json
import logging
import os
import resource
import select
import signal
import sys
import time
from typing import Any

from mathcode_pile.answers.builders import bare
from mathcode_pile.answers.evaluator import Scalar, scalar
from mathcode_pile.answers.functions import approximate, mp
from mathcode_pile.answers.judge import Comparison
from mathcode_pile.answers.lexer import clean
from mathcode_pile.answers.outputs import output_lines
from mathcode_pile.answers.reading import last_box, read_printed, read_stated
from mathcode_pile.answers.readings import readings
from mathcode_pile.answers.scalars import DIFFERENT, SAME, UNSURE, compare_scalars
from mathcode_pile.answers.second_route import is_value_of
from mathcode_pile.answers.values import Apply, Constant, Node, Number, Symbol, UnreadableError, show
from mathcode_pile.core.lifetime import die_with_parent

MEMORY_BYTES = 4 << 30
# The limit counts processor time. On a busy machine a pair may take this many times as long by the clock.
PATIENCE = 6


def serve() -> None:
    """Answer requests, each a line of JSON, until standard input ends."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    replies = os.dup(1)
    os.dup2(2, 1)
    logging.disable(logging.CRITICAL)  # math-verify warns that it has no time limit, but it has ours
    import latex2sympy2_extended  # noqa: F401  loaded once, before the forks
    import math_verify  # noqa: F401
    import sympy  # noqa: F401

    for line in sys.stdin.buffer:
        request = json.loads(line)
        reply = _work_in_child(request["stated"], request["printed"], request["expression"], request["limit_s"])
        os.write(replies, json.dumps(reply).encode() + b"\n")


def _work_in_child(stated: str, printed: str, expression: str, limit_s: float) -> list[str] | None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _work(writer, stated, printed, expression, limit_s)
    os.close(writer)
    deadline = time.monotonic() + limit_s * PATIENCE
    content = b""
    while (left := deadline - time.monotonic()) > 0:
        if select.select([reader], [], [], left)[0]:
            piece = os.read(reader, 65536)
            if not piece:
                break
            content += piece
    os.close(reader)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return json.loads(content) if content.endswith(b"]") else None


def _work(writer: int, stated: str, printed: str, expression: str, limit_s: float) -> None:
    try:
        die_with_parent()
        limit = max(1, round(limit_s))
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        found = confirm(stated, printed, expression) if expression else compare_symbols(stated, printed)
        os.write(writer, json.dumps(found).encode())
    except BaseException as error:  # sympy may raise anything; the parent sees a pair without an answer
        os.write(writer, json.dumps(["", type(error).__name__, "", ""]).encode())
    finally:
        os._exit(0)


def compare_symbols(stated: str, printed: str) -> Comparison:
    """Compare one pair; the caller limits time and memory."""
    output = bare(read_printed(output_lines(printed)[-1]))
    try:
        expected = to_sympy(bare(readings(read_stated(stated))[0]))
    except UnreadableError:
        expected = _read_latex(stated)
    verdict = _compare(expected, output)
    return Comparison(verdict, "symbolic", str(expected)[:300], show(output))


def confirm(stated: str, printed: str, expression: str) -> Comparison:
    """Return whether a contradicted result is the value of the expression that the page states it for, after all."""
    value = approximate(scalar(bare(readings(read_stated(stated))[0])).value)
    verdict = UNSURE if is_value_of(expression, value) else DIFFERENT
    return Comparison(verdict, "second_route", stated, printed)


def _read_latex(text: str) -> Any:
    from latex2sympy2_extended import latex2sympy

    box = last_box(text)
    return latex2sympy(clean(text if box is None else box).strip().rstrip(".")).doit()


def _compare(expected: Any, output: Node) -> str:
    import math_verify
    import sympy

    if isinstance(expected, sympy.Expr) and not expected.free_symbols:
        value = expected.evalf(50)
        if not (value.is_number and value.is_real and value.is_finite):
            return UNSURE
        verdict = compare_scalars(Scalar(mp.mpf(str(value))), scalar(output))
        # A value without a closed form comes from quadrature, which may be off.
        is_closed = not expected.atoms(sympy.Integral, sympy.Sum, sympy.Product, sympy.Limit)
        return verdict if is_closed or verdict == SAME else UNSURE
    found = to_sympy(output)
    # math-verify rounds floats, to 6 places by default; a stated result that has some is not left to it.
    is_same = not expected.atoms(sympy.Float) and math_verify.verify(
        expected, found, float_rounding=12, timeout_seconds=None
    )
    return SAME if is_same else UNSURE


def to_sympy(node: Node) -> Any:
    """Return an expression as sympy's. Raises UnreadableError if it is none."""
    import sympy

    match node:
        case Number(value, last_place):
            exact = sympy.Rational(value.numerator, value.denominator)
            return exact if last_place is None else sympy.Float(exact, 30)
        case Constant(name):
            return {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "oo": sympy.oo, "golden": sympy.GoldenRatio}[name]
        case Symbol(name):
            return sympy.Symbol(name)
        case Apply("root", (radicand, *degree)):
            return sympy.Pow(to_sympy(radicand), 1 / (to_sympy(degree[0]) if degree else sympy.Integer(2)))
        case Apply(function, arguments) if function in _SYMPY:
            build = _SYMPY[function]
            return (build if callable(build) else getattr(sympy, build))(*map(to_sympy, arguments))
    raise UnreadableError("not_an_expression")


_SAME_NAME = (
    *("sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan", "sinh", "cosh", "tanh", "asinh", "acosh"),
    *("atanh", "exp", "log", "erf", "factorial", "gamma", "binomial", "floor", "ceiling", "conjugate", "sign"),
    *("re", "im", "arg"),
)
_SYMPY: dict[str, Any] = {name: name for name in _SAME_NAME} | {
    "add": "Add",
    "mul": "Mul",
    "sub": lambda a, b: a - b,
    "div": lambda a, b: a / b,
    "pow": lambda a, b: a**b,
    "neg": lambda a: -a,
    "percent": lambda a: a / 100,
    "abs": "Abs",
}
