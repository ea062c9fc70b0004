"""Split mathematics into chains of equal terms, `a = b \\approx c`, which may extend over aligned rows.

Not covered: a chain that continues in the next display.
"""

import re
from typing import NamedTuple

from stages.translate.reasons import Reason
from stages.translate.symbolic.latex_tokens import MAX_TOKENS, clean, tokens_of
from stages.translate.symbolic.nodes import UnreadableError

_RELATIONS = {"=": "=", "\\approx": "~", "\\equiv": "mod", "\\doteq": "~", "\\simeq": "~", "\\thickapprox": "~"}
_ENDS = {
    ",", ";", "\\quad", "\\qquad", "\\Rightarrow", "\\implies", "\\Longrightarrow", "\\iff", "\\Leftrightarrow", "\\to",
    "\\rightarrow", "\\Longleftrightarrow", "\\leftrightarrow", "<", ">", "\\le", "\\leq", "\\ge", "\\geq", "\\ne",
    "\\neq", "\\lt", "\\gt", "\\not", "\\sim", "\\cong", ":", "\\mid", "\\in", "\\therefore", "\\because",
    "\\leadsto", "\\land", "\\lor", "\\wedge", "\\vee", "\\propto", "\\stackrel", "\\overset", "\\underset", "?",
}  # fmt: skip
_DEPTHS = {"{": 1, "(": 1, "[": 1, "\\{": 1, "}": -1, ")": -1, "]": -1, "\\}": -1}
_ALIGNMENT = {"&", "\\quad", "\\qquad"}
_CONTINUING = {*_RELATIONS, "+", "-", "\\cdot", "\\times"}
_TEXT = re.compile(r"\\(?:text|textrm|mbox|mathrm|rm)\s*\{\s*(.*?)\s*\}", re.DOTALL)
_UNIT = re.compile(r"[A-Za-z°$ ./]{0,24}")
# Words between two chains, and endings of ordinal numbers.
_NO_UNITS = {"and", "or", "so", "if", "where", "when", "then", "for", "but", "since", "because", "th", "rd", "nd", "st"}
_MODULO = {"\\mod", "\\bmod", "\\text{mod }", "\\text{mod}"}
# A colon between numbers, with the same space on both sides, belongs to them: 8:00, 3:4, 12 : 4. The one in
# n = 5: 2 + 3 ends a chain.
_RATIO = re.compile(r"(?<=[\d}])(\s*|\\[,;]):\1(?=\d|\\[dt]?frac)")


class Term(NamedTuple):
    """One side of a relation: its tokens, the relation before it, and the unit behind it."""

    tokens: list[str]
    relation: str  # "" for the first, then "=", "~" or "mod"
    unit: str


class Chain(NamedTuple):
    """Terms that are said to be equal, and the modulus under which they are, if any."""

    terms: list[Term]
    modulus: list[str]


def find_chains(latex: str) -> list[Chain]:
    """Return the chains of at least two terms in a piece of LaTeX. Raises UnreadableError if it is too long."""
    latex = re.sub(r"%[^\n]*\n", "\n", latex) if "\\begin" in latex else latex
    latex = re.sub(r"\\\\\s*\[-?[\d.]+ ?[a-z]{2}\]", r"\\\\ ", latex)
    latex = re.sub(r"\\(?:tag\*?|label|intertext|notag|nonumber|hspace)\s*(?:\{[^{}]*\})?", " ", latex)
    tokens = _all_tokens(_RATIO.sub(r"\\ratio ", latex))
    chains: list[Chain] = []
    for segment in _segments(tokens):
        chain = _chain(segment)
        if len(chain.terms) > 1:
            chains.append(chain)
    return chains


def _all_tokens(latex: str) -> list[str]:
    cleaned = clean(latex)
    tokens: list[str] = []
    for row in cleaned.split("\\\\") if cleaned.count("\\\\") > 2 and "matrix" not in cleaned else [cleaned]:
        if tokens:
            tokens.append("\\\\")
        tokens.extend(tokens_of(row))
        if len(tokens) > 8 * MAX_TOKENS:
            raise UnreadableError(Reason.TOO_LONG)
    return tokens


