"""Find the result in what a program printed, and tell what is printed beside results: verdicts, errors, echoes.

An echo repeats what the page states, `Expected: 5`; it says nothing about what was computed.
"""

import re

from mathcode_pile.answers.builders import bare
from mathcode_pile.answers.values import Node, Sequence, Text, Truth

MAX_LINES = 200

_ERROR = re.compile(
    r"\b(?:[A-Z]\w*(?:Error|Exception|Warning)|Error|Exception|Traceback|\d+ errors?|[Tt]ime(?:d )?out|assert)\b"
)
# What a function without a result prints, beside something else.
_NO_VALUE = re.compile(r"\bNone\b")
_VERDICT = re.compile(
    r"\b(?:true|false|incorrect|wrong|fail(?:s|ed|ure)?|invalid|mismatch(?:es|ed)?|unequal|differs?|no match"
    r"|not (?:equal|correct|right|true|valid)|doesn't match|does not (?:match|equal|agree|hold))\b"
    r"|[\u2717\u2718\u274c]",
    re.IGNORECASE,
)
_ECHO = re.compile(
    r"(?:the )?(?:expected|stated|given|claimed|target|reference|known|textbook|book|rhs|right(?:(?:[- ]hand)? side)?"
    r"|should be|input)(?: (?:result|answer|output|is|was))?\s*[:=]",
    re.IGNORECASE,
)
_COUNTED = re.compile(
    r"\b(?:after|in|took|took about|with|within|step|test|case|attempt|iteration|line|row|trial)\s+#?\d+(?:\.\d+)?\s*"
    r"(?:iterations?|steps?|attempts?|tries|trials?|tests?|cases?|loops?|rounds?|seconds|ms)?\s*(?:passed|done|:)?\s*$",
    re.IGNORECASE,
)


def output_lines(printed: str) -> list[str]:
    """Return the last lines of an output that are not blank."""
    return [line.strip() for line in printed.splitlines() if line.strip()][-MAX_LINES:]


def why_no_result(value: Node, printed: str) -> str:
    """Return why an output does not give the result that the program computed; empty if it may.

    value: the stated one; words are compared as words.
    """
    inner = bare(value)
    items = inner.items if isinstance(inner, Sequence) else (inner,)
    if any(isinstance(bare(item), Text | Truth) for item in items):
        return ""
    if _ERROR.search(printed):
        return "error"
    if _VERDICT.search(printed):
        return "verdict_word"
    lines = output_lines(printed)
    if _NO_VALUE.search(lines[-1]):
        return "no_value"
    if _ECHO.match(lines[-1]):
        return "echo"
    return "counter" if len(lines) == 1 and _COUNTED.search(lines[0]) else ""


def is_balanced(line: str) -> bool:
    """Whether every bracket of a line is closed in it."""
    return all(line.count(a) == line.count(b) for a, b in ("()", "[]", "{}"))


def result_texts(value: Node, printed: str) -> list[str]:
    """Return the parts of an output that may be the stated value, the likeliest first."""
    lines = output_lines(printed)
    if len(lines) == 1:
        return lines
    whole = " ".join(lines)
    if is_balanced(whole) and not is_balanced(lines[-1]):
        # Most often a matrix.
        return [whole]
    texts = [lines[-1]]
    inner = bare(value)
    if isinstance(inner, Sequence) and len(inner.items) == len(lines) and inner.kind != "matrix":
        # One line for each value.
        texts.insert(0, ", ".join(lines))
    return texts
