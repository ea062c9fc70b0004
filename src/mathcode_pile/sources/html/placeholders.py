"""Hold what an extractor would garble (formulas, code, tables) out of a page's text, and put it back afterwards.

A placeholder is one word of two private characters around a number, so extractors treat it as text.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

OPENER, CLOSER = "\ue000", "\ue001"
PLACEHOLDER = re.compile(f"{OPENER}(\\d+){CLOSER}")
Kind = Literal["formula", "display", "code", "block"]
_BULLET = re.compile(r"[ \t]*(?:[-*•] |\d+\. )?")
_PUNCTUATION = re.compile(r"[ \t]*([.,;:!?)\]]*)")


@dataclass
class Placeholders:
    """What was taken out of one page."""

    held: list[tuple[Kind, str]] = field(default_factory=list)

    def hold(self, kind: Kind, content: str) -> str:
        """Keep a content and return its placeholder."""
        self.held.append((kind, content))
        return f"{OPENER}{len(self.held) - 1}{CLOSER}"

    def fill(self, text: str) -> str:
        """Return a text of one line with every placeholder replaced by its content."""
        while PLACEHOLDER.search(text):
            text = PLACEHOLDER.sub(lambda found: self.held[int(found[1])][1], text)
        return text

    def restore(self, text: str) -> str:
        """Return an extracted text with its contents: displays and blocks on lines of their own."""
        lines: list[str] = []
        for line in text.split("\n"):
            lines += self._lay_out(line)
        joined = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")
        return "\n".join(self._fill_line(line) for line in joined.split("\n"))

    def _lay_out(self, line: str) -> list[str]:
        """Return a line as lines on which each display (with the punctuation after it) and each block is alone."""
        bullet = _BULLET.match(line)
        mark = bullet[0] if bullet else ""
        rest, place = line[len(mark) :], 0
        parts: list[str] = []
        for found in PLACEHOLDER.finditer(rest):
            kind = self.held[int(found[1])][0]
            if kind not in ("display", "block"):
                continue
            parts.append(rest[place : found.start()].strip())
            place = found.end()
            if kind == "display" and (marks := _PUNCTUATION.match(rest, place)):
                place = marks.end()
                parts.append(found[0] + marks[1])
            else:
                parts += [found[0]] if mark else ["\n", found[0], "\n"]
        if not parts:
            return [line]
        parts = [part for part in (*parts, rest[place:].strip()) if part]
        margin = " " * len(mark)
        return ["" if part == "\n" else (margin if number else mark) + part for number, part in enumerate(parts)]

    def _fill_line(self, line: str) -> str:
        """Return a line with its contents; the lines of a content are indented as the first one."""
        bullet = _BULLET.match(line)
        margin = " " * len(bullet[0]) if bullet else ""
        return self.fill(line).replace("\n", f"\n{margin}")
