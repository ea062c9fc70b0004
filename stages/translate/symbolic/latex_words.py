"""The commands and letters of LaTeX that the reader knows, and the forms of its tokens."""

import re
from functools import lru_cache

TIMES = {"*", "\\cdot", "\\times", "\\ast"}
OVER = {"/", "\\div"}
PERCENT = {"%", "\\%"}
CLOSING = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}
FRACTIONS = {"\\frac", "\\dfrac", "\\tfrac", "\\cfrac"}
BINOMIALS = {"\\binom", "\\dbinom", "\\tbinom"}
FUNCTIONS = {
    "\\sin": "sin", "\\cos": "cos", "\\tan": "tan", "\\cot": "cot", "\\sec": "sec", "\\csc": "csc",
    "\\arcsin": "asin", "\\arccos": "acos", "\\arctan": "atan", "\\sinh": "sinh", "\\cosh": "cosh", "\\tanh": "tanh",
    "\\ln": "ln", "\\exp": "exp",
}  # fmt: skip
GREEK = {
    "\\alpha", "\\beta", "\\gamma", "\\delta", "\\theta", "\\lambda", "\\mu", "\\rho", "\\phi", "\\varphi", "\\omega",
}  # fmt: skip
# Other letters usually name functions, sets or points: before a parenthesis they are no factors.
VARIABLES = set("xyztabckmnruvw")
# The commands, beside numbers and letters, that a factor without a sign of multiplication begins with.
_FACTORS = {
    "(", "[", "{", "\\{", "\\sqrt", "\\pi", "\\log", "\\lfloor", "\\lceil", "\\gcd", "\\infty", "\\sum", "\\prod",
    "\\int", "\\lim", "\\det", *FRACTIONS, *BINOMIALS, *FUNCTIONS, *GREEK,
}  # fmt: skip
# The commands that LaTeX takes as an argument without braces.
UNBRACED = {"\\frac", "\\dfrac", "\\tfrac", "\\sqrt", "\\pi", "\\infty", *GREEK}
_POWERS = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_MAGNITUDE = re.compile(r"\\[a-z]+\s*\{\s*(" + "|".join(_POWERS) + r")s?\b", re.IGNORECASE)
DEGREE_SIGNS = (["\\circ"], ["{", "\\circ", "}"])


@lru_cache(4096)
def magnitude(token: str) -> int:
    """Return the power of ten that a text such as `\\text{ million}` stands for, 0 if it is none."""
    match = _MAGNITUDE.match(token) if token.startswith("\\") else None
    return _POWERS[match[1].lower()] if match else 0


def groups_thousands(token: str) -> bool:
    """Whether the point of a number may separate thousands, as in 1.200."""
    return re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", token) is not None


def has_repetend(tokens: list[str], place: int) -> bool:
    """Whether the decimal at a place may be written with its period in parentheses: 0.1(6)."""
    is_decimal = "." in tokens[place] and tokens[place][-1:].isdigit()
    return is_decimal and tokens[place + 1 : place + 4 : 2] == ["(", ")"] and tokens[place + 2].isdigit()


def is_number(token: str) -> bool:
    """Whether a token is a number."""
    return token[0].isdecimal() or (token[0] == "." and len(token) > 1)


@lru_cache(4096)
def begins_factor(token: str) -> bool:
    """Whether a factor without a sign of multiplication may begin with a token."""
    is_letter = len(token) == 1 and token.isalpha()
    return is_letter or token in _FACTORS or is_number(token) or token.startswith("\\begin")
