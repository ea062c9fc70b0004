"""Compare a stated result with an output in this process: numbers, and formulas at chosen points.

Every step is limited in size, so no pair needs a time limit here. Pairs that need more are left to
computer_algebra.py (NeedsSymbolsError).
"""

import re
from typing import NamedTuple

from mathcode_pile.answers.builders import bare
from mathcode_pile.answers.equality import compare_values
from mathcode_pile.answers.reading import read_printed, read_stated
from mathcode_pile.answers.scalars import DIFFERENT, SAME, UNSURE
from mathcode_pile.answers.values import Constant, Node, Sequence, TooLargeError, UnreadableError, show

# A longer output is no result.
MAX_OUTPUT = 65_536
MAX_LINES = 200

_BEYOND = re.compile(
    r"\\(?:i?int|oint|sum|prod|lim|det|partial|frac\s*\{\s*d|d?frac\s*\{\\partial|begin\s*\{[vV]matrix)"
)
_IN_BASE = re.compile(r"\$?(-?[0-9A-Za-z]*\d[0-9A-Za-z]*)_(?:\d+|\{\d+\})\$?")
_NOTHING = re.compile(r"\s*(?:none|nan|null|undefined|error\b.*|traceback.*|[<][a-z_].*)\s*", re.IGNORECASE | re.DOTALL)


class Comparison(NamedTuple):
    """The verdict on one pair, the method it comes from, and the two values as understood."""

    verdict: str  # verified, contradicted or uncheckable
    method: str
    stated: str
    printed: str


class NeedsSymbolsError(Exception):
    """The pair needs computer algebra; `fallback` is the verdict if that cannot help either."""

    def __init__(self, fallback: Comparison) -> None:
        super().__init__(fallback.method)
        self.fallback = fallback


def judge(stated: str, printed: str) -> Comparison:
    """Compare a result as stated with an output as printed. Raises NeedsSymbolsError."""
    try:
        return _judge(stated, printed)
    except RecursionError:
        return Comparison(UNSURE, "too_deep", _shorten(stated), _shorten(printed))


def _judge(stated: str, printed: str) -> Comparison:
    shown = _shorten(stated), _shorten(printed)
    if not printed.strip():
        return Comparison(UNSURE, "no_output", *shown)
    if _NOTHING.fullmatch(printed):
        return Comparison(UNSURE, "no_value", *shown)
    if len(printed) > MAX_OUTPUT:
        return Comparison(UNSURE, "too_long", *shown)
    try:
        value = read_stated(stated)
    except UnreadableError as reason:
        if _is_same_text(stated, printed):
            return Comparison(SAME, "text", *shown)
        fallback = Comparison(UNSURE, f"stated_{reason}", *shown)
        if _BEYOND.search(stated) and not str(reason).startswith("too_"):
            raise NeedsSymbolsError(fallback) from None
        return fallback
    return _judge_output(value, stated, printed)


def _is_same_text(stated: str, printed: str) -> bool:
    """Whether the two are the same apart from case, space, dollar signs and full stops."""
    one, other = ("".join(text.lower().replace("$", "").split()).strip(".") for text in (stated, printed))
    return one == other and 0 < len(one) <= 1000


def _judge_output(value: Node, stated: str, printed: str) -> Comparison:
    in_base = _IN_BASE.fullmatch(stated.strip())
    if in_base and printed.strip().lower() == in_base[1].lower():
        # 25_6: a program that writes a number in base 6 prints 25.
        return Comparison(SAME, "numeric", show(value), _shorten(printed))
    found: list[Comparison] = []
    for text in _readings(value, printed):
        one = _judge_value(value, text)
        if one.verdict == SAME:
            return one
        found.append(one)
    # The last line counts, but if another one holds the value, the verdict is in doubt.
    best = next((c for c in found if c.verdict == DIFFERENT), found[-1])
    if best.verdict == UNSURE and _is_same_text(stated, printed):
        return Comparison(SAME, "text", *best[2:])
    if best.verdict == DIFFERENT and _is_elsewhere(value, printed):
        best = Comparison(UNSURE, "several_lines", *best[2:])
    return best


def _judge_value(value: Node, text: str) -> Comparison:
    """Compare a stated value with one reading of the output. Raises NeedsSymbolsError."""
    understood = show(value)
    try:
        output = read_printed(text)
    except TooLargeError as reason:
        return Comparison(UNSURE, str(reason), understood, _shorten(text))
    except UnreadableError as reason:
        return Comparison(UNSURE, f"printed_{reason}", understood, _shorten(text))
    if bare(output) == Constant("nan"):
        return Comparison(UNSURE, "no_value", understood, "nan")
    pair = understood, show(output)
    try:
        verdict, method = compare_values(value, output)
    except TooLargeError:
        return Comparison(UNSURE, "too_large", *pair)
    except ArithmeticError:
        return Comparison(UNSURE, "undefined", *pair)
    except UnreadableError as reason:
        fallback = Comparison(UNSURE, str(reason), *pair)
        if str(reason) == "unknown_function":
            raise NeedsSymbolsError(fallback) from None
        return fallback
    if (verdict, method) == (UNSURE, "symbolic"):
        raise NeedsSymbolsError(Comparison(verdict, method, *pair))
    return Comparison(verdict, method, *pair)


def output_lines(printed: str) -> list[str]:
    """Return the last lines of an output that are not blank."""
    return [line.strip() for line in printed.splitlines() if line.strip()][-MAX_LINES:]


def _readings(value: Node, printed: str) -> list[str]:
    """Return the parts of an output that may be the value, the likeliest first."""
    lines = output_lines(printed)
    if len(lines) == 1:
        return lines
    whole = " ".join(lines)
    if _is_balanced(whole) and not _is_balanced(lines[-1]):
        # Most often a matrix.
        return [whole]
    readings = [lines[-1]]
    inner = bare(value)
    if isinstance(inner, Sequence) and len(inner.items) == len(lines) and inner.kind != "matrix":
        # One line for each value.
        readings.insert(0, ", ".join(lines))
    return readings


def _is_balanced(line: str) -> bool:
    return all(line.count(a) == line.count(b) for a, b in ("()", "[]", "{}"))


def _is_elsewhere(value: Node, printed: str) -> bool:
    """Whether a line before the last one holds the value."""
    lines = output_lines(printed)[:-1]
    for line in lines[-20:]:
        try:
            if _judge_value(value, line).verdict == SAME:
                return True
        except NeedsSymbolsError:
            continue
    return False


def _shorten(text: str) -> str:
    text = " ".join(text[:2000].split())
    return text if len(text) <= 300 else text[:300] + " ..."
