"""Split mathematics into chains of equal terms, `a = b \\approx c`, which may extend over aligned rows.

Not covered: a chain that continues in the next display.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from stages.translate.reasons import Reason
from stages.translate.symbolic.breaks import COMMA, mark_breaks
from stages.translate.symbolic.latex_tokens import MAX_TOKENS, clean, tokens_of
from stages.translate.symbolic.latex_words import magnitude
from stages.translate.symbolic.nodes import UnreadableError
from stages.translate.symbolic.terms import TEXT, Term, read_term, token_behind

_RELATIONS = {"=": "=", "\\approx": "~", "\\equiv": "mod", "\\doteq": "~", "\\simeq": "~", "\\thickapprox": "~"}
_ENDS = {
    ",", ";", "\\quad", "\\qquad", "\\implies", "\\iff", "\\to", "<", ">", "\\le", "\\leq", "\\ge", "\\geq", "\\ne",
    "\\neq", "\\lt", "\\gt", "\\not", "\\sim", "\\cong", ":", "\\mid", "\\in", "\\therefore", "\\because", "\\mapsto",
    "\\longmapsto", "\\&",
    "\\leadsto", "\\land", "\\lor", "\\wedge", "\\vee", "\\propto", "\\stackrel", "?",
}  # fmt: skip
_ARROW = re.compile(r"\\[A-Za-z]*arrow")
_DEPTHS = {"{": 1, "(": 1, "[": 1, "\\{": 1, "}": -1, ")": -1, "]": -1, "\\}": -1}
_SPACES = {"\\quad", "\\qquad"}
_ALIGNMENT = {"&", *_SPACES}
_SHORTEST_MARK = len("\\arrow")
_SIGNS = {"+", "-"}
_PLAIN_COMMANDS = {"\\times", "\\approx", "\\binom", "\\dfrac", "\\tfrac"}
_CONTINUING = {*_RELATIONS, "+", "-", "\\cdot", "\\times"}
# Words between two chains, and endings of ordinal numbers.
_NO_UNITS = {
    "and", "or", "so", "if", "where", "when", "then", "for", "but", "since", "because", "th", "rd", "nd", "st", "hence",
    "thus", "therefore", "while", "whereas", "which", "also", "now", "next", "that", "implies", "gives", "yields", "we",
    "with", "as", "i.e.", "however", "similarly", "likewise", "finally", "consequently", "provided", "let",
}  # fmt: skip
# Words between two operands.
_JOINING = {"of", "out of", "times", "plus", "minus", "over", "per", "by", "divided by", "multiplied by", "percent of"}
# Names of functions; the text before an operand is none of these, but words between two chains.
_FUNCTIONS = {
    "lcm",
    "gcd",
    "mod",
    "det",
    "lim",
    "max",
    "min",
    "sin",
    "cos",
    "tan",
    "log",
    "ln",
    "exp",
    "arcsin",
    "arccos",
    "arctan",
}
_MODULO_BARE = {
    "\\mod", "\\text{mod }", "\\text{mod}", "\\text{ mod }", "\\mathrm{mod}", "\\mathrm{mod }", "\\operatorname{mod}",
}  # fmt: skip
_MODULO = {"\\bmod", *_MODULO_BARE}
_MODULI = {"\\pmod", *_MODULO}
# A colon between numbers, with the same space on both sides, belongs to them: 8:00, 3:4, 12 : 4. The one in
# n = 5: 2 + 3 ends a chain.
_RATIO = re.compile(r"(?<=[\d}])(\s*|\\[,;]):\1(?=\d|\\[dt]?frac)")


class Chain(NamedTuple):
    """Terms that are said to be equal, and the modulus under which they are, if any."""

    terms: list[Term]
    modulus: list[str]


def find_chains(latex: str) -> list[Chain]:
    """Return the chains of at least two terms in a piece of LaTeX. Raises UnreadableError if it is too long."""
    if not any(relation in latex for relation in _RELATIONS) and "≈" not in latex and "≡" not in latex:
        return []
    latex = re.sub(r"%[^\n]*\n", "\n", latex) if "\\begin" in latex else latex
    marked = mark_breaks(latex)
    tokens = _all_tokens(_RATIO.sub(r"\\ratio ", marked) if ":" in marked else marked)
    chains: list[Chain] = []
    if "," in tokens and _equates_lists(tokens):
        return []
    for segment in [tokens] if all(map(_continues_always, tokens)) else _segments(tokens):
        chain = _chain(segment)
        if len(chain.terms) > 1:
            chains.append(chain)
    return chains


@lru_cache(4096)
def _continues_always(token: str) -> bool:
    """Whether a token is none that may end a row or a chain."""
    if len(token) >= _SHORTEST_MARK and token.startswith("\\"):
        return token in _PLAIN_COMMANDS
    return token not in _ENDS and token not in _ALIGNMENT and token not in ("\\\\", COMMA)


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


def _equates_lists(tokens: list[str]) -> bool:
    """Whether two lists are said to be equal: a, b = 1, 2."""
    depth = 0
    outside = ""
    for token in tokens:
        depth += _depth(token)
        if depth == 0 and (token == "," or token in _RELATIONS):
            outside += "," if token == "," else "="
    return outside.count("=") == 1 and outside.startswith(",") and not outside.endswith(("=", ",,"))


def _segments(tokens: list[str]) -> list[list[str]]:
    """Split at what ends a chain; a row that begins with a relation continues the row before it."""
    segments: list[list[str]] = [[]]
    was_indented = False
    for row in _rows(tokens):
        is_indented = row[:1] == ["&"]
        if not _continues(row, segments[-1], is_indented and not was_indented):
            segments.append([])
        was_indented = is_indented
        _split_row(row, segments)
    return segments


def _rows(tokens: list[str]) -> Iterator[list[str]]:
    row: list[str] = []
    depth = 0
    for token in tokens:
        depth += _depth(token)
        if depth == 0 and token == "\\\\":
            yield row
            row = []
        elif not (token.startswith(("\\begin{a", "\\end{a")) and "array" not in token):
            row.append(token)
    yield row


def _continues(row: list[str], before: list[str], is_indented: bool) -> bool:
    """Whether a row continues the chain of the row before it.

    is_indented: it begins with an alignment mark, as the row before it does not.
    """
    first = next((token for token in row if token not in _ALIGNMENT), "")
    if (before and before[-1] in _CONTINUING) or first in _CONTINUING - {"-"}:
        return True
    # -3 - 8 = -11 is a row of its own.
    return first == "-" and (is_indented or not any(_top_level_relations(row)))


def _top_level_relations(tokens: list[str]) -> Iterator[bool]:
    depth = 0
    for token in tokens:
        depth += _depth(token)
        if depth == 0 and token in _RELATIONS:
            yield True


def _split_row(row: list[str], segments: list[list[str]]) -> None:
    """Add the tokens of a row to the last segment, and begin another one at each end of a chain."""
    depth = marks = 0
    segment = segments[-1]
    for index, token in enumerate(row):
        depth += _depth(token)
        if depth:
            if token not in _SPACES:
                segment.append("," if token == COMMA else token)
        elif token not in _ALIGNMENT and token not in _ENDS and len(token) < _SHORTEST_MARK:
            segment.append(token)
        else:
            if token == "&":
                marks += row[index - 1] != "&" if index else 1
            if _ends_chain(row, index, segment, marks):
                segment = []
                segments.append(segment)
            elif token not in _ALIGNMENT:
                segment.append(token)


def _ends_chain(row: list[str], index: int, segment: list[str], marks: int) -> bool:
    """Whether a chain ends at a token of a row. marks: how many alignment marks the row has up to it."""
    token, last = row[index], segment[-1] if segment else ""
    following = next((item for item in row[index + 1 : index + 5] if item not in _ALIGNMENT), "")
    if token in _ALIGNMENT:
        is_joined = not last or last in _CONTINUING or following == "\\pmod" or following in _CONTINUING - _SIGNS
        if is_joined or (following in _SIGNS and (token != "&" or marks % 2 == 1)):
            return False
        # Every second mark of a row separates two columns of equations.
        return token != "&" or any(_top_level_relations(segment))
    return token in _ENDS or _ARROW.fullmatch(token) is not None or _is_between_chains(token, last, following)


def _is_between_chains(token: str, before: str, following: str) -> bool:
    """Whether a text is between two chains, `= 7 \\text{ hence } 7 + 1`, and no unit, name or function."""
    text = TEXT.fullmatch(token)
    if text is None:
        return False
    words = text[1].lower().strip(" .,;:()")
    if not before and text[1].endswith(":"):
        return True  # a label before a statement
    first = words.split(" ", 1)[0]
    if words in _JOINING:
        return False
    if first in _NO_UNITS and "remainder" not in words:
        return True
    if len(words) < 2 or words in _FUNCTIONS or "remainder" in words or magnitude(token):
        return False
    if not before or before in _CONTINUING:
        return False
    return following[:1].isalnum() or following in ("\\frac", "\\dfrac", "\\tfrac", "\\sqrt")


@lru_cache(4096)
def _depth(token: str) -> int:
    """Return 1 if a token opens a bracket or a matrix, -1 if it closes one, else 0."""
    if len(token) > 2 and token.startswith(("\\begin{", "\\end{")) and ("matrix" in token or "{array}" in token):
        return 1 if token.startswith("\\begin") else -1
    return _DEPTHS.get(token, 0)


def _chain(segment: list[str]) -> Chain:
    modulus: list[str] = []
    if not _MODULI.isdisjoint(segment):
        segment, modulus = _without_modulus(segment)
    parts: list[tuple[str, list[str]]] = [("", [])]
    depth = 0
    for token in segment:
        depth += _depth(token)
        if depth == 0 and token in _RELATIONS:
            parts.append((_RELATIONS[token], []))
        else:
            parts[-1][1].append(token)
    return Chain([read_term(tokens, relation) for relation, tokens in parts], modulus)


def _without_modulus(segment: list[str]) -> tuple[list[str], list[str]]:
    """Return the tokens of a chain without the modulus of its relations, and the modulus."""
    modulus: list[str] = []
    kept: list[str] = []
    depth, index, relation = 0, 0, ""
    while index < len(segment):
        token = segment[index]
        if depth == 0 and token == "\\pmod":
            modulus, index = _argument(segment, index + 1)
            continue
        if depth == 0 and token in _MODULO_BARE and relation == "mod" and kept[-1] not in _RELATIONS:
            modulus, index = segment[index + 1 :], len(segment)
            continue
        if token == "(" and token_behind(segment, index) in _MODULO:
            close = segment.index(")", index) if ")" in segment[index:] else len(segment)
            modulus, index = segment[index + 2 : close], close + 1
            continue
        depth += _depth(token)
        relation = _RELATIONS.get(token, relation) if depth == 0 else relation
        kept.append(token)
        index += 1
    return kept, modulus


def _argument(tokens: list[str], start: int) -> tuple[list[str], int]:
    if tokens[start : start + 1] != ["{"]:
        return tokens[start : start + 1], start + 1
    end = tokens.index("}", start) if "}" in tokens[start:] else len(tokens)
    return tokens[start + 1 : end], end + 1
