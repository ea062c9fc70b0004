"""Write presentation MathML as LaTeX.

Not covered: content MathML (<apply>), long division and other elementary layouts (<mstack>), colours and sizes.
"""

from collections.abc import Callable, Sequence
from typing import Any

from mathcode_pile.sources.html.mathml_symbols import ACCENTS, FUNCTIONS, LARGE, WIDE, join, write_characters
from mathcode_pile.sources.html.mathml_tokens import (
    name_of,
    text_of_token,
    write_identifier,
    write_number,
    write_operator,
    write_space,
    write_words,
)

# Formulas of real pages are not nested deeper than this.
MAX_DEPTH = 100
_FENCES = {"(": "pmatrix", "[": "bmatrix", "{": "Bmatrix", "|": "vmatrix", "‖": "Vmatrix", "∥": "Vmatrix"}
_CLOSERS = {"(": ")", "[": "]", "{": "}", "|": "|", "‖": "‖", "∥": "∥", "⟨": "⟩", "⌊": "⌋", "⌈": "⌉"}
_TALL = ("\\frac", "\\begin{", "\\sum", "\\prod", "\\int", "\\binom", "\\underset", "\\overset")


class UnreadableMathMLError(ValueError):
    """The formula has elements that cannot be written as LaTeX, or is nested too deeply."""


def mathml_to_latex(math: Any) -> str:
    """Return the LaTeX of an lxml element <math> or of a part of it; raises UnreadableMathMLError."""
    return _write(math, 0)


def _write(element: Any, depth: int) -> str:
    if depth > MAX_DEPTH:
        raise UnreadableMathMLError(f"nested more than {MAX_DEPTH} deep")
    name = name_of(element)
    writer = _WRITERS.get(name)
    if writer is None:
        raise UnreadableMathMLError(f"<{name}>")
    return writer(element, depth + 1)


def _children(element: Any) -> list[Any]:
    return [child for child in element if isinstance(child.tag, str)]


def _arguments(element: Any, depth: int, count: int) -> list[str]:
    children = _children(element)
    if len(children) != count:
        raise UnreadableMathMLError(f"<{name_of(element)}> with {len(children)} arguments, not {count}")
    return [_write(child, depth) for child in children]


def _group(latex: str) -> str:
    """Return LaTeX as one argument of a script: x, \\alpha and 2 as they are, longer ones in braces."""
    return latex if len(latex) == 1 else f"{{{latex}}}"


# --- rows


def _row(element: Any, depth: int) -> str:
    return _write_all(_children(element), depth)


def _write_all(children: Sequence[Any], depth: int) -> str:
    out, place = "", 0
    while place < len(children):
        written, used = _fenced_part(children, place, depth)
        out, place = join(out, written), place + used
    return out


def _fenced_part(children: Sequence[Any], place: int, depth: int) -> tuple[str, int]:
    """Return the next part of a row and the number of elements it takes: a matrix with its brackets, or one element."""
    opener = text_of_token(children[place]) if name_of(children[place]) == "mo" else ""
    if opener in _CLOSERS and place + 1 < len(children):
        inner = _unwrap(children[place + 1])
        closer = text_of_token(children[place + 2]) if place + 2 < len(children) else ""
        if name_of(inner) == "mtable":
            if closer == _CLOSERS[opener] and opener in _FENCES:
                return _table(inner, depth, _FENCES[opener]), 3
            if opener == "{" and closer in ("", "\u200b"):
                return _table(inner, depth, "cases"), 3 if place + 2 < len(children) else 2
        if closer == ")" == _CLOSERS[opener] and name_of(inner) == "mfrac" and _is_binomial(inner):
            upper, lower = _arguments(inner, depth, 2)
            return f"\\binom{{{upper}}}{{{lower}}}", 3
        end = _find_closer(children, place)
        if end is not None:
            body = _write_all(children[place + 1 : end], depth)
            if any(command in body for command in _TALL):
                opening, closing = (write_characters(sign) for sign in (opener, _CLOSERS[opener]))
                return f"\\left{opening}{body}\\right{closing}", end - place + 1
    return _write(children[place], depth), 1


def _find_closer(children: Sequence[Any], place: int) -> int | None:
    """Return the place of the operator that closes the bracket at `place`; the next bar closes a bar."""
    opener = text_of_token(children[place])
    closer, level = _CLOSERS[opener], 0
    for index in range(place, len(children)):
        sign = text_of_token(children[index]) if name_of(children[index]) == "mo" else ""
        if opener == closer:
            if sign == closer and index > place:
                return index
            continue
        level += (sign == opener) - (sign == closer)
        if not level:
            return index
    return None


