"""Remember what a page has stated so far: values of letters, formulas, results, and numbers with a name.

A letter counts in its paragraph, and in the rest of its problem if it has one value there.
"""

from bisect import bisect_left
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from stages.translate.symbolic.formulas import TELLING
from stages.translate.symbolic.nodes import TRIGONOMETRY, Node, is_value, operations
from stages.translate.symbolic.numeric import agree, exact_value
from stages.translate.symbolic.page_parts import PageParts
from stages.translate.symbolic.quantity_words import Mention, find_mentions, is_said, name_of_mention
from stages.translate.symbolic.steps import Given, Spot

# How far back a letter, a formula or a number is looked for, in characters.
REACH = 1500
# The number 2 is rarely a quantity: 2r, half, a square.
SMALLEST_RESULT = 2
_RECENT = 20
_SHAPES = 10
_CLOSE = 500


class Stated(NamedTuple):
    """A letter with the value that the page gives it."""

    name: str
    value: Node
    start: int
    end: int
    step: int | None  # the place of the step that computes it; None if the page only states it
    is_angle: bool  # stated in degrees


class Formula(NamedTuple):
    """What a page says a letter is: the node has letters."""

    node: Node
    latex: str
    start: int


class Result(NamedTuple):
    """The stated value of a step."""

    step: int
    start: int
    end: int
    is_rounded: bool


class Named(NamedTuple):
    """A number of the text with a name."""

    name: str
    mention: Mention
    is_alone: bool
    """Whether the problem mentions the number only there."""


def is_small(value: Fraction | int) -> bool:
    """Whether a page has many numbers like this one: an integer below TELLING."""
    return value < TELLING and value.denominator == 1


