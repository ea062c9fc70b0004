"""Find the mathematics in a page, LaTeX or plain arithmetic, and the sentence around it.

Every search only moves forward, so the time is linear in the length even for a page full of dollar signs.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from stages.translate.reasons import Reason
from stages.translate.symbolic.searching import has_any

MAX_SPAN = 3000
MAX_SENTENCE = 500
MAX_LINE = 2000

_ENVIRONMENTS = "align|equation|gather|eqnarray|multline|displaymath|flalign|alignat|math"
_OPENING = re.compile(
    # Each part begins with a character, so that the search skips all others fast.
    r"\$\$|\\\[|\\\(|:math:`|\$(?<!\\\$)|\\begin\{(?P<environment>(?:" + _ENVIRONMENTS + r")\*?)\}"
    r"|<<(?P<marked>[^<>\n]{1,200})>>|\[asy\]|```|<pre>|<code>|\\begin\{(?P<skipped>verbatim|lstlisting|tikzpicture|tabular)\}"
)
_OF_PROGRAMS = ("==", "!=", ":=", "<=", ">=", "+=", ">>>", "=>", "**", "\\", "`", "//", "\t")
_SKIPPED_ENDS = {"[asy]": "[/asy]", "```": "```", "<pre>": "</pre>", "<code>": "</code>"}
_SIGN = r"[-+0-9.,()*/^×·⋅∙÷−–≈=x√⁰¹²³⁴⁵⁶⁷⁸⁹½¼¾⅓⅔ \t]"
_PLAIN = re.compile(rf"[-+−–0-9(.√½¼¾⅓⅔]{_SIGN}*[=≈]{_SIGN}*")
_WORDS = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{3,}(?![A-Za-z]*\})")
_TEXTS = re.compile(r"\\(?:text|mathrm|operatorname|mbox|textrm)\s*\{[^{}]*\}")
# Marks of lists, headings and quotes at the beginning of a line.
_MARKER = re.compile(r"[ \t]*(?:[-+*–•>]|#{1,6}|\d{1,2}[.)]|\(?[a-z][.)])[ \t]+(?=[-−–\d(.√½¼¾⅓⅔])")
# What plain arithmetic may continue: a number, a factor, a root, an operator, a number torn at the end of a line.
_JOINED_BEFORE = re.compile(r"[\w$€£%/*^+=\[\]'\".)√∛∜∑∏∫±∓≈<>−–·×÷-]\Z|[+*/^=<>−–·×÷√±∓-]\s\Z|\d[.,]\s*\n\s*\Z")
_JOINED_BEHIND = re.compile(r"[A-Za-z₀-₉_%^\[(*/{!°'\"²³⁴ⁿ]|\s?[-+*/^=×÷·<>%−–√±∓]")
# Profit = 500 - 320 = 180.
_EQUALS_BEFORE = re.compile(r"[A-Za-z\d)²³] ?= ?\Z")
_OPERAND_BEFORE = re.compile(r"[A-Za-z$)\]}] ?\Z")
# What is right behind a formula and belongs to its last number.
_BELONGS = re.compile(
    r"\s*(?:(?P<dots>\.\.\.|…|\\[lc]?dots)"
    r"|(?P<remainder>[,;]?\s*\(?(?:[Rr](?=[\s.]*\$?\d)|(?:with |and )?(?:an? |the )?rem(?:ainder|\.)"
    r"|\(?[Rr]est[eo]?\b))"
    r"|(?P<left>,?\s*(?:with|and) \$?\d+\$? (?:left|remaining|to spare))"
    r"|(?P<modulus>\(?mod(?:ulo)?\b|\(\$\\[bp]?mod))"
)
# An operator between a formula and what is around it: 4 + $3 \cdot 2 = 10$, -$3 + 4 = 1$, $10$^3.
_OPERATOR_BEFORE = re.compile(r"[\w)\]}$] ?[+/×·÷−^]\s?\Z|[\w)\]}$][*–-]\Z|[ (][−–-]\Z|[√×·÷−]\s?\Z|\d ?\* ?\Z")
_OPERATOR_BEHIND = re.compile(r"\^|\s?[+×·÷*/] ?(?:\d|\$?\\?[({]|\$\d|\$\\)|[−–-][\d$(]")
_DASH_BEFORE = re.compile(r"[−–-]\s?\Z")
_DIVISION = re.compile(r"[/÷:]|\\div|frac")
_TORN_BEFORE = {
    "dots": Reason.ELLIPSIS,
    "remainder": Reason.REMAINDER,
    "left": Reason.REMAINDER,
    "modulus": Reason.NO_MODULUS,
}
_UNIT_BEHIND = re.compile(r"\s*(?:(?P<word>(?:thousand|million|billion|trillion)\b|per ?cent\b)|\\?%)")
# A sentence may end inside its mathematics: \[x = 1.\]
_CLOSE = r"(?:\$\$?|\\\]|\\\)|\\end\{[a-z]+\*?\})"
_BREAK = re.compile(r"[.?!](?:" + _CLOSE + r"|(?=[\s$\\]))|\n\s*\n")
_ENDS_SENTENCE = re.compile(r"[.?!]\s*\}?\s*" + _CLOSE + r"\Z")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class Span(NamedTuple):
    """A piece of mathematics: its LaTeX or plain text, its place, and how it is written."""

    text: str
    start: int
    end: int
    kind: str  # latex, marked or plain


def find_spans(text: str) -> Iterator[Span]:
    """Yield the mathematics of a page in order of appearance."""
    plain_from = 0
    missing: set[str] = set()
    position = 0
    has_marks = "<<" in text
    while match := _OPENING.search(text, position):
        span = _close(text, match, missing)
        if span is None:
            position = match.end()
            continue
        if not has_marks:
            yield from _plain_spans(text, plain_from, match.start())
        # Where computations are marked, a bare dollar sign is a price.
        if span.kind != "skipped" and not (has_marks and match[0] == "$" and "\\" not in span.text):
            yield span
        position = plain_from = span.end
    if not has_marks:
        yield from _plain_spans(text, plain_from, len(text))


def _close(text: str, match: re.Match[str], missing: set[str]) -> Span | None:
    """Return the span that a mark opens, None if the mark is a price or is never closed."""
    if match["marked"] is not None:
        return Span(match["marked"], match.start(), match.end(), "marked")
    opening = match[0]
    is_skipped = opening in _SKIPPED_ENDS or match["skipped"] is not None
    if is_skipped:
        closing = _SKIPPED_ENDS.get(opening) or opening.replace("begin", "end")
    elif match["environment"]:
        closing = f"\\end{{{match['environment']}}}"
    else:
        closing = {"$$": "$$", "\\[": "\\]", "\\(": "\\)", "$": "$", ":math:`": "`"}[opening]
    if closing in missing:
        return None
    limit = len(text) if is_skipped else match.end() + MAX_SPAN
    end = text.find(closing, match.end(), limit)
    while closing == "$" and end > 0 and text[end - 1] == "\\":
        end = text.find(closing, end + 1, limit)  # a price
    if end < 0:
        if limit >= len(text):
            missing.add(closing)
        return None
    inside = text[match.end() : end]
    if is_skipped:
        return Span("", match.start(), end + len(closing), "skipped")
    if opening == "$" and not _is_mathematics(inside, text[end + 1 : end + 2]):
        return None
    return Span(inside, match.start(), end + len(closing), "latex")


def _is_mathematics(inside: str, after: str) -> bool:
    """Tell `$x+1$` from the text between two prices."""
    if not inside.strip() or "\n\n" in inside or (after.isdigit() and inside[-1:].isspace()):
        return False
    if inside[0].isdigit() and inside[-1].isspace() and after.isdigit():
        return False
    return len(_WORDS.findall(_TEXTS.sub("", inside) if "\\" in inside else inside)) < 2


def _plain_spans(text: str, start: int, end: int) -> Iterator[Span]:
    """Yield plain arithmetic such as `48/2 = 24` in text without marks of mathematics."""
    for line in _LINE.finditer(text, start, end):
        content = line[0]
        if ("=" in content or "≈" in content) and len(content) < MAX_LINE and not _is_program(content):
            marker = _MARKER.match(content)
            begin = line.start() + (marker.end() if marker else 0)
            for match in _PLAIN.finditer(text, begin, line.end()):
                if (trimmed := _trim(text, match, begin)) is not None:
                    yield trimmed


def _is_program(line: str) -> bool:
    return has_any(line, _OF_PROGRAMS)


def _trim(text: str, match: re.Match[str], begin: int) -> Span | None:
    """Return the arithmetic as a span, None if characters beside it belong to it.

    begin: where its line begins, behind the mark of a list.
    """
    start, end = match.span()
    while end > start and text[end - 1] in " \t.,x*+-(=/^–√":
        end -= 1
    content = text[start:end]
    # 8:00 and 12 : 4 are one; the colon in "Step 2: 3 + 4 = 7" is punctuation.
    if re.search(r"\d( ?):\1\Z", text[max(0, start - 4) : start]) or re.match(r"( ?):\1\d", text[end : end + 4]):
        return None
    if not content or content.count("(") != content.count(")"):
        return None
    is_first = start == begin and text[start - 1 : start] in (" ", "\t")
    is_first = is_first or _EQUALS_BEFORE.search(text[max(0, start - 4) : start]) is not None
    if (not is_first and _JOINED_BEFORE.search(text[max(0, start - 12) : start])) or _JOINED_BEHIND.match(
        text[end : end + 2]
    ):
        return None
    if not is_first and content[0] in "+-*/(^−–" and _OPERAND_BEFORE.search(text[max(0, start - 2) : start]):
        return None
    return Span(content, start, end, "plain")


def why_torn(text: str, span: Span) -> Reason | None:
    """Return the reason if a formula is only a part of what is written: of a number, or of a value with its unit."""
    if span.kind == "latex" and text[span.start - 1 : span.start] == "." and span.text[:1].isdigit():
        return Reason.TORN_NUMBER
    if span.kind == "latex" and _OPERATOR_BEFORE.search(text[max(0, span.start - 4) : span.start]):
        return Reason.TORN_LINE
    if span.kind == "latex" and _OPERATOR_BEHIND.match(text, span.end, span.end + 6):
        return Reason.TORN_LINE
    match = _BELONGS.match(text, span.end, span.end + 40)
    if match and match["left"] and not _DIVISION.search(span.text):
        return None
    return _TORN_BEFORE[match.lastgroup or ""] if match else None


def may_be_torn(text: str, span: Span) -> bool:
    """Whether a dash before a formula may be its minus sign: `- $3 + 4 = 1$`; most often it is a dash."""
    return span.kind != "marked" and _DASH_BEFORE.search(text[max(0, span.start - 3) : span.start]) is not None


def unit_behind(text: str, span: Span) -> str:
    """Return the LaTeX of a percent sign or a power of ten in words that is right behind a formula, else nothing."""
    match = _UNIT_BEHIND.match(text, span.end, span.end + 16)
    if match is None:
        return ""
    return f"\\text{{ {match['word']}}}" if match["word"] else "\\%"


def sentence_around(text: str, start: int, end: int) -> tuple[str, str]:
    """Return the sentence around a span, and its part before the span, with spaces for line breaks."""
    first = low = max(0, start - MAX_SENTENCE)
    for match in _BREAK.finditer(text, low, start):
        first = match.end()
    stop = end
    if not _ENDS_SENTENCE.search(text[max(start, end - 30) : end]):
        high = min(len(text), end + MAX_SENTENCE)
        last = _BREAK.search(text, end, high)
        stop = last.start() + 1 if last else high
    return " ".join(text[first:stop].split()), " ".join(text[first:start].split())
