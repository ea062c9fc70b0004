"""Judge from an alignment whether a document contains a question, a part of it, or a variant with another number."""

from typing import Literal, NamedTuple

from pydantic import Field

from mathcode_pile.core.params import Section

# A question counts as whole if all of it agrees but for rounding and a word of little weight.
WHOLE = 0.97
# A whole question has at least so many words besides stop words: "Which of the following is true?" is none.
TELLING_WORDS = 3
# Of the numbers in the part that agrees, this share may be missing from the document.
MISSING_NUMBERS = 0.25
# With so much evidence, the numbers that are missing do not count.
STRONG_EVIDENCE = 8.0
# A solution needs more evidence than a question: its phrases are those of its topic.
SOLUTION_EVIDENCE, WHOLE_SOLUTION_EVIDENCE = 8.0, 4.0
# A variant with little evidence must agree in everything else. A formula has numbers for evidence.
VARIANT_EVIDENCE, FORMULA_NUMBERS, FORMULA_WEIGHT = 3.5, 4, 9.0


class DecontaminateParams(Section):
    """What counts as a leak, and what happens to it."""

    min_words: int = Field(ge=2)
    """A question with fewer words leaks only into a document that is nothing but the question."""
    min_coverage: float = Field(gt=0, le=1)
    """A document leaks a question if it contains this share of it, by the weight of the words, in one place."""
    min_part: float = Field(gt=0, le=1)
    """A smaller part, of at least this share, also counts if nothing in it differs and it tells enough."""
    max_numbers_changed: float = Field(ge=0, le=1)
    """A question of which at most this share of the numbers differs, or one number, leaks as a variant."""
    remove: Literal["document", "span"]
    """document: drop the document. span: cut only the paragraphs with the question."""
    planted_documents: int = Field(ge=1)
    """How many leaks of each kind are planted to measure recall."""
    seed: int = Field(ge=0)
    """The seed of the leaks that are planted."""


class Comparison(NamedTuple):  # a question, or solution, and the part of a document with which it is aligned
    total: float
    """total, same, spanned: weights of all its words, of those that agree, and of those from the first to the last."""
    same: float
    spanned: float
    content: float
    """Different content words that agree; common words count half."""
    words: float
    """Words that agree."""
    telling: float
    """Words that agree and are no stop words."""
    numbers: float
    """numbers, changed, kept: numbers from the first to the last word that agrees, those with another value, equal."""
    changed: float
    kept: float
    first: float
    """first, last: tokens of the document's part."""
    last: float
    reaches_end: float
    """1 if the question's last word is aligned, so that what agrees contains what is asked."""

    @property
    def coverage(self) -> float:
        """Return the share of the question that the document contains."""
        return self.same / self.total

    @property
    def identity(self) -> float:
        """Return the share that agrees from the first to the last word that does."""
        return self.same / self.spanned

    @property
    def density(self) -> float:
        """Return the share of the document's words, in its part, that belong to the question."""
        return self.words / (self.last - self.first + 1)

    @property
    def evidence(self) -> float:
        """Return how many words and numbers agree that few other texts would have together."""
        return self.content + 0.5 * self.kept


def judge_solution(found: Comparison, params: DecontaminateParams) -> str | None:
    """Return the rule by which a solution leaks, or None."""
    if found.changed > 0.05 * found.numbers or found.content < 3:
        return None
    if found.coverage >= 0.9 and found.evidence >= WHOLE_SOLUTION_EVIDENCE:
        return "whole"
    is_leak = found.coverage >= 0.5 and found.identity >= 0.85 and found.evidence >= SOLUTION_EVIDENCE
    return "coverage" if is_leak else None


def judge_question(found: Comparison, params: DecontaminateParams) -> str | None:
    """Return the rule by which a question leaks, or None."""
    if found.changed:
        return "variant" if is_variant(found, params) else None
    if found.coverage >= WHOLE:
        is_dense = found.evidence >= 4 or found.density >= 0.8
        return "whole" if found.telling >= TELLING_WORDS and is_dense else None
    if is_formula_part(found):
        return "part"
    if found.content < 2:  # hardly more than a formula
        return "coverage" if found.coverage >= 0.9 and found.evidence >= 4 and found.total >= 8 else None
    is_missing = found.numbers - found.kept > MISSING_NUMBERS * found.numbers
    if is_missing and found.evidence < STRONG_EVIDENCE:
        return None
    # The less there is that agrees, the more exactly it must do so.
    for coverage, identity, evidence in (
        (params.min_coverage, 0.7, 8),
        (params.min_coverage, 0.78, 5),
        (0.85, 0.85, 4),
    ):
        if found.coverage >= coverage and found.identity >= identity and found.evidence >= evidence:
            return "coverage"
    return "part" if is_part(found, params) else None


def is_part(found: Comparison, params: DecontaminateParams) -> bool:
    """Tell whether a document contains a part of a question that is enough to know it by."""
    if found.coverage < params.min_part:
        return False
    if found.identity >= 0.9 and found.evidence >= 6:
        return True
    if found.identity >= 0.97 and found.density >= 0.9 and found.evidence >= 4.5:
        return True
    if found.coverage >= 0.68 and found.identity >= 0.97 and found.density >= 0.9 and found.words >= 9:
        return found.evidence >= 2
    # A definition at a question's beginning is in many texts. What is asked, at its end, is not.
    is_exact = found.identity >= 0.99 and found.density >= 0.95 and found.words >= 7
    return is_exact and bool(found.reaches_end) and found.coverage >= 0.38 and found.evidence >= 2


def is_formula_part(found: Comparison) -> bool:
    """Tell whether a document contains an exact part of a question that is hardly more than a formula."""
    is_exact = found.identity >= 0.97 and found.density >= 0.95 and found.words >= 9
    if found.coverage < 0.66 or not is_exact or found.evidence < 2.5:
        return False
    return found.content >= 0.5 or found.telling >= 14


def is_variant(found: Comparison, params: DecontaminateParams) -> bool:
    """Tell whether a document contains a question with another number in it."""
    if found.changed > max(1, params.max_numbers_changed * found.numbers):
        return False
    # As the changed numbers weigh nothing here, only what else differs counts.
    number = 0.6 * found.changed
    coverage, identity = found.same / (found.total - number), found.same / (found.spanned - number)
    if found.content < 2.5:
        return coverage >= WHOLE and found.kept >= FORMULA_NUMBERS and found.total >= FORMULA_WEIGHT
    if found.evidence >= STRONG_EVIDENCE and coverage >= params.min_coverage and identity >= 0.9:
        return True
    needed = VARIANT_EVIDENCE if found.kept else VARIANT_EVIDENCE + 1
    return coverage >= 0.95 and found.evidence >= needed
