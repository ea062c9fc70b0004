"""Find the blocks of a page, behind which a program may be written, and the places where its text may be cut.

A block is a paragraph, or a whole list, table, quote, display formula or piece of code, as Markdown, LaTeX or HTML have
them. Not covered: a page that mixes marks so that even a reader cannot say where a list ends.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

MAX_FORMULA = 3000

_ENVIRONMENTS = (
    "align|alignat|aligned|array|cases|description|displaymath|enumerate|eqnarray|equation|figure|flalign|gather|itemize"
    "|lstlisting|math|multline|[bBpvV]?matrix|quotation|quote|table|tabular|tikzpicture|verbatim"
)
# What has an end of its own. It is never cut, and all but inline formulas may contain empty lines.
_OPENING = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[^`\n]*$|(?<!\\)(?P<formula>\$\$?|\\[\[(])"
    r"|\\begin\{(?P<environment>(?:" + _ENVIRONMENTS + r")\*?)\}"
    r"|(?P<drawing>\[asy\])|<(?P<tag>blockquote|code|dl|ol|pre|table|ul)\b[^<>\n]*>",
    re.MULTILINE | re.IGNORECASE,
)
_EMPTY_LINES = re.compile(r"\n(?:[^\S\n]*\n)+")
_CLOSERS = r"(?:[\"'”’)\]*_}]|\$\$?|\\[\])]|\\end\{\w{1,15}\*?\})*"
_ENDS_SENTENCE = re.compile(r"[.!?…]" + _CLOSERS + r"\Z")
# In a text without empty lines, a line that ends a sentence is a paragraph.
_SENTENCE_LINE = re.compile(r"[.!?…]" + _CLOSERS + r"[^\S\n]*(\n)")
_ITEM = re.compile(r"^[ \t]*(?:[-*+•‣◦]|\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{2,5})[.)]|\\item\b)(?=[ \t])", re.MULTILINE)
_NUMBERED = re.compile(r"[ \t]{0,3}\(?(?:\d{1,3}|[a-z]|[ivx]{2,4})[.)][ \t]")
_BEFORE_ITEM = re.compile(rf"(?<=\S)[^\S\n]*\n(?={_NUMBERED.pattern})")
_LONG_ITEM = 60
_INDENTED = re.compile(r"(?: {2,}|\t)")
_CODE = re.compile(r"(?:(?: {4}|\t)[^\n]*(?:\n|\Z))+")
_QUOTE = re.compile(r"^[ \t]{0,3}>", re.MULTILINE)
_TABLE = re.compile(r"^[ \t]*\|", re.MULTILINE)
# Who speaks in a thread, by a name in lower case.
_SPEAKER = re.compile(r"\W{0,3}[\w.-]{2,30}\W{0,3}:\s")
_VISIBLE = re.compile(r"\S")
_DISPLAY = re.compile(r"\s*(?:\$\$|\\\[|\\begin\{)")
_SENTENCE_END = re.compile(r"[.!?…]" + _CLOSERS + r"(?=\s+[^a-z\s])")
# A line that begins another problem, and no other line.
_PROBLEM = re.compile(
    r"\s*(?:\#{1,6}[ ]|(?:[-*_][ ]?){3,}\s*$"
    r"|[\W_]{0,4}(?:(?:Q|Question|Problem|Example|Exercise|Task|Puzzle|Theorem)\b|\d{1,3}[.)][ ]))",
    re.IGNORECASE | re.MULTILINE,
)


Closed = list[tuple[int, int]]


class Block(NamedTuple):
    """A part of a page; between two blocks there is nothing but white space."""

    start: int
    end: int
    """Behind its last visible character."""
    kind: str
    """text, list, or other: a quote, a table, code."""


@dataclass(frozen=True)
class Layout:
    """A page's text, its blocks, and what in it has an end of its own."""

    text: str
    blocks: list[Block]
    closed: Closed
    """The start and end of each fence, formula, environment and HTML element, in order."""

    def block_at(self, place: int) -> int:
        """Return the index of the block that contains a place, or else of the last one that begins before it."""
        return min(bisect_left(self.blocks, place, key=lambda block: block.end), len(self.blocks) - 1)

    def cuts(self, first: int, last: int) -> list[int]:
        """Return the places between the blocks `first` and `last` where the text may be cut, in order.

        These are the bounds of blocks, the ends of sentences in paragraphs and the ends of items in lists.
        """
        places: set[int] = set()
        for block in self.blocks[first : last + 1]:
            places |= {block.start, block.end}
            if block.kind == "text":
                places.update(m.end() for m in _SENTENCE_END.finditer(self.text, block.start, block.end))
            elif block.kind == "list":
                places.update(m.start() for m in _ITEM.finditer(self.text, block.start, block.end))
        return sorted(place for place in places if not _is_inside(self.closed, place))

    def problems(self) -> list[tuple[int, int]]:
        """Return the first and last block of each part of the page that a heading or a number begins."""
        starts = [0, *(i for i, block in enumerate(self.blocks) if i and _PROBLEM.match(self.text, block.start))]
        return [(start, end - 1) for start, end in zip(starts, [*starts[1:], len(self.blocks)], strict=True)]


