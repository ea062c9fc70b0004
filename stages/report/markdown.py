"""Show a page's text as it was meant: emphasis, headings, lists and code of Markdown; formulas are left to KaTeX.

Pages are cut for the report, and many are no Markdown at all, so only marks that can be nothing else are read: a whole
parser would take indented lines for programs and the underscores of formulas for emphasis.
"""

import re

from markupsafe import Markup

# Code comes first: a formula within it is not rendered. A dollar sign before a space or after one is a price's, and so
# is one whose partner is followed by a digit.
_VERBATIM = re.compile(
    r"```[^\n`]*\n(?P<block>.*?)(?:\n```|\Z)"
    r"|(?P<ticks>``?)(?P<code>[^`\n]+)(?P=ticks)"
    r"|(?P<formula>\$\$.+?\$\$|\\\[.+?\\\]|\\\(.+?\\\)"
    r"|\\begin\{(?P<name>(?:equation|align|gather)\*?)\}.+?\\end\{(?P=name)\}"
    r"|(?<!\\)\$(?!\s)(?:\\.|[^$\\\n]|\n(?!\s*\n))+?(?<!\s)\$(?!\d))",
    re.DOTALL,
)
_WORDS = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}")
# Where a formula or code was, while the marks around it are read.
_HELD = re.compile("\ue000(\\d+)\ue001")
# The text is escaped by now.
_MARKS = (
    (re.compile(r"^[ ]{0,3}#{1,6} +(.+?) *#*$", re.MULTILINE), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*\*(?=[^\s*])(.+?)(?<=[^\s*])\*\*(?![\w*])"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w*])\*(?=[^\s*])([^*\n]+?)(?<=[^\s*])\*(?![\w*])"), r"<em>\1</em>"),
    (re.compile(r"^([ ]*)[*-] +(?=[^\s\d])", re.MULTILINE), "\\1\N{BULLET} "),
)


def render_markdown(text: str) -> Markup:
    """Return a text as HTML, its formulas marked for KaTeX; line breaks stay as they are."""
    held: list[Markup] = []

    def hold(match: re.Match[str]) -> str:
        held.append(_verbatim(match))
        return f"\ue000{len(held) - 1}\ue001"

    plain = str(Markup.escape(_VERBATIM.sub(hold, re.sub("[\ue000\ue001]", "", text))))
    for mark, shown in _MARKS:
        plain = mark.sub(shown, plain)
    return Markup(_HELD.sub(lambda match: str(held[int(match[1])]), plain))


def _verbatim(match: re.Match[str]) -> Markup:
    """Return code or a formula; what has a sentence between its dollar signs is no formula."""
    if code := match["block"] or match["code"]:
        return Markup("<code>{}</code>").format(code)
    formula = match["formula"] or ""
    if formula.startswith("$") and _WORDS.search(formula) and "\\" not in formula:
        return Markup.escape(formula)
    return Markup('<span class="math">{}</span>').format(formula)
