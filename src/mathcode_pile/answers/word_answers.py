"""Compare answers in words, and the letters of choices."""

from mathcode_pile.answers.scalars import DIFFERENT, SAME, UNSURE, Verdict
from mathcode_pile.answers.values import Node, Symbol, Text, Truth

# Of each group only one can be right.
_GROUPS = [
    frozenset(words.split())
    for words in (
        *("even odd", "increasing decreasing", "converges diverges", "prime composite", "positive negative"),
        *("rational irrational", "maximum minimum", "real complex", "linear nonlinear", "parallel perpendicular"),
        *("dependent independent", "stable unstable", "acute obtuse"),
        "monday tuesday wednesday thursday friday saturday sunday",
        "january february march april may june july august september october november december",
    )
]


def compare_words(stated: Node, printed: Node) -> Verdict:
    """Return the verdict on two values, one of them no number: equal words, or words that exclude each other."""
    if isinstance(stated, Truth) and isinstance(printed, Truth):
        return (SAME if stated == printed else DIFFERENT), "boolean"
    if stated == printed:
        return SAME, "text"
    if isinstance(stated, Symbol) and isinstance(printed, Symbol):
        # The letters of choices.
        return (DIFFERENT if {stated.name, printed.name} <= set("ABCDE") else UNSURE), "text"
    one, other = _as_words(stated), _as_words(printed)
    if one is not None and one == other:
        return SAME, "text"
    exclusive = any(one in group and other in group for group in _GROUPS)
    return (DIFFERENT if exclusive else UNSURE), "text"


def _as_words(node: Node) -> str | None:
    if isinstance(node, Text):
        return node.text
    # A letter is a variable or the name of a choice.
    return node.name.lower() if isinstance(node, Symbol) and len(node.name) == 1 else None