def _unwrap(element: Any) -> Any:
    """Return what is alone in rows and styles around it."""
    while name_of(element) in ("mrow", "mstyle", "mpadded") and len(inner := _children(element)) == 1:
        element = inner[0]
    return element


def _is_binomial(fraction: Any) -> bool:
    return fraction.get("linethickness", "").rstrip("pxemt. ") == "0"


def _semantics(element: Any, depth: int) -> str:
    children = _children(element)
    return _write(children[0], depth) if children else ""


def _nothing(element: Any, depth: int) -> str:
    return ""


def _fenced(element: Any, depth: int) -> str:
    opening, closing = element.get("open", "("), element.get("close", ")")
    children = _children(element)
    inner = _unwrap(children[0]) if len(children) == 1 else None
    if inner is not None and name_of(inner) == "mtable" and _CLOSERS.get(opening) == closing and opening in _FENCES:
        return _table(inner, depth, _FENCES[opening])
    if inner is not None and name_of(inner) == "mtable" and opening == "{" and not closing.strip():
        return _table(inner, depth, "cases")
    marks = element.get("separators", ",").replace(" ", "")
    body = ""
    for index, child in enumerate(children):
        mark = marks[min(index, len(marks)) - 1 : min(index, len(marks))] if index and marks else ""
        body = join(body + mark, _write(child, depth))
    left, right = write_characters(opening.strip()) or ".", write_characters(closing.strip()) or "."
    if "." in (left, right) or any(command in body for command in _TALL):
        return f"\\left{left}{body}\\right{right}"
    return f"{left}{body}{right}"


# --- fractions, roots, scripts


def _fraction(element: Any, depth: int) -> str:
    upper, lower = _arguments(element, depth, 2)
    return f"{{{upper} \\atop {lower}}}" if _is_binomial(element) else f"\\frac{{{upper}}}{{{lower}}}"


def _square_root(element: Any, depth: int) -> str:
    return f"\\sqrt{{{_row(element, depth)}}}"


def _root(element: Any, depth: int) -> str:
    body, index = _arguments(element, depth, 2)
    return f"\\sqrt[{index}]{{{body}}}"


def _base(element: Any, depth: int) -> str:
    """Return the base of a script: in braces where LaTeX would attach the script to a part of it only."""
    written = _write(element, depth)
    inner = _unwrap(element)
    is_bracketed = written.startswith(("(", "[", "|", "\\left")) and written.endswith((")", "]", "|"))
    if name_of(inner) in ("mi", "mn", "mo", "mtext", "munder", "mover") or is_bracketed or not written:
        return written or "{}"
    return f"{{{written}}}"


def _below(element: Any, depth: int) -> str:
    base, script = _base_and_scripts(element, depth, 1)
    return f"{base}_{_group(script)}"


def _above(element: Any, depth: int) -> str:
    base, script = _base_and_scripts(element, depth, 1)
    primes = script.replace("\\prime", "'")
    return f"{base}{primes}" if primes and not primes.strip("'") else f"{base}^{_group(script)}"


def _below_and_above(element: Any, depth: int) -> str:
    base, lower, upper = _base_and_scripts(element, depth, 2)
    primes = upper.replace("\\prime", "'")
    if primes and not primes.strip("'"):
        return f"{base}{primes}_{_group(lower)}"
    return f"{base}_{_group(lower)}^{_group(upper)}"


def _base_and_scripts(element: Any, depth: int, scripts: int) -> list[str]:
    children = _children(element)
    if len(children) != scripts + 1:
        raise UnreadableMathMLError(f"<{name_of(element)}> with {len(children)} arguments, not {scripts + 1}")
    return [_base(children[0], depth), *(_write(child, depth) for child in children[1:])]


def _takes_limits(element: Any) -> bool:
    """Say whether LaTeX sets what is under or over an operator by _ and ^: sums, limits, braces with a remark."""
    inner = _unwrap(element)
    text = text_of_token(inner)
    if name_of(inner) in ("munder", "mover"):
        return any(text_of_token(child) in ("⏞", "⏟") for child in _children(inner)[1:])
    return name_of(inner) in ("mo", "mi") and (text in LARGE or text in FUNCTIONS)


