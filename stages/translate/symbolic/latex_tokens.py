"""Split LaTeX into tokens, walk through them, and write them as LaTeX again."""

import re
from typing import NoReturn

from stages.translate.reasons import Reason
from stages.translate.symbolic.nodes import UnreadableError

MAX_TOKENS = 260

_TOKEN = re.compile(
    r"\d{1,3}(?:\.\d{3}){2,}(?![\d.])|\d{1,2}(?:,\d{2})+,\d{3}(?![\d,])|\d{1,3}(?:(?:,|\{,\}|\\,)\d{3})+(?![\d,])(?:\.\d+)?|\d+\.\d+|\d+|\.\d+"
    r"|\\begin\{[a-zA-Z*]+\}|\\end\{[a-zA-Z*]+\}"
    r"|\\(?:text|mathrm|operatorname|mathop|textrm|mbox|rm)\s*\{[^{}]{0,60}\}"
    r"|\\[A-Za-z]+|\\.|[^\s]",
    re.DOTALL,
)
# Marks that change the appearance and not the meaning.
_LOOKS = re.compile(
    r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|limits|nolimits|phantom\{[^{}]*\})(?![A-Za-z])"
    r"|\\[!;:>]|~|(?<!\\)\\ |\\hfill(?![A-Za-z])"
)
_THIN_SPACE = re.compile(r"\\,(?!\d{3}(?!\d))|(?<!\d)\\,")
_NARROW_COMMA = re.compile(r"(?<=\d),\\!(?=\d{3})")
_BOXED = re.compile(r"\\(?:boxed|fbox|mathit|underline|b?cancel|cancelto\{\d+\})\s*(?=\{)")
_UNICODE = str.maketrans(
    {
        "×": "*", "·": "*", "⋅": "*", "∙": "*", "÷": "/", "−": "-", "–": "-", "∗": "*", "≈": "\\approx ", "π": "\\pi ",
        "≡": "\\equiv ",
    }
)  # fmt: skip
_RAISED = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹]+")
_DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_VULGAR = str.maketrans(
    {sign: f"\\frac{{{top}}}{{{bottom}}}" for sign, top, bottom in ("½12", "¼14", "¾34", "⅓13", "⅔23")}
)
_ROOT_OF_NUMBER = re.compile(r"\s?\d+(?:\.\d+)?")
_SPACES = re.compile(" +")
_TIMES_SIGN = re.compile(r"(?<=[\d.)])\s*[xX]\s*(?=[\d.(])")
_EXPONENT = re.compile(r"\^\(?(-?\d+)\)?")
_MINUTES = re.compile("[0-5][0-9]")
_BINARY = {"+", "-", "\\cdot", "\\times", "\\div", "\\bmod"}
_CLOSERS = {")", "]", "}", "!", "\\pi", "\\circ", "\\rfloor", "\\rceil", "|"}


def clean(latex: str) -> str:
    """Return LaTeX without marks that only change its appearance."""
    if not latex.isascii():
        latex = latex.translate(_UNICODE)
    if "\\" not in latex and "~" not in latex:
        return latex
    latex = _LOOKS.sub(" ", _NARROW_COMMA.sub("{,}", latex))
    return _BOXED.sub("", _THIN_SPACE.sub(" ", latex)).replace("\\middle", " ").replace("\\$", " ")


def tokens_of(latex: str) -> list[str]:
    """Split cleaned LaTeX into tokens. Raises UnreadableError if there are too many."""
    found = _TOKEN.findall(latex)
    if len(found) > MAX_TOKENS:
        raise UnreadableError(Reason.TOO_LONG)
    return found


def latex_of(tokens: list[str]) -> str:
    """Write tokens as LaTeX, with spaces around binary operators and where two tokens would become one."""
    if len(tokens) == 1 and tokens[0].isdecimal():
        return tokens[0]
    text, last = "", ""
    for token in tokens:
        joined = (last[:1] == "\\" and last[-1:].isalpha() and token[:1].isalpha()) or (
            last[-1:].isdigit() and token[:1].isdigit()
        )
        binary = token in _BINARY and (last[-1:].isalnum() or last in _CLOSERS)
        text += (" " if joined or binary else "") + token
        text += " " if binary else ""
        last = token
    return (_SPACES.sub(" ", text) if "  " in text else text).strip()


def latex_of_plain(text: str) -> str:
    """Write plain arithmetic as LaTeX."""
    if not text.isascii():
        text = _with_roots(_RAISED.sub(lambda match: "^" + match[0].translate(_DIGITS), text.translate(_VULGAR)))
    text = text.replace("$", " ")
    if "x" in text or "X" in text:
        text = _TIMES_SIGN.sub(r" \\times ", text)
    if "^" in text:
        text = _EXPONENT.sub(r"^{\1}", text)
    return text.replace("*", " \\times ").replace("÷", " \\div ").replace("%", "\\%")


def _with_roots(text: str) -> str:
    """Return plain arithmetic with its roots in LaTeX: `√(36 + 20.25)` and `√2`."""
    before, sign, after = text.rpartition("√")
    if not sign:
        return text
    inside = _ROOT_OF_NUMBER.match(after)
    if inside:
        after = f"{{{inside[0].strip()}}}{after[inside.end() :]}"
    elif (end := _closing(after)) > 0:
        after = f"{{{after[after.index('(') + 1 : end]}}}{after[end + 1 :]}"
    return _with_roots(f"{before}\\sqrt{after}")


def _closing(text: str) -> int:
    """Return the place of the parenthesis that closes the one a text begins with; -1 if it begins with none."""
    depth = 0
    for place, character in enumerate(text if text.lstrip().startswith("(") else ""):
        depth += (character == "(") - (character == ")")
        if depth == 0 and character == ")":
            return place
    return -1


class Cursor:
    """A place in a list of tokens, from which they are taken one by one."""

    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.position = tokens, 0

    def peek(self, ahead: int = 0) -> str:
        """Return the next token, or one after it; empty behind the last."""
        try:
            return self.tokens[self.position + ahead]
        except IndexError:
            return ""

    def take(self, expected: str = "") -> str:
        """Return the next token and move on. Raises UnreadableError if it is not the expected one."""
        token = self.peek()
        if not token or (expected and token != expected):
            self.fail()
        self.position += 1
        return token

    def fail(self) -> NoReturn:
        """Raise UnreadableError with the reason that the next token gives."""
        token = self.peek()
        if token in ("\\dots", "\\ldots", "\\cdots", "."):
            raise UnreadableError(Reason.ELLIPSIS)
        if token in ("\\pm", "\\mp"):
            raise UnreadableError(Reason.PLUS_MINUS)
        if token == "\\ratio":
            is_time = self.tokens[self.position - 1].isdigit() and _MINUTES.fullmatch(self.peek(1))
            raise UnreadableError(Reason.TIME_OF_DAY if is_time else Reason.RATIO)
        if token.startswith(("\\text", "\\mathrm", "\\mbox", "\\textrm", "\\rm")):
            raise UnreadableError(Reason.TEXT_IN_EXPRESSION)
        raise UnreadableError(Reason.UNKNOWN_NOTATION)
