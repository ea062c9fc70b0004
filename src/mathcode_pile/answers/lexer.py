"""Split a stated result or a printed output into tokens: LaTeX, Python and plain text as one language."""

import re
import unicodedata
from typing import NamedTuple

from mathcode_pile.answers.values import UnreadableError
from mathcode_pile.answers.vocabulary import (
    CHARACTERS,
    COMMANDS,
    CONSTANTS,
    CONSTRUCTORS,
    FUNCTIONS,
    GREEK,
    SHORT_WORDS,
)


class Token(NamedTuple):
    kind: str  # number, name, word (prose or a unit), op, open, close
    text: str
    spaced: bool  # whether white space comes before it


_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_CHARACTER = re.compile("|".join(map(re.escape, CHARACTERS)))
_IGNORED = re.compile(
    r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|limits|nolimits|quad|qquad|hfill|space|thinspace|enspace"
    r"|mathstrut|strut|centering|large|Large|normalsize|small|phantom\{[^{}]*\})(?![a-zA-Z])\.?|\\[!;:>]"
)
_TEXT = re.compile(
    r"\\(?:text|mathrm|textrm|mbox|hbox|textbf|mathbf|textit|mathit|textsf|mathsf|operatorname\*?|bm)\s*\{([^{}]*)\}"
)
_TOKEN = re.compile(
    r"(?P<number>0[xX][0-9a-fA-F]+\b|0[bB][01]+\b|0[oO][0-7]+\b|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+(?![a-ik-zA-Z]))?)"
    r"|(?P<command>\\[a-zA-Z]+)"
    r"|(?P<escaped>\\[{}\\%$&#_|, ])"
    r"|(?P<word>[A-Za-z][A-Za-z0-9]*(?:'(?:s|t)\b)?)"
    r"|(?P<op>\*\*|<=|>=|!=|==|\+/-|\+-|->|=>|[-+*/^_=<>!|&~:;,'%$≈±∪∈∖→°⌊⌋⌈⌉?.@\"#])"
    r"|(?P<open>[(\[{])|(?P<close>[)\]}])"
    r"|(?P<space>\s+)"
)

# 0.1\overline{6} and 0.\dot{3}.
_REPEATING = re.compile(
    r"(?<![\d.,])(?P<whole>\d{0,12})\.(?P<once>\d{0,12})(?:\\(?:overline|bar)\s*\{\s*(?P<again>\d{1,12})\s*\}"
    r"|\\(?:dot|overset\s*\{\s*\.\s*\})\s*\{\s*(?P<digit>\d)\s*\})"
)
# 1,00,000: in India the groups above the first have two digits.
_LAKHS = re.compile(r"(?<![\d.,])(\d{1,2}(?:,\d{2})+,\d{3})(?![\d,])")
# 1,234,567 and 1{,}234 and 1\,234: one to three digits, then groups of three.
_THOUSANDS = re.compile(r"(?<![\d.,])(\d{1,3})((?:(?:,|\{,\}|\\,|\\ )\d{3})+)(?![\d])(?!,\d)")
_BRACE_LAKHS = re.compile(r"(?<![\d.,}])\d{1,2}(?:\{,\}\d{2})+\{,\}\d{3}(?!\d)")
# C e^{2x}: an amplitude before an exponential function.
_AMPLITUDE = re.compile(r"(?<![A-Za-z\\])([A-Z])(?=e\^)")
_BRACE_THOUSANDS = re.compile(r"(?<=\d)(?:\{,\}|\\,|\\!)(?=\d{3}(?!\d))")