class Quantities:
    """What a page has stated up to the formula that is being read."""

    def __init__(self, parts: PageParts, letter_e: bool) -> None:
        """letter_e: whether e is a letter like others on this page."""
        self.parts = parts
        self._letter_e = letter_e
        self._letters: dict[str, list[Stated]] = {}
        self._formulas: dict[str, Formula] = {}
        self._names: dict[Mention, str] = {}
        self._shapes: list[Formula] = []
        self.names_of_steps: dict[str, str] = {}
        """What the page calls the value of each step, by the key of the step; "" if nothing."""
        self.givens_of_steps: dict[int, set[str]] = {}
        """The keys of the given quantities that each step uses."""
        self.wrong_steps: set[int] = set()
        """The places of the steps whose stated value is wrong; nothing is computed from it."""
        self._results: dict[Fraction | int, list[Result]] = {}

    @cached_property
    def _mentions(self) -> dict[Fraction | int, list[Mention]]:
        return find_mentions(self.parts.text)

    def state(self, letter: Stated) -> None:
        """Remember the value of a letter."""
        if (
            (letter.name != "e" or self._letter_e)
            and is_value(letter.value)
            and "infinity" not in operations(letter.value)
        ):
            self._letters.setdefault(letter.name, []).append(letter)

    def define(self, name: str, formula: Formula) -> None:
        """Remember the formula of a letter."""
        self._formulas[name] = formula

    def show(self, formula: Formula) -> None:
        """Remember an expression with letters, whatever it is called."""
        self._shapes.append(formula)

    def shapes(self, place: int) -> list[Formula]:
        """Return the last expressions with letters in a problem before a place, the last one first."""
        return [shape for shape in reversed(self._shapes[-_SHAPES:]) if self._is_near(shape.start, place)]

    def add_result(self, value: Node, result: Result) -> None:
        """Remember the stated value of a step."""
        if (number := exact_value(value)) is not None:
            self._results.setdefault(number, []).append(result)

    def is_rounded(self, value: Fraction | int | None, place: int) -> bool:
        """Whether the problem has brought a number in as the rounded value of a step before a place."""
        return any(one.is_rounded and self._is_near(one.start, place) for one in self._results.get(value or 0, []))

    def letter(self, name: str, place: int, in_paragraph: bool = False) -> Stated | None:
        """Return the one value of a letter before a place; None if it has none, or two."""
        near = [stated for stated in self._letters.get(name, [])[-_RECENT:] if self._is_near(stated.start, place)]
        same = [stated for stated in near if self.parts.paragraph(stated.start) == self.parts.paragraph(place)]
        chosen = same or ([] if in_paragraph else near)
        return chosen[-1] if chosen and all(_is_same(one.value, chosen[-1].value) for one in chosen) else None

    def may_be(self, name: str, value: Node, place: int) -> bool:
        """Whether the page gives a letter no other value before a place."""
        stated = self.letter(name, place)
        return stated is None or agree(stated.value, value)

    def formula(self, name: str, place: int) -> Formula | None:
        """Return the formula of a letter that the page gives before a place."""
        formula = self._formulas.get(name)
        return formula if formula and self._is_near(formula.start, place) else None

    def letter_of_matrix(self, matrix: Node, place: int) -> Stated | None:
        """Return the letter of a matrix that the problem states."""
        found = [stated for name in self._letters if (stated := self.letter(name, place)) and stated.value == matrix]
        return found[0] if len(found) == 1 else None

    def letter_of_value(self, value: Fraction | int, place: int) -> Stated | None:
        """Return the only letter of the paragraph that has a value; of the problem, if the value is a telling one."""
        in_paragraph = value < TELLING and value.denominator == 1
        found = [
            stated
            for name in self._letters
            if (stated := self.letter(name, place, in_paragraph)) and exact_value(stated.value) == value
        ]
        return found[0] if len(found) == 1 else None

    def result_of_value(self, value: Fraction | int, place: int) -> int | None:
        """Return the step that first brought a number into the problem; None if the number was there before."""
        results = [result for result in self._results.get(value, [])[-_RECENT:] if self._is_near(result.start, place)]
        if results and value < TELLING and value.denominator == 1:
            results = [result for result in results if self._is_close(result, place)]
        if not results or self._mentions_between(value, place, results[0].start):
            return None
        return results[-1].step

    def result_of_number(self, value: Node, place: int) -> int | None:
        """Return the step whose result a number is, where the page computed it before."""
        if value.op != "num" or float(value.value) <= SMALLEST_RESULT:
            return None
        return self.result_of_value(Fraction(value.value), place)

    def mention_of_value(self, value: Fraction | int, spot: Spot) -> Named | None:
        """Return where the problem mentions a number under a name; None if it has several names.

        The words before a formula and behind it in its sentence count, not what the formula itself states. A small
        number that the text also mentions without a name may be any of them, unless its own sentence has the name; a
        larger one that its own paragraph mentions without a name is none of another paragraph.
        """
        mentions = self._mentions_between(value, spot.start, spot.sentence_end)[-_RECENT:]
        mentions = [item for item in mentions if not spot.start <= item.start < spot.end]
        own = [item for item in mentions if item.start >= spot.sentence_start and self._name_of(item)]
        if is_small(value):
            mentions = own or mentions
            if any(map(self._is_other, mentions)):
                return None
        elif not own:
            # The 14 teeth of this paragraph are not the 14 km of another one.
            near = [item for item in mentions if self._is_beside(item, spot.start)]
            mentions = near if any(map(self._is_other, near)) else mentions
        named = [(name, item) for item in mentions if (name := self._name_of(item))]
        return Named(*named[0], len(mentions) == 1) if len({name for name, _ in named}) == 1 else None

    def _is_beside(self, mention: Mention, place: int) -> bool:
        return self.parts.paragraph(mention.start) == self.parts.paragraph(place)

    def _is_other(self, mention: Mention) -> bool:
        """Whether words mention a number without a name."""
        text, is_formula = self.parts.text, self.parts.is_inside(mention.start)
        return not is_formula and not self._name_of(mention) and is_said(text, mention)

    def _name_of(self, mention: Mention) -> str:
        name = self._names.get(mention)
        if name is None:
            is_formula = self.parts.is_inside(mention.start)
            name = self._names[mention] = name_of_mention(self.parts.text, mention, is_formula)
        return name

    def _mentions_between(self, value: Fraction | int, place: int, end: int) -> list[Mention]:
        """Return where the problem at a place mentions a number, up to an end."""
        mentions = self._mentions.get(value if value > 0 else -value, [])
        low = max(place - REACH, self.parts.problem_start(place))
        # A pair of a place and nothing is less than every mention at the place.
        return mentions[bisect_left(mentions, (low,)) : bisect_left(mentions, (end,))] if mentions else mentions

    def _is_close(self, result: Result, place: int) -> bool:
        """Whether a small number is likely the result: it stands right behind it."""
        is_same_paragraph = self.parts.paragraph(result.start) == self.parts.paragraph(place)
        return is_same_paragraph and place - result.end <= _CLOSE

    def _is_near(self, start: int, place: int) -> bool:
        return place - REACH <= start <= place and self.parts.problem(start) == self.parts.problem(place)


def _is_same(one: Node, other: Node) -> bool:
    value = exact_value(one)
    return one == other or (value is not None and value == exact_value(other))


def given_of(stated: Stated, formula: Node) -> tuple[Given | int, Node]:
    """Return what a letter stands for in a formula, and its value there: an angle in degrees is converted."""
    is_angle = stated.is_angle and bool(operations(formula) & TRIGONOMETRY) and stated.value.op == "num"
    value = Node("degrees", (stated.value,)) if is_angle else stated.value
    if stated.step is not None and not is_angle:
        return stated.step, value
    return Given(stated.name, value, stated.start, stated.end), value
