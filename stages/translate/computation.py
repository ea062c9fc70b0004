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
    chain: int = 0
    """A number that computations of one chain of equal terms, or of one program, share; unique within the text."""
    anchor: int = 0
    """Where the computation ends in the text, in characters."""
    relation: str = "="
    """Between expression and result: = or ≈."""
    repairs: str = ""
    """What was mended in the code, as stages.translate.replies.repairs names it."""


class Found(NamedTuple):
    """What was found in one text, or in a model's reply about it."""

    computations: list[Computation]
    reasons: Counter[DropReason]
    """Why parts of it, or all of it, gave no computation."""
