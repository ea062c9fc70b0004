"""The letters that the options of a multiple-choice question go by."""

import re
from collections.abc import Sequence

LETTERS = "ABCDEFGHIJ"
_LETTER = re.compile(r"\s*\(?([A-Za-z])(?:[).]\s*|:\s+)")


def strip_letters(options: Sequence[str]) -> list[str]:
    """Return options without the letters they go by: `A) 3`, `(B) 4`, `c. 5`.

    A letter other than the option's own belongs to its text: `f: x -> 2x`.
    """
    return [_strip_letter(option, LETTERS[place : place + 1]) for place, option in enumerate(options)]


def _strip_letter(option: str, own: str) -> str:
    mark = _LETTER.match(option)
    return option[mark.end() :] if mark and mark[1].upper() == own else option
