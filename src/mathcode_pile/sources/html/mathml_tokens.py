"""Write the tokens of MathML as LaTeX: letters, numbers, operators, words and spaces."""

import re
from typing import Any

from mathcode_pile.sources.html.mathml_symbols import FUNCTIONS, VARIANTS, write_characters

# Other spaces have a width, which LaTeX has too.
_SPACES = re.compile(r"[ \t\r\n]+")


def name_of(element: Any) -> str:
    """Return an element's name without its prefix: `m:math` and `math` are the same."""
    return element.tag.rsplit(":", 1)[-1].rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""


def text_of_token(element: Any) -> str:
    """Return the characters of a token, white space in the source as single spaces."""
    return _SPACES.sub(" ", "".join(element.itertext())).strip(" ")


def write_identifier(element: Any, depth: int) -> str:
    """Write <mi>: a letter in its style, or the name of a function."""
    text, variant = text_of_token(element), element.get("mathvariant", "")
    command = VARIANTS.get(variant, "")
    if text in FUNCTIONS:
        return f"\\{text}"
    written = write_characters(text)
    if len(text) == 1 and (not command or (variant == "normal" and not text.isalpha())):
        return written
    if variant == "normal" and len(text) == 1 and not text.isascii():
        return written  # Greek capitals are upright in LaTeX too
    return f"{command or chr(92) + 'mathrm'}{{{written}}}" if command or (len(text) > 1 and text.isalpha()) else written


def write_number(element: Any, depth: int) -> str:
    """Write <mn>."""
    text = write_characters(text_of_token(element).replace(" ", ""))
    command = VARIANTS.get(element.get("mathvariant", "normal"), "")
    return f"{command}{{{text}}}" if command not in ("", "\\mathrm") else text


def write_operator(element: Any, depth: int) -> str:
    """Write <mo>."""
    text = text_of_token(element)
    if text in FUNCTIONS:
        return f"\\{text}"
    if len(text) > 1 and text.isalpha():
        return f"\\operatorname{{{text}}}"
    return write_characters(text)


def write_words(element: Any, depth: int) -> str:
    """Write <mtext> and <ms>, the words between formulas."""
    text = "".join(element.itertext()).replace("\xa0", " ")
    if not text.strip():
        return "\\ " if text else ""
    kept = " ".join(f"|{text}|".split())[1:-1]  # one space at either end is part of the words
    return f"\\text{{{kept}}}"


def write_space(element: Any, depth: int) -> str:
    """Write <mspace>: a quad, a space, or a line break."""
    width = element.get("width", "")
    if element.get("linebreak") == "newline":
        return "\\\\"
    try:
        return "\\quad" if width.endswith("em") and float(width[:-2]) >= 1 else "\\ " if float(width[:-2]) > 0.2 else ""
    except ValueError:
        return ""