def _under(element: Any, depth: int) -> str:
    return _decorate(element, depth, "\\underset", _below)


def _over(element: Any, depth: int) -> str:
    return _decorate(element, depth, "\\overset", _above)


def _decorate(element: Any, depth: int, stack: str, script: Callable[[Any, int], str]) -> str:
    base, mark = _arguments(element, depth, 2)
    children = _children(element)
    if _takes_limits(children[0]):
        return script(element, depth)
    accent = ACCENTS.get(text_of_token(children[1])) if name_of(_unwrap(children[1])) in ("mo", "mi", "mtext") else None
    if accent == "\\bar" and stack == "\\underset":
        accent = "\\underline"
    if accent:
        is_long = len(text_of_token(children[0])) > 1 or name_of(_unwrap(children[0])) not in ("mi", "mn")
        return f"{WIDE.get(accent, accent) if is_long else accent}{{{base}}}"
    return f"{stack}{{{mark}}}{{{base}}}"


def _under_and_over(element: Any, depth: int) -> str:
    base, lower, upper = _arguments(element, depth, 3)
    if _takes_limits(_children(element)[0]):
        return _below_and_above(element, depth)
    return f"\\underset{{{lower}}}{{\\overset{{{upper}}}{{{base}}}}}"


def _scripts_on_both_sides(element: Any, depth: int) -> str:
    children = _children(element)
    if not children:
        raise UnreadableMathMLError("<mmultiscripts> without a base")
    sides: list[list[Any]] = [[]]
    for child in children[1:]:
        if name_of(child) == "mprescripts":
            sides.append([])
        else:
            sides[-1].append(child)
    after, *rest = (_pairs_of_scripts(part, depth) for part in sides)
    before = "".join(rest)
    return (f"{{}}{before}" if before else "") + _base(children[0], depth) + after


def _pairs_of_scripts(scripts: Sequence[Any], depth: int) -> str:
    out = ""
    for sign, script in zip("_^" * len(scripts), scripts, strict=False):
        written = "" if name_of(script) == "none" else _write(script, depth)
        out += f"{sign}{_group(written)}" if written else ""
    return out


# --- tables and boxes


def _table(element: Any, depth: int, environment: str = "") -> str:
    rows = []
    for row in _children(element):
        cells = _children(row)
        if name_of(row) == "mlabeledtr":
            cells = cells[1:]
        rows.append([_row(cell, depth) for cell in cells])
    if not environment:
        aligns = element.get("columnalign", "").split()
        environment = "aligned" if aligns[:2] == ["right", "left"] else "matrix"
    body = r" \\ ".join(" & ".join(cells) for cells in rows)
    return f"\\begin{{{environment}}}{body}\\end{{{environment}}}"


def _plain_table(element: Any, depth: int) -> str:
    return _table(element, depth)


def _enclose(element: Any, depth: int) -> str:
    body, notation = _row(element, depth), element.get("notation", "longdiv").split()
    for mark, command in (("radical", "\\sqrt"), ("box", "\\boxed"), ("top", "\\overline"), ("bottom", "\\underline")):
        if mark in notation:
            return f"{command}{{{body}}}"
    if any("strike" in mark for mark in notation):
        return f"\\cancel{{{body}}}"
    return body


def _phantom(element: Any, depth: int) -> str:
    return f"\\phantom{{{_row(element, depth)}}}"


_WRITERS: dict[str, Callable[[Any, int], str]] = {
    **dict.fromkeys(("math", "mrow", "mstyle", "mpadded", "merror", "mtd"), _row),
    **dict.fromkeys(("semantics", "maction"), _semantics),
    **dict.fromkeys(("annotation", "annotation-xml", "maligngroup", "malignmark", "none", "mglyph"), _nothing),
    **{
        "mi": write_identifier,
        "mn": write_number,
        "mo": write_operator,
        "mtext": write_words,
        "ms": write_words,
        "mspace": write_space,
    },
    **{"mfrac": _fraction, "msqrt": _square_root, "mroot": _root, "mfenced": _fenced},
    **{"msub": _below, "msup": _above, "msubsup": _below_and_above},
    **{"munder": _under, "mover": _over, "munderover": _under_and_over, "mmultiscripts": _scripts_on_both_sides},
    **{"mtable": _plain_table, "menclose": _enclose, "mphantom": _phantom},
}
