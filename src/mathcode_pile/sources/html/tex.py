"""Clean the LaTeX that pages carry, and recognise it in attributes that may hold something else."""

import re
from typing import NamedTuple

MAX_LATEX = 20_000
_COMMENT = re.compile(r"(?<!\\)%[^\n]*(?:\n|\Z)")
_DELIMITERS = (("$$", "$$", True), ("\\[", "\\]", True), ("\\(", "\\)", False), ("$", "$", False))
# Environments that are displays by themselves: in LaTeX they have no dollar signs around them.
_DISPLAYED = re.compile(r"\\begin\{(?:equation|align|alignat|flalign|gather|multline|eqnarray|displaymath)\*?\}")
_STYLE = re.compile(
    r"\A\\(?:displaystyle|textstyle|inline|large|Large|LARGE|huge|small|normalsize|dpi\{\d+\}|bg_\w+|fn_\w+)"
    r"(?![A-Za-z])\s*"
)
_COMMAND = re.compile(r"\\(?:[A-Za-z]{2,}|[{}|,;!])")
_WORDS = re.compile(r"[A-Za-z]{2,}\s+[A-Za-z]{2,}")


class Formula(NamedTuple):  # one formula of a page
    latex: str
    """Without delimiters."""
    is_display: bool


def clean_latex(latex: str, is_display: bool = False) -> Formula | None:
    """Return the formula that an attribute, script or annotation holds; None where it holds none.

    Delimiters, comments, an outer {\\displaystyle ...} and the sizes that picture services add are removed. White space
    is one space; a display keeps its lines.
    """
    if len(latex) > MAX_LATEX:
        return None
    text = _COMMENT.sub("\n", latex.replace("\xa0", " ")).strip()
    for opener, closer, displays in _DELIMITERS:
        if text.startswith(opener) and text.endswith(closer) and len(text) > len(opener) + len(closer):
            text, is_display = text[len(opener) : -len(closer)].strip(), displays or is_display
            break
    while True:
        bare = _strip_style(text)
        if bare == text:
            break
        text = bare
    is_display = is_display or _DISPLAYED.match(text) is not None
    lines = (" ".join(line.split()) for line in text.split("\n"))
    kept = ("\n" if is_display else " ").join(line for line in lines if line)
    return Formula(kept, is_display) if kept else None


def _strip_style(text: str) -> str:
    if text.startswith("{\\displaystyle") and text.endswith("}") and _closes_at_end(text):
        return text[len("{\\displaystyle") : -1].strip()
    return _STYLE.sub("", text)


def _closes_at_end(text: str) -> bool:
    """Say whether the first brace is closed by the last character."""
    level = 0
    for index, character in enumerate(text):
        if index and text[index - 1] == "\\":
            continue
        level += (character == "{") - (character == "}")
        if not level:
            return index == len(text) - 1
    return False


def write_formula(formula: Formula) -> str:
    """Return a formula with its delimiters: $...$, $$...$$, or none around an environment that is a display itself."""
    if not formula.is_display:
        return f"${formula.latex}$"
    if _DISPLAYED.match(formula.latex):
        return formula.latex
    return f"$${formula.latex}$$"


def looks_like_latex(text: str) -> bool:
    """Say whether a text that may be words, as an alternative text of a picture, is LaTeX."""
    text = text.strip()
    if not text or len(text) > MAX_LATEX:
        return False
    if any(text.startswith(o) and text.endswith(c) and len(text) > len(o + c) for o, c, _ in _DELIMITERS):
        return True
    if re.match(r"[A-Za-z]:\\", text):  # a path on Windows
        return False
    return _COMMAND.search(text) is not None or (re.search(r"[\^_=]", text) is not None and not _WORDS.search(text))
