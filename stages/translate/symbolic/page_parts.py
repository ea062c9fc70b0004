"""Divide a page into sentences, paragraphs and problems.

A formula is never divided, and nothing depends on the order in which parts are asked for. Not covered: words.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from stages.translate.symbolic.spans import Span

MAX_SENTENCE = 500

# A sentence may end inside its mathematics: \[x = 1.\]
_CLOSE = r"(?:\$\$?|\\\]|\\\)|\\end\{[a-z]+\*?\})"
# The search skips fast to the characters that a pattern begins with.
_BREAK = re.compile(
    r"[.?!\n](?:(?<!\n)(?<!\be\.g.)(?<!\bi\.e.)(?<!\bcf.)(?<!\bNo.)(?<!\bvs.)(?:(?<![\w)}]!)(?P<inside>"
    + _CLOSE
    + r")|(?=[\s$\\]))|(?<=\n)(?:\s*\n|(?=[-*] )))"
)
_PARAGRAPH = re.compile(r"\n\s*\n")
_PROBLEM = re.compile(
    r"^(?:#{1,6} |[-=*_]{3,}\s*$"
    r"|\W{0,4}(?:problems?|exercises?|examples?|tasks?|questions?|puzzles?|q)\b(?! \w+ing\b))",
    re.IGNORECASE | re.MULTILINE,
)
_SOFT_BREAK = re.compile(r"[,;:]\s|\n|\s")


class PageParts:
    """Where the sentences, paragraphs and problems of a page begin and end."""

    def __init__(self, text: str, spans: list[Span]) -> None:
        self.text = text
        self._words: dict[tuple[int, int], str] = {}
        self._span_starts = [span.start for span in spans]
        self._span_ends = [span.end for span in spans]
        self._sentences = [0, *(match.end() for match in _BREAK.finditer(text) if self._is_break(match)), len(text)]
        self._paragraphs = [match.end() for match in _PARAGRAPH.finditer(text)]
        self._problems = [match.start() for match in _PROBLEM.finditer(text) if not self.is_inside(match.start())]

    def is_inside(self, place: int) -> bool:
        """Whether a place is within a formula, not at its end."""
        index = bisect_right(self._span_starts, place) - 1
        return index >= 0 and self._span_starts[index] < place < self._span_ends[index]

    def _is_break(self, match: re.Match[str]) -> bool:
        if not self.is_inside(match.start()):
            return True
        # A full stop within a formula ends the sentence if it is the last character before the closing mark.
        return match["inside"] is not None and not self.is_inside(match.end())

    def paragraph(self, place: int) -> int:
        """Return the number of the paragraph at a place."""
        return bisect_right(self._paragraphs, place)

    def problem(self, place: int) -> int:
        """Return the number of the problem, example or section at a place; 0 before the first."""
        return bisect_right(self._problems, place)

    def problem_start(self, place: int) -> int:
        """Return where the problem at a place begins."""
        index = self.problem(place)
        return self._problems[index - 1] if index else 0

    def uses_letter(self, letter: str, place: int) -> bool:
        """Whether a formula of the problem before a place has a letter."""
        start = self.problem_start(place)
        found = re.finditer(rf"(?<![A-Za-z\\\\]){letter}(?![A-Za-z])", self.text[start:place])
        return any(self.is_inside(start + match.start()) for match in found)

    def sentence(self, start: int, end: int) -> tuple[int, int]:
        """Return where the sentence around a formula begins and ends; a long one is cut between formulas."""
        sentences = self._sentences
        first = sentences[max(0, bisect_right(sentences, start) - 1)]
        last = sentences[min(len(sentences) - 1, bisect_left(sentences, end))]
        if start - first > MAX_SENTENCE:
            first = self._soft_break(start - MAX_SENTENCE, start, start)
        if last - end > MAX_SENTENCE:
            last = self._soft_break(end + MAX_SENTENCE, len(self.text), end + MAX_SENTENCE)
        return first, last

    def sentences(self, spots: Iterable[tuple[int, int]]) -> str:
        """Return the sentences around several places, each once, in the order of the page."""
        joined: list[tuple[int, int]] = []
        for first, last in sorted({self.sentence(*spot) for spot in spots}):
            if joined and first < joined[-1][1]:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        return " ".join(text for first, last in joined if (text := self.words(first, last)))

    def _soft_break(self, low: int, high: int, otherwise: int) -> int:
        """Return the first place behind a comma or a space, and within no formula."""
        for match in _SOFT_BREAK.finditer(self.text, low, high):
            if not self.is_inside(match.start()) and not self.is_inside(match.end()):
                return match.end()
        return otherwise

    def words(self, start: int, end: int) -> str:
        """Return a part of the text with single spaces."""
        words = self._words.get((start, end))
        if words is None:
            words = self._words[start, end] = " ".join(self.text[start:end].split())
        return words
