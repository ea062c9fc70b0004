"""Join the pages of a book: without running heads and feet, and with words that a line's end broke made whole."""

import re
from collections import Counter
from collections.abc import Sequence

# A running head or foot is one of this many lines at either end of a page.
EDGE_LINES = 2
# It also is on one of so many pages before or after, alike but for the page's number. Left and right pages may differ.
NEAR_PAGES = 2

_NUMBER = re.compile(r"[0-9]+")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
# A hyphen between two runs of letters, at the end of a line.
_BROKEN = re.compile(r"(?<![^\W\d_])(?P<left>[^\W\d_]+)-\n+(?=(?P<right>[^\W\d_]+))")
_OPERATOR_BEFORE = re.compile(r"(?:[=+*/^_<>≤≥≈∈·×÷−\\\d][ \t]*|[(\[{]?\d[ \t]*)$")
_OPERATOR_AFTER = re.compile(r"[\d(\[_^\\]|[ \t]*[=+*/^<>≤≥≈∈·×÷−]")


def join_pages(pages: Sequence[str], max_line_share: float) -> str:
    """Return the text of a book without running heads, feet and page numbers; words hyphenated at line ends are joined.

    A page that has nothing else is left out. Blank lines within a page remain.
    """
    split = [[line.strip() for line in page.replace("\r", "").strip().split("\n")] for page in pages]
    running = _find_running_lines(split, max_line_share)
    kept = [
        "\n".join(line for n, line in enumerate(lines) if n not in gone)
        for lines, gone in zip(split, running, strict=True)
    ]
    text = "\n\n".join(page.strip() for page in kept if page.strip())
    text = text.replace("\ufffe", "-").replace("\x02", "-")  # how pdfium marks a hyphen at the end of a line
    text = re.sub(r"\u00ad\n*", "", text)  # a soft hyphen, which shows only where a word is broken
    text = re.sub(r"[\x00-\x08\x0b-\x1f]", "", join_words(text))
    return re.sub(r"\n{3,}", "\n\n", text)


def join_words(text: str) -> str:
    """Return a text with the words made whole that are broken by a hyphen at a line's end; formulas stay as they are.

    The text's other words tell a broken word (inte-gral) from a compound (well-known), which keeps its hyphen.
    """
    known = Counter(word.lower() for word in _WORD.findall(text))

    def join(match: re.Match[str]) -> str:
        left, right = match["left"], match["right"]
        whole, compound = known[(left + right).lower()], known[f"{left}-{right}".lower()]
        if compound > whole:
            return f"{left}-"
        if whole or _is_broken_word(match, text):
            return left
        return match[0]

    return _BROKEN.sub(join, text)


def _is_broken_word(match: re.Match[str], text: str) -> bool:
    """Tell whether a hyphen at a line's end breaks a word, and is neither a minus sign nor between single letters."""
    if min(len(match["left"]), len(match["right"])) < 2 or not match["right"].islower():
        return False
    before, after = text[max(0, match.start() - 8) : match.start()], text[match.end("right") : match.end("right") + 8]
    return not _OPERATOR_BEFORE.search(before) and not _OPERATOR_AFTER.match(after)


def _find_running_lines(pages: list[list[str]], max_share: float) -> list[set[int]]:
    """Return for each page which of its lines are running heads or feet.

    Such a line is at an edge of more than max_share of the pages, its numbers aside, and at an edge of a near page with
    the same numbers, or with a page number that differs as the pages do. So rows of exercises are none.
    """
    edges = [_find_edges(lines) for lines in pages]
    shapes = Counter(
        shape for lines, numbers in zip(pages, edges, strict=True) for shape in {_shape(lines[n]) for n in numbers}
    )
    frequent = {shape for shape, count in shapes.items() if len(pages) >= 3 and count > max_share * len(pages)}
    forms = [
        {n: _list_forms(lines[n], page) for n in numbers if _shape(lines[n]) in frequent}
        for page, (lines, numbers) in enumerate(zip(pages, edges, strict=True))
    ]
    running = []
    for page, candidates in enumerate(forms):
        near = [
            forms[other]
            for other in range(max(0, page - NEAR_PAGES), page + NEAR_PAGES + 1)
            if other != page and other < len(forms)
        ]
        nearby = {form for other in near for found in other.values() for form in found}
        running.append({n for n, found in candidates.items() if found & nearby})
    return running


def _find_edges(lines: list[str]) -> list[int]:
    """Return the numbers of the first and last lines of a page that are not blank."""
    written = [n for n, line in enumerate(lines) if line]
    return sorted({*written[:EDGE_LINES], *written[-EDGE_LINES:]})


def _shape(line: str) -> str:
    """Return a line with each number masked: a page number alone has the shape `#`."""
    return _NUMBER.sub("#", line)


def _list_forms(line: str, page: int) -> set[str]:
    """Return a line as it is, and with each of its numbers in turn written as its distance from the page's index."""
    forms = {line}
    for number in _NUMBER.finditer(line):
        if len(number[0]) <= 6:
            forms.add(f"{line[: number.start()]}#{int(number[0]) - page}#{line[number.end() :]}")
    return forms
