"""Tell an equation that asks for its letter, `2x + 1 = 7`, from a formula with known letters and its value.

Only needed where the page has given the letter a value before; words, zeros and what follows decide.
"""

import re
from collections.abc import Iterable

from stages.translate.symbolic.nodes import Node, free_symbols, number
from stages.translate.symbolic.steps import Given, Spot

_WORDS = re.compile(
    r"\b(?:solv|equation|solution|roots?\b|satisf|if\b|let\b|suppose|such that|for which|find|intersect|set\b|setting|"
    r"what|which|system|unknown|or\b|otherwise)",
    re.IGNORECASE,
)
_FOLLOWING = 80


def asks_for_letter(formula: Node, value: Node, sentence: str, behind: str) -> bool:
    """Whether a formula that equals a value is an equation. behind: the text after it."""
    if value == number("0") or _WORDS.search(sentence):
        return True
    following, _, _ = behind[:_FOLLOWING].partition("\n\n")
    return any(re.search(rf"(?<![A-Za-z]){re.escape(name)}\s*=", following) for name in free_symbols(formula))


def are_given_in_sentence(letters: Iterable[Given | int], spot: Spot) -> bool:
    """Whether the sentence itself gives all letters their values; results of steps are given elsewhere."""
    return all(isinstance(item, Given) and spot.sentence_start <= item.start < spot.sentence_end for item in letters)
