"""Clean LaTeX of marks of mere appearance and split it into tokens."""

import re

from stages.translate.reasons import Reason
from stages.translate.symbolic.nodes import UnreadableError

MAX_TOKENS = 260

_TOKEN = re.compile(
    r"\d{1,3}(?:(?:,|\{,\}|\\,)\d{3})+(?![\d,])(?:\.\d+)?|\d+\.\d+|\d+|\.\d+"
    r"|\\begin\{[a-zA-Z*]+\}|\\end\{[a-zA-Z*]+\}"
    r"|\\(?:text|mathrm|operatorname|mathop|textrm|mbox|rm)\s*\{[^{}]{0,60}\}"
    r"|\\[A-Za-z]+|\\.|[^\s]",
    re.DOTALL,
)
# Marks that change the look and not the meaning.
_LOOKS = re.compile(
    r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|limits|nolimits|hspace\*?\{[^{}]*\}|phantom\{[^{}]*\})(?![A-Za-z])"
    r"|\\[!;:>]|\\quad(?![A-Za-z])|~|(?<!\\)\\ |\\hfill(?![A-Za-z])"
)
_THIN_SPACE = re.compile(r"\\,(?!\d{3}(?!\d))|(?<!\d)\\,")
_NARROW_COMMA = re.compile(r"(?<=\d),\\!(?=\d{3})")
_BOXED = re.compile(r"\\(?:boxed|fbox|mathit|underline)\s*(?=\{)")
_UNICODE = str.maketrans(
    {
        "×": "*",
        "·": "*",
        "⋅": "*",
        "÷": "/",
        "−": "-",
        "–": "-",
        "∗": "*",
        "≈": "\\approx ",
        "π": "\\pi ",
        "≡": "\\equiv ",
    }
)


def clean(latex: str) -> str:
    """Return LaTeX without marks of mere appearance."""
    latex = _LOOKS.sub(" ", _NARROW_COMMA.sub("{,}", latex.translate(_UNICODE)))
    return _BOXED.sub("", _THIN_SPACE.sub(" ", latex)).replace("\\middle", " ").replace("\\$", " ")


def tokens_of(latex: str) -> list[str]:
    """Split cleaned LaTeX into tokens; raise UnreadableError where there are too many."""
    found = _TOKEN.findall(latex)
    if len(found) > MAX_TOKENS:
        raise UnreadableError(Reason.TOO_LONG)
    return found
