"""Type a piece of text by rules, without a model: cheap, and the same on every machine.

The rules compare the signs of mathematics, software and other fields, then what the piece asks with what it works out.
They cannot tell a wrong solution from a right one, judge quality, or read a language other than English.
"""

import re
from enum import IntEnum

from stages.annotate.problems import Problems, find_problems
from stages.annotate.signs import (
    Signs,
    count_signs,
    drop_figures,
    explains,
    is_reference,
    set_code_aside,
    split_sentences,
)


class PieceType(IntEnum):
    """What a piece of text is to a reader who wants to learn mathematics from it."""

    PROBLEM_AND_SOLUTION = 1
    """Poses a mathematical problem and works it out."""
    CONCEPT_OR_THEORY = 2
    """Explains, defines, proves or shows a mathematical concept, theorem or method."""
    PROBLEM_WITHOUT_SOLUTION = 3
    """Poses mathematical problems and does not solve them."""
    APPLIED = 4
    """Science, engineering or business that uses mathematics as a tool."""
    SOFTWARE = 5
    """Programs, and text about using or configuring them."""
    OTHER_PROSE = 6
    """Any other running text."""
    NOISE = 7
    """Navigation, lists of links, bare tables, boilerplate, garble."""


# Words of menus and page frames, and addresses.
_MENU = re.compile(
    r"\b(?:home page|home \||login|log in|sign (?:in|up)|(?:targeting |performance )cookies|cookie (?:policy|"
    r"settings)|privacy policy|terms of (?:use|service)|all rights reserved|"
    r"subscribe|next page|previous|share this|click here|copyright|menu|read more|newsletter|sitemap|"
    r"accept all|reply|quote|posts|replies|cached|similar pages|people also ask|searches? related|view as html|"
    r"videos for)\b|https?://",
    re.IGNORECASE,
)
# Words of a proof, about whatever it is.
_PROOF = re.compile(r"\b(?:by induction|proofs?|theorem|lemma|corollary|contradiction|suffices?)\b|[∎□]", re.IGNORECASE)
# A bare list has fewer function words than this share; running prose has .3 to .55.
_LIST_SHARE = 0.2
_MIN_MATHEMATICS = 3.0
_PROOF_WORDS = 3


def type_piece(text: str) -> PieceType:
    """Return the type of a piece of text."""
    text = drop_figures(text)
    prose = set_code_aside(text)
    sentences = split_sentences(prose)
    signs = count_signs(text, prose, sentences)
    if is_reference(text):
        is_taught = signs.mathematics >= max(8, signs.software) and explains(text)
        return PieceType.CONCEPT_OR_THEORY if is_taught else PieceType.SOFTWARE
    is_software = signs.software >= 5 and signs.software > 0.6 * signs.mathematics
    if (is_software or signs.function_words < 0.4) and _is_frame(text):
        return PieceType.NOISE
    if signs.code >= 5 and is_software:
        return PieceType.SOFTWARE
    problems = find_problems(prose, sentences)
    is_word_problem = (
        signs.code < 5
        and (problems.steps_after > 0 or (problems.solutions > 0 and problems.steps > 0))
        and (
            signs.computations >= 2
            or (signs.numbers >= 6 and problems.are_solved and signs.applied <= 0.8 * max(signs.mathematics, 3))
        )
    )
    if is_software and not is_word_problem:
        return PieceType.SOFTWARE
    if signs.function_words < _LIST_SHARE and _is_list(prose, problems):
        return PieceType.NOISE
    if signs.code >= 2 and signs.mathematics < 8 and not is_word_problem:
        return PieceType.SOFTWARE
    if signs.mathematics < _MIN_MATHEMATICS and not is_word_problem:
        return _type_other(signs)
    if problems.are_posed:
        return PieceType.PROBLEM_WITHOUT_SOLUTION
    if is_word_problem:
        return PieceType.PROBLEM_AND_SOLUTION
    is_worked = (signs.computations >= 3 and problems.steps >= 4) or len(_PROOF.findall(prose)) >= _PROOF_WORDS
    bound = 1.0 if is_worked else 0.35
    if max(signs.applied, signs.people) > bound * signs.mathematics and signs.applied + signs.people >= 5:
        return _type_other(signs)
    return PieceType.PROBLEM_AND_SOLUTION if problems.are_solved else PieceType.CONCEPT_OR_THEORY


def _type_other(signs: Signs) -> PieceType:
    if signs.software >= 5 and signs.software > max(signs.applied, signs.people):
        return PieceType.SOFTWARE
    return PieceType.APPLIED if signs.applied >= max(3, signs.people) else PieceType.OTHER_PROSE


def _is_list(prose: str, problems: Problems) -> bool:
    has_short_lines = problems.sentences >= 8 and len(prose) < 45 * problems.sentences
    return problems.steps < 3 and (has_short_lines or not problems.requests + problems.solutions)


def _is_frame(text: str) -> bool:
    return 1000 / max(len(text), 400) * len(_MENU.findall(text)) >= 8.0
