"""Split a text into pieces that fit a limit, between paragraphs if possible.

Joined again, the pieces are the text, character for character. So a long document loses nothing, and no instruction is
cut off to make room for it.
"""

import re
from collections.abc import Callable, Iterator

# Where to split, the best place first: paragraphs, lines, sentences, words.
_BOUNDS = (re.compile(r"\n[ \t\r]*\n\s*"), re.compile(r"\n+"), re.compile(r"(?<=[.!?])\s+"), re.compile(r"\s+"))


def split_pieces(text: str, limit: int, measure: Callable[[str], int] = len) -> list[str]:
    """Return the pieces of a text in order; each takes as much as fits into `limit`.

    measure: returns the size of a string, in characters or in a model's tokens; a longer string must not be smaller.
    A paragraph over the limit is split at lines, then sentences, then words, then anywhere. A single
    character over the limit is a piece of its own. An empty text has no pieces.
    """
    return list(_split(text, limit, measure, 0)) if text else []


def _split(text: str, limit: int, measure: Callable[[str], int], level: int) -> Iterator[str]:
    if measure(text) <= limit or len(text) <= 1:
        yield text
        return
    if level == len(_BOUNDS):
        middle = len(text) // 2
        yield from _split(text[:middle], limit, measure, level)
        yield from _split(text[middle:], limit, measure, level)
        return
    held = ""
    for part in _parts(text, _BOUNDS[level]):
        if held and measure(held + part) > limit:
            yield from _split(held, limit, measure, level + 1)
            held = part
        else:
            held += part
    yield from _split(held, limit, measure, level + 1)


def _parts(text: str, bound: re.Pattern[str]) -> Iterator[str]:
    """Yield the text cut after each match of `bound`."""
    start = 0
    for match in bound.finditer(text):
        if match.end() < len(text):
            yield text[start : match.end()]
            start = match.end()
    yield text[start:]
