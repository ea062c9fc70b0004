"""Compare a stated result with an output in this process: numbers, and formulas at chosen points.

Every step is limited in size, so no pair needs a time limit here. Pairs that need more are left to
computer_algebra.py (NeedsSymbolsError).
"""

import re
from typing import NamedTuple

from mathcode_pile.answers.builders import bare
from mathcode_pile.answers.equality import compare_values
from mathcode_pile.answers.outputs import output_lines, result_texts, why_no_result
from mathcode_pile.answers.reading import read_printed, read_stated
from mathcode_pile.answers.readings import readings
from mathcode_pile.answers.scalars import DIFFERENT, SAME, UNSURE, any_of
from mathcode_pile.answers.values import Constant, Node, TooLargeError, UnreadableError, show

# A longer output is no result.
MAX_OUTPUT = 65_536

_BEYOND = re.compile(
    r"\\(?:i?int|oint|sum|prod|lim|det|partial|frac\s*\{\s*d|d?frac\s*\{\\partial|begin\s*\{[vV]matrix)"
)
_IN_BASE = re.compile(r"\$?(-?[0-9A-Za-z]*\d[0-9A-Za-z]*)_(?:\d+|\{\d+\})\$?")
_MODULUS = re.compile(
    r"\s*\(?\s*(?:\\pmod|\\text\{ *\(?mod *\}|\(\\?(?:mod|bmod))\s*(?:\{(?P<braced>\d{1,9})\}|(?P<plain>\d{1,9}))"
    r"\s*\)?\s*\$?\.?\s*\Z"
)
# The space between two numbers tells them apart.
_SPACE = re.compile(r"(?<![0-9.])\s+|\s+(?![0-9.])")
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
    residue, modulus = _split_modulus(stated)
    if modulus:
        return _judge_residue(residue, printed, modulus)
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


def _split_modulus(text: str) -> tuple[str, int]:
    """Return a text without a modulus at its end, `7 \\pmod{12}`, and that modulus; 0 if there is none."""
    match = _MODULUS.search(text)
    return (text[: match.start()], int(match["braced"] or match["plain"])) if match else (text, 0)


def _judge_residue(stated: str, printed: str, modulus: int) -> Comparison:
    """Compare a residue with an output, which may name its modulus too. Another representative is left undecided."""
    residue, printed_modulus = _split_modulus(printed.strip())
    found = _judge(stated, residue)
    is_integer = all(value.lstrip("-").isdigit() for value in (found.stated, found.printed))
    is_same_class = is_integer and (int(found.stated) - int(found.printed)) % modulus == 0
    if printed_modulus not in (0, modulus) or (found.verdict == DIFFERENT and is_same_class):
        return found._replace(verdict=UNSURE, method="residue")
    return found


def _is_same_text(stated: str, printed: str) -> bool:
    """Whether the two are the same apart from case, space, dollar signs and full stops."""
    one, other = (_SPACE.sub("", text.lower().replace("$", "")).strip(".") for text in (stated, printed))
    return one == other and 0 < len(one) <= 1000


def _judge_output(value: Node, stated: str, printed: str) -> Comparison:
    in_base = _IN_BASE.fullmatch(stated.strip())
    if in_base and printed.strip().lower() == in_base[1].lower():
        # 25_6: a program that writes a number in base 6 prints 25, and so does one that computes 25.
        verdict = UNSURE if printed.strip().isdigit() else SAME
        return Comparison(verdict, "base", show(value), _shorten(printed))
    found: list[Comparison] = []
    reason = why_no_result(value, printed)
    if reason:
        return Comparison(UNSURE, reason, show(value), _shorten(printed))
    for text in result_texts(value, printed):
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
    found = [_judge_pair(one, output) for one in readings(value)]
    best = any_of([one.verdict for one in found])
    return next(one for one in found if one.verdict == best)


def _judge_pair(value: Node, output: Node) -> Comparison:
    """Compare two values as they were understood. Raises NeedsSymbolsError."""
    pair = show(value), show(output)
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