def find_layout(text: str) -> Layout:
    """Return a page's layout; a page without a visible character has one empty block."""
    closed = list(find_closed(text))
    last = len(text.rstrip())
    starts = [0]
    ends = []
    for start, end in _find_gaps(text, last):
        if not _is_inside(closed, start) and text[starts[-1] : start].strip():
            ends.append(starts[-1] + len(text[starts[-1] : start].rstrip()))
            starts.append(end)
    return Layout(text, _join_parts(text, closed, list(zip(starts, [*ends, last], strict=True))), closed)


def _find_gaps(text: str, last: int) -> Iterator[tuple[int, int]]:
    """Yield what separates paragraphs and numbered items: empty lines, or the breaks of lines if there are none."""
    found = [match.span() for match in _EMPTY_LINES.finditer(text, 0, last)]
    if any(text[:start].strip() for start, _ in found[:2]):
        yield from sorted({*found, *(match.span() for match in _BEFORE_ITEM.finditer(text, 0, last))})
    else:
        yield from (match.span(1) for match in _SENTENCE_LINE.finditer(text, 0, last))


def find_closed(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of everything that is opened and closed; what is never closed is plain text."""
    missing: set[str] = set()
    position = 0
    while match := _OPENING.search(text, position):
        position = match.end()
        mark = match[match.lastgroup or 0].lower()
        if mark in missing:
            continue
        end = _find_end(text, match)
        if end is not None:
            yield match.start(), end
            position = end
        elif not match["formula"]:
            missing.add(mark)


def _find_end(text: str, opening: re.Match[str]) -> int | None:
    if opening["formula"] or opening["drawing"]:
        mark = {"\\[": "\\]", "\\(": "\\)", "[asy]": "[/asy]"}.get(opening[0].lower(), opening[0])
        limit = len(text) if opening["drawing"] else opening.end() + MAX_FORMULA
        place = text.find(mark, opening.end(), limit)
        is_open = place < 0 or (mark == "$" and _EMPTY_LINES.search(text, opening.end(), place))
        return None if is_open else place + len(mark)
    if opening["fence"]:
        mark = opening["fence"]
        closing = re.compile(rf"^[ \t]*{mark[0]}{{{len(mark)},}}(?=[ \t\r]*$)", re.M).search(text, opening.end())
        return closing.end() if closing else None
    if opening["environment"]:
        name = re.escape(opening["environment"])
        both = re.compile(rf"\\(?P<end>end|begin)\{{{name}\}}")
    else:
        both = re.compile(rf"<(?P<end>/)?{opening['tag']}\b[^<>\n]*>", re.IGNORECASE)
    depth = 1
    for match in both.finditer(text, opening.end()):
        depth += -1 if match["end"] in ("/", "end") else 1
        if not depth:
            return match.end()
    return None


def _join_parts(text: str, closed: Closed, parts: list[tuple[int, int]]) -> list[Block]:
    """Join the parts of one list, quote, table or piece of code, and those that one sentence runs through."""
    blocks: list[Block] = []
    marks: set[str] = set()
    for start, end in parts:
        own = _find_marks(text, closed, start, end)
        if blocks and _continues(text, blocks[-1], start, end, marks):
            marks |= own
            start = blocks.pop().start
        else:
            marks = own
        blocks.append(Block(start, end, "list" if marks == {"list"} else "other" if marks else "text"))
    return blocks


def _find_marks(text: str, closed: Closed, start: int, end: int) -> set[str]:
    """Return which of list, quote, table and code a part has; a minus sign in a formula makes no list."""
    lines = {"list": _ITEM, "quote": _QUOTE, "table": _TABLE}
    found = {
        name
        for name, mark in lines.items()
        if any(not _is_inside(closed, match.start()) for match in mark.finditer(text, start, end))
    }
    return found | {"code"} if _CODE.fullmatch(text, start, end) else found


def _begins_anew(text: str, end: int, start: int) -> bool:
    """Say whether a part that starts in lower case is no rest of a sentence: `quietowl: I think so.`"""
    return _ends_sentence(text, end) or _SPEAKER.match(text, start) is not None


def _continues(text: str, before: Block, start: int, end: int, marks: set[str]) -> bool:
    """Say whether the part from start to end belongs to the block before it, whose marks are given."""
    is_item = _ITEM.match(text, start) is not None
    if is_item and _is_long_item(text, start, end):
        return False
    if "list" in marks and (is_item or _INDENTED.match(text, start)):
        return True
    if ("quote" in marks and _QUOTE.match(text, start)) or ("table" in marks and _TABLE.match(text, start)):
        return True
    if "code" in marks and _CODE.fullmatch(text, start, end):
        return True
    first = _VISIBLE.search(text, start)
    if first is not None and first[0].islower() and not is_item and not _begins_anew(text, before.end, start):
        return True
    if text[before.end - 1 : before.end] in (":", ",", ";"):
        return True
    return _DISPLAY.match(text, start) is not None and not _ends_sentence(text, before.end)


def _is_long_item(text: str, start: int, end: int) -> bool:
    """Say whether a part is one numbered item, as the problems of a sheet are, and long: a block of its own."""
    lines = text[start:end].splitlines()
    is_one = _NUMBERED.match(text, start) is not None and not any(map(_ITEM.match, lines[1:]))
    return is_one and (len(lines) > 1 or end - start >= _LONG_ITEM)


def _is_inside(closed: Closed, place: int) -> bool:
    index = bisect_left(closed, place, key=lambda span: span[1])
    return index < len(closed) and closed[index][0] < place < closed[index][1]


def _ends_sentence(text: str, end: int) -> bool:
    return _ENDS_SENTENCE.search(text[max(0, end - 40) : end]) is not None
