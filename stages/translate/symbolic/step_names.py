"""Find what a page may call the value of a step: a letter of its chain, a text before it, or words around it."""

import re

from stages.translate.symbolic.chains import Chain
from stages.translate.symbolic.nodes import Node
from stages.translate.symbolic.program_writer import name_of_operation
from stages.translate.symbolic.quantities import REACH, Quantities
from stages.translate.symbolic.quantity_words import is_name, name_of_result
from stages.translate.symbolic.steps import Side, Spot

_NAME = re.compile(r"\\(?:text|mathrm|textrm|mbox|operatorname)\s*\{\s*([A-Za-z][A-Za-z ]{1,30}?)\s*\}")
_OF_SEQUENCE = re.compile(r"\b(?:common difference|difference (?:of |is |[a-z] = ?)?\$?-?\d+\b(?! and))")


def names_of_step(chain: Chain, sides: list[Side], spot: Spot, known: Quantities) -> tuple[str, ...]:
    """Return the names of the value that a chain states, the best first."""
    names = [side.node.value for side in sides if side.node.op == "sym"]
    text = _NAME.fullmatch(" ".join(chain.terms[0].tokens))
    if text and is_name(word := text[1].lower().replace(" ", "_")):
        names.append(word)
    if not names and spot.is_alone:
        words = name_of_result(known.parts.text, spot.sentence_start, spot.start, spot.end)
        names += [words] if words else []
    return tuple(dict.fromkeys(names))


def free_name(node: Node, spot: Spot, known: Quantities) -> tuple[str, ...]:
    """Return another name than `difference` where the page says it of a sequence: a difference of 3."""
    if name_of_operation(node) != "difference":
        return ()
    text = known.parts.text[max(known.parts.problem_start(spot.start), spot.start - REACH) : spot.start]
    return ("result",) if _OF_SEQUENCE.search(text) else ()