def clean(text: str) -> str:
    """Return a text in a plainer notation: without dollar signs and the commands for spacing, size and fonts."""
    text = unicodedata.normalize("NFC", text)
    text = _CHARACTER.sub(lambda m: CHARACTERS[m[0]], text)
    text = re.sub(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+", lambda m: "^{" + m[0].translate(_SUPERSCRIPTS) + "}", text)
    text = re.sub(r"\\[()\[\]]|\$\$", " ", text)
    if "$" in text:
        text = _drop_dollars(text)
    # 1,\! 234: some LaTeX removes the space after a thousands comma.
    text = re.sub(r",\s*\\!\s*(?=\d{3}(?!\d))", ",", text).replace("\\!", "")
    if "{,}" in text:
        text = _BRACE_LAKHS.sub(lambda m: m[0].replace("{,}", ""), text)
    text = _AMPLITUDE.sub(r"\1 ", _BRACE_THOUSANDS.sub("", text))
    text = re.sub(r"\\,", " ", text)
    text = _IGNORED.sub(" ", text).replace("\\lbrace", "\\{").replace("\\rbrace", "\\}").replace("~", " ~")
    text = re.sub(r"\\[dtc]frac", r"\\frac", text)
    text = re.sub(r"\\frac\s*(\d)\s*(\d)", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\frac\s*(\d)\s*\{", r"\\frac{\1}{", text)
    text = re.sub(r"\\frac\s+([A-Za-z])\s*([A-Za-z\d])", r"\\frac{\1}{\2}", text)
    text = re.sub(r"\\sqrt\s*(\d)", r"\\sqrt{\1}", text)
    text = _REPEATING.sub(_as_fraction, text)
    text = re.sub(r"\^\s*\{?\s*\\circ\s*\}?", r" \\degree ", text)
    text = re.sub(r"\\mathbb\s*\{?([A-Z])\}?", r" \\mathbb\1 ", text)
    for _ in range(3):
        text, found = _TEXT.subn(_mark_text, text)
        if not found:
            break
    return text


def _as_fraction(match: re.Match[str]) -> str:
    """Write a repeating decimal, 0.1\\overline{6}, as a fraction."""
    whole, once, again = match["whole"] or "0", match["once"], match["again"] or match["digit"]
    top = int(whole + once + again) - int(whole + once)
    return f"(\\frac{{{top}}}{{{10 ** len(once) * (10 ** len(again) - 1)}}})"


def _mark_text(match: re.Match[str]) -> str:
    inner = match[1]
    # Upright single letters and function names are mathematics; all other upright text is words.
    if len(inner.strip()) == 1 or inner.strip().lower() in FUNCTIONS:
        return f" {inner} "
    return f' "{inner}" '


def _drop_dollars(text: str) -> str:
    """Remove the dollar signs around mathematics, not those of prices."""
    unescaped = re.findall(r"(?<!\\)\$", text)
    if len(unescaped) % 2 == 0 and re.search(r"(?<!\\)\$[^$]*(?<!\\)\$", text):
        text = re.sub(r"(?<!\\)\$", " ", text)
    return text


def join_thousands(text: str) -> str:
    """Take the separators out of 1,234,567."""
    text = _LAKHS.sub(lambda m: m[1].replace(",", ""), text)
    return _THOUSANDS.sub(lambda m: m[1] + re.sub(r"\D", "", m[2]), text)


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a cleaned text. Raises UnreadableError at an unknown character."""
    tokens: list[Token] = []
    spaced = False
    position = 0
    quoted = False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise UnreadableError("unknown_character")
        position = match.end()
        kind, piece = match.lastgroup or "", match[0]
        if kind == "space":
            spaced = True
            continue
        if piece == '"':
            quoted = not quoted
            spaced = True
            continue
        tokens.extend(_classify(kind, piece, spaced, quoted))
        spaced = False
    return tokens


def _classify(kind: str, piece: str, spaced: bool, quoted: bool) -> list[Token]:
    if kind == "command":
        return [_command(piece[1:], spaced)]
    if kind == "escaped":
        return _escaped(piece[1], spaced)
    if kind == "word":
        is_prose = quoted and len(piece) > 1 and piece.lower() not in ("and", "or")
        return [Token("word", piece, spaced)] if is_prose else _word(piece, spaced)
    if kind == "number":
        return [Token("number", piece, spaced)]
    return [Token(kind, {"+/-": "±", "+-": "±", "==": "=", "->": "→", "=>": "→"}.get(piece, piece), spaced)]


def _escaped(character: str, spaced: bool) -> list[Token]:
    if character in "{}":
        return [Token("open" if character == "{" else "close", f"\\{character}", spaced)]
    if character in ", ":
        return []
    return [Token("op", "\\\\" if character == "\\" else character, spaced)]


def _command(name: str, spaced: bool) -> Token:
    if name in COMMANDS:
        text = COMMANDS[name]
        return Token("name" if text in ("and", "or", "mod") else "op", text, spaced)
    if name in ("langle", "rangle"):
        return Token("open" if name[0] == "l" else "close", "(" if name[0] == "l" else ")", spaced)
    return Token("command" if name not in GREEK and name not in CONSTANTS else "name", name, spaced)


def _word(word: str, spaced: bool) -> list[Token]:
    lower = word.lower()
    known = lower in FUNCTIONS or lower in CONSTANTS or word in GREEK or lower in ("and", "or", "mod")
    if len(word) == 1 or known or lower in CONSTRUCTORS or re.fullmatch(r"[A-Za-z]\d+", word):
        return [Token("name", word, spaced)]
    if len(word) in (2, 3) and lower not in SHORT_WORDS and _looks_like_product(word):
        return [Token("name", letter, spaced and i == 0) for i, letter in enumerate(word)]
    return [Token("word", word, spaced)]


def _looks_like_product(word: str) -> bool:
    if len(word) == 2:
        return word.isalpha() and (word.isupper() or word.islower())
    return set(word) <= set("abcxyzhkmnpqrst")
