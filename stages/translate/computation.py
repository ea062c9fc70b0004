"""What both translators find: computations, and what they left out."""

from collections import Counter
from typing import NamedTuple

from mathcode_pile.core.funnel import DropReason


class Computation(NamedTuple):
    """One computation of one document, with the fields of a snippet."""

    title: str
    conditions: str
    expression: str
    """LaTeX."""
    result: str
    """As the document states it."""
    code: str


class Found(NamedTuple):
    """What was found in one text, or in a model's reply about it."""

    computations: list[Computation]
    reasons: Counter[DropReason]
    """Why parts of it, or all of it, gave no computation."""
