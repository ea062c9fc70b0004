"""Mark in LaTeX where one statement ends and another begins: wide spaces, ends of rows, words, line breaks.

A comma between digits that groups no thousands may be a decimal comma or a list: it is marked too.
"""

import re

COMMA = "‚"
"""A comma between two digits, without space, that groups no thousands."""

# The commands that most formulas have are none of those below.
_COMMAND = re.compile(r"\\(?!(?:times|cdot|div|frac|sqrt|text|left|right|%|\$)(?![A-Za-z]))|~")
_ROW_SPACING = re.compile(r"\\\\\s*\[-?[\d.]+ ?[a-z]{2}\]")
_INVISIBLE = re.compile(r"\\(?:tag\*?|label|notag|nonumber)(?![A-Za-z])\s*(?:\{[^{}]*\})?")
_ROW_ENDS = re.compile(r"\\(?:(?:short)?intertext\s*\{[^{}]*\}|(?:cr|newline|tabularnewline)(?![A-Za-z]))")
# One space may be between a number and its unit; two are between statements.
_WIDE = re.compile(
    r"\\(?:en(?:space|skip)|hfill)(?![A-Za-z])|\\hspace\*?\s*\{[^{}]*\}|\\hskip\s*[\d.]+\s*[a-z]{2}"
    r"|(?:(?:(?<!\\)\\[ ;:>]|~|\\en(?:space|skip)(?![A-Za-z]))\s*){2,}"
)
_LINE_BREAK = re.compile(r"(?<=\d)[ \t]*\n\s*(?=\d|\\[dt]?frac|\\sqrt)")
_BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*+)\}")
_EQUAL = re.compile(r"(?<![<>:!])=")
# A formula that is all one table of statements.
_TABLE = re.compile(
    r"\s*(?:\\left\s*(?:\\\{|\.)\s*)?\\begin\{(?P<name>array|cases|gathered|split|aligned)\}(?:\s*\{[rlc| ]*\})?"
    r"(?P<rows>(?:(?!\\begin).)*)\\end\{(?P=name)\}\s*(?:\\right\s*\.?\s*)?[.,;]?\s*\Z",
    re.DOTALL,
)
_RULE = re.compile(r"\\hline|\\cline\{[^{}]*\}")
_RELATION = re.compile(r"=|\\approx")
_OVER_RELATION = re.compile(r"\\(?:overset|stackrel|underset)\s*\{[^{}?]*\}\s*\{\s*(=|\\approx|\\equiv)\s*\}")
_MULTICHOOSE = re.compile(r"\\(?:left|[bB]igg?l?)?\(\s*\\!(?:\\!)*\s*\\[dt]?binom|\\multiset")
_COMBINATIONS = re.compile(r"(?:\{\s*\})?[_^]\s*\{?(\d+)\}?\s*C_\s*\{?(\d+)\}?")
_COMMAS = re.compile(r"(?<![\d,{])\d+(?:,\d+)+")
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+|\d{1,2}(?:,\d{2})+,\d{3}")


def mark_breaks(latex: str) -> str:
    """Return LaTeX with `\\\\quad` between statements and a mark of their own for commas that may be decimal ones."""
    if _COMMAND.search(latex):
        if "\\boxed" in latex:
            latex = _BOXED.sub(_unbox_statement, latex)
        if "\\begin{" in latex and (table := _TABLE.match(latex)):
            latex = _RULE.sub(" ", table["rows"])
        latex = _INVISIBLE.sub(" ", _ROW_SPACING.sub(r"\\\\ ", latex))
        latex = _WIDE.sub(r" \\quad ", _ROW_ENDS.sub(r" \\\\ ", latex))
        latex = _MULTICHOOSE.sub(r"\\multichoose ", _OVER_RELATION.sub(r" \1 ", latex))
    if "C_" in latex:
        latex = _COMBINATIONS.sub(r" \\binom{\1}{\2} ", latex)
    if "\n" in latex:
        latex = _LINE_BREAK.sub(lambda match: " \\quad " if _is_between(latex, match) else match[0], latex)
    if "," not in latex:
        return latex
    return _COMMAS.sub(lambda match: match[0] if _GROUPED.fullmatch(match[0]) else match[0].replace(",", COMMA), latex)


def _unbox_statement(box: re.Match[str]) -> str:
    """Return a boxed statement with `\\\\quad` around it; another box as it is."""
    return f" \\quad {box[1]} \\quad " if _EQUAL.search(box[1]) else box[0]


def _is_between(latex: str, line_break: re.Match[str]) -> bool:
    """Whether the line before a break and the line behind it both state something."""
    start = latex.rfind("\n", 0, line_break.start()) + 1
    end = latex.find("\n", line_break.end())
    before, after = latex[start : line_break.start()], latex[line_break.end() : end if end >= 0 else len(latex)]
    return bool(_RELATION.search(before) and _RELATION.search(after))