def _segments(tokens: list[str]) -> list[list[str]]:
    """Split at what ends a chain; a row that begins with a relation continues the row before it."""
    segments: list[list[str]] = [[]]
    depth = 0
    for index, token in enumerate(tokens):
        depth += _depth(token)
        if depth == 0 and token == "\\\\":
            following = [item for item in tokens[index + 1 : index + 5] if item not in _ALIGNMENT]
            if (following and following[0] in _CONTINUING) or (segments[-1] and segments[-1][-1] in _CONTINUING):
                continue
            segments.append([])
        elif depth == 0 and token in _ALIGNMENT and (not segments[-1] or _next(tokens, index) in _CONTINUING):
            continue
        elif depth == 0 and (token in _ENDS or _is_conjunction(token)):
            segments.append([])
        elif not (token.startswith(("\\begin{a", "\\end{a")) and "array" not in token):
            segments[-1].append(token)
    return segments


def _next(tokens: list[str], index: int) -> str:
    return tokens[index + 1] if index + 1 < len(tokens) else ""


def _is_conjunction(token: str) -> bool:
    text = _TEXT.fullmatch(token)
    return text is not None and text[1] in _NO_UNITS


def _depth(token: str) -> int:
    """Return 1 if a token opens a bracket or a matrix, -1 if it closes one, else 0."""
    if token.startswith(("\\begin{", "\\end{")) and ("matrix" in token or "{array}" in token):
        return 1 if token.startswith("\\begin") else -1
    return _DEPTHS.get(token, 0)


def _chain(segment: list[str]) -> Chain:
    modulus: list[str] = []
    parts: list[tuple[str, list[str]]] = [("", [])]
    depth, index = 0, 0
    while index < len(segment):
        token = segment[index]
        if depth == 0 and token == "\\pmod":
            modulus, index = _argument(segment, index + 1)
            continue
        if token == "(" and _next(segment, index) in _MODULO:
            close = segment.index(")", index) if ")" in segment[index:] else len(segment)
            modulus, index = segment[index + 2 : close], close + 1
            continue
        depth += _depth(token)
        if depth == 0 and token in _RELATIONS:
            parts.append((_RELATIONS[token], []))
        elif token != "&" or depth:
            parts[-1][1].append(token)
        index += 1
    return Chain([_term(tokens, relation) for relation, tokens in parts], modulus)


def _argument(tokens: list[str], start: int) -> tuple[list[str], int]:
    if tokens[start : start + 1] != ["{"]:
        return tokens[start : start + 1], start + 1
    end = tokens.index("}", start) if "}" in tokens[start:] else len(tokens)
    return tokens[start + 1 : end], end + 1


def _term(tokens: list[str], relation: str) -> Term:
    """Return a term without the end of its sentence, its unit, and braces around the whole of it."""
    tokens, unit = list(tokens), ""
    if tokens[-2:] == [".", "."]:
        return Term(tokens, relation, unit)  # 3.14.. is not a finished number
    while tokens:
        text = _TEXT.fullmatch(tokens[-1])
        if tokens[-1] in (".", ",", ";", "\\,", "\\ "):
            tokens.pop()
        elif text and not unit and _UNIT.fullmatch(text[1]):
            unit = text[1].strip(" .")
            tokens.pop()
        elif len(tokens) > 3 and tokens[-2] == "^" and tokens[-1] in "23" and _TEXT.fullmatch(tokens[-3]):
            unit = _TEXT.fullmatch(tokens[-3])[1].strip(" .") + "^" + tokens[-1]  # type: ignore[index]
            del tokens[-3:]
        elif tokens[0] == "{" and _closes_at_end(tokens):
            tokens = tokens[1:-1]
        else:
            break
    return Term(tokens, relation, unit)


def _closes_at_end(tokens: list[str]) -> bool:
    depth = 0
    for index, token in enumerate(tokens):
        depth += (token == "{") - (token == "}")
        if depth == 0:
            return index == len(tokens) - 1
    return False
