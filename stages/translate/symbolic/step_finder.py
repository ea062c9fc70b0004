"""Find the step of a chain: the expression with something to compute, and the last finished value.

A formula is preferred to its numbers, `\\pi r^2 h` to `\\pi \\cdot 3^2 \\cdot 4`, where the page gives its letters
these values. Numbers get the names of what they are: an earlier result, a letter, or a word of the text.
"""

from typing import NamedTuple

from stages.translate.reasons import Reason
from stages.translate.symbolic.angles import INVERSES, exceeds_radians, may_be_degrees, yields_angle
from stages.translate.symbolic.asked_equations import are_given_in_sentence, asks_for_letter
from stages.translate.symbolic.chains import Chain
from stages.translate.symbolic.formulas import match_formula, substitute
from stages.translate.symbolic.latex_tokens import latex_of
from stages.translate.symbolic.nodes import (
    TRIGONOMETRY,
    Node,
    UnreadableError,
    bits,
    free_symbols,
    is_rational,
    is_trivial,
    operations,
    walk,
)
from stages.translate.symbolic.number_names import NumberNames
from stages.translate.symbolic.numeric import agree, exact_value
from stages.translate.symbolic.operand_names import name_operands
from stages.translate.symbolic.quantities import REACH, Formula, Quantities, Result, Stated, given_of
from stages.translate.symbolic.reading import is_wrong
from stages.translate.symbolic.result_forms import form_of, is_result, says_rounded
from stages.translate.symbolic.step_names import free_name, names_of_step
from stages.translate.symbolic.steps import Given, Side, Spot, Step, given_key, refer, step_key
from stages.translate.symbolic.textbook_formulas import find_textbook

# Operations of formulas in which a letter may be a matrix.
_OF_MATRICES = {"sym", "num", "neg", "add", "mul", "pow", "transpose", "matrix", "row", "det"}
_MAX_LETTERS = 8


class _Source(NamedTuple):
    """What a step computes."""

    side: Side
    node: Node
    closed: Node
    givens: dict[str, Given]
    uses: tuple[int, ...]
    latex: str


class StepFinder:
    """Finds the step of one chain, with what the page has stated before."""

    def __init__(self, chain: Chain, sides: list[Side], spot: Spot, known: Quantities) -> None:
        self.chain, self.sides, self.spot, self.known = chain, sides, spot, known
        self.closed = [side for side in sides if not free_symbols(side.node)]

    def find(self) -> Step | None:
        """Return the step of a chain, None if it computes nothing. Raises UnreadableError with the reason."""
        source, target = self._numbers()
        if target is None:
            target = self._last_value()
            chosen = self._formula_alone(target) if target else None
        else:
            assert source
            chosen = self._formula_of(source) or self._named(source)
        if chosen is None or target is None:
            return None
        return self._step(chosen, target)

    def state(self, step: Step | None) -> None:
        """Remember what the chain states: values of letters, a formula, and the result of its step."""
        spot, value = self.spot, self._last_value()
        if step and is_wrong(step.closed, step.stated):
            self.known.wrong_steps.add(step.place)
        if step:
            self.known.givens_of_steps[step.place] = set(step.givens)
            self.known.names_of_steps[step_key(step.place)] = step.names[0] if step.names else ""
        letters = [side for side in self.sides if side.node.op == "sym"]
        if value:
            is_angle = "\\circ" in value.term.tokens
            place = step.place if step else None
            for side in letters:
                self.known.state(Stated(side.node.value, value.node, spot.start, spot.end, place, is_angle))
        if step and step.stated not in walk(step.closed):
            self.known.add_result(step.stated, Result(step.place, spot.start, spot.end, step.form.is_rounded))
        for side in self.sides:
            if free_symbols(side.node) and sum(bool(item.args) for item in walk(side.node)) > 1:
                self.known.show(Formula(side.node, "", spot.start))
        formula = self._formula()
        if letters and formula and letters[0].node.value not in free_symbols(formula.node):
            latex = latex_of(formula.term.tokens)
            self.known.define(letters[0].node.value, Formula(formula.node, latex, spot.start))

    # What is computed.

    def _numbers(self) -> tuple[Side | None, Side | None]:
        """Return the first expression without letters that has something to compute, and the chain's last value."""
        closed = self.closed
        start = next((index for index, side in enumerate(closed) if not is_trivial(side.node)), None)
        if start is None or len(closed) < 2:
            return None, None
        source = closed[start]
        results = [side for side in closed[start + 1 :] if is_result(side.node) and side.node != source.node]
        if results:
            return source, results[-1]
        if start > 0 and is_rational(closed[start - 1].node):
            # 120 = 2^3 \cdot 3 \cdot 5: the value comes first.
            return source, closed[start - 1]
        return None, None

    def _last_value(self) -> Side | None:
        """Return the value that the chain ends with."""
        last = self.sides[-1] if self.sides else None
        if last and last.term is self.chain.terms[-1] and not free_symbols(last.node) and is_result(last.node):
            return last
        return None

    def _formula(self) -> Side | None:
        """Return the first side with letters that is more than a letter."""
        return next((side for side in self.sides if free_symbols(side.node) and not is_trivial(side.node)), None)

    def _formula_of(self, numbers: Side) -> _Source | None:
        """Return the formula, of this chain or an earlier one, that becomes the given numbers."""
        formula = self._formula()
        if formula:
            return self._matched(formula, formula.node, latex_of(formula.term.tokens), numbers)
        name = self._letter()
        earlier = self.known.formula(name, self.spot.start) if name else None
        if earlier:
            return self._matched(numbers, earlier.node, earlier.latex, numbers)
        for shape in self.known.shapes(self.spot.start):
            # A value of a polynomial that stands before: 3 \cdot 4^2 - 5 \cdot 4 for 3x^2 - 5x.
            values = match_formula(shape.node, numbers.node, self._value)
            if not values or not all(self.known.may_be(name, value, self.spot.start) for name, value in values.items()):
                continue
            if sum(bool(item.args) for item in walk(shape.node)) > 2:
                return self._matched(numbers, shape.node, latex_of(numbers.term.tokens), numbers)
            # Many computations have the form of 5x + 9, so the page must have said what x is.
            stated = [self.known.letter(name, self.spot.start) for name in values]
            letters = {item.name: Given(item.name, values[item.name], item.start, item.end) for item in stated if item}
            if len(letters) == len(values):
                latex = latex_of(numbers.term.tokens)
                return self._with_letters(numbers, shape.node, latex, dict(letters), values)
        return None

    def _value(self, name: str) -> Node | None:
        """Return the value that the page has given a letter."""
        stated = self.known.letter(name, self.spot.start)
        return stated.value if stated and not stated.is_angle else None

    def _matched(self, side: Side, formula: Node, latex: str, numbers: Side) -> _Source | None:
        values = match_formula(formula, numbers.node, self._value)
        if values is not None:
            letters = {
                name: self._known_letter(name, value, formula)
                or self.known.result_of_number(value, self.spot.start)
                or Given(name, value, self.spot.start, self.spot.end)
                for name, value in values.items()
            }
            return self._with_letters(side, formula, latex, letters, values)
        found = self._known_letters(formula, in_paragraph=False)
        if found is None or not agree(substitute(formula, found[1]), numbers.node):
            return None
        return self._with_letters(side, formula, latex, *found)

    def _formula_alone(self, target: Side) -> _Source | None:
        """Return the formula of a chain without numbers, `V = \\pi r^2 h = 36 \\pi`, if the page gives its letters."""
        formula, name = self._formula(), self._letter()
        if formula is None:
            earlier = self.known.formula(name, self.spot.start) if name and len(self.sides) == 2 else None
            if earlier is None or self._is_equation(earlier.node, target.node):
                return None
            found = self._known_letters(earlier.node, in_paragraph=True)
            if found is None:
                return None
            earlier_value = self.known.letter(name, self.spot.start)
            is_new = (
                earlier_value and earlier_value.start > earlier.start and not agree(earlier_value.value, target.node)
            )
            if is_new and is_wrong(substitute(earlier.node, found[1]), target.node):
                return None  # the letter has had its value from this formula: the page is at another problem
            return self._with_letters(target, earlier.node, earlier.latex, *found)
        if target.node == formula.node or (not name and self._is_equation(formula.node, target.node)):
            return None
        if len(self.chain.terms) > len(self.sides) + 1:
            return None
        found = self._known_letters(formula.node, in_paragraph=not name)
        if found is None:
            return None
        is_far = not name and not are_given_in_sentence(found[0].values(), self.spot)
        if is_far and is_wrong(substitute(formula.node, found[1]), target.node):
            return None  # the letter may have another value by now: 2b + 3 = 14 asks for it
        return self._with_letters(formula, formula.node, latex_of(formula.term.tokens), *found)

    def _is_equation(self, formula: Node, value: Node) -> bool:
        behind = self.known.parts.text[self.spot.end : self.spot.end + REACH]
        return asks_for_letter(formula, value, self.spot.sentence, behind)

    def _letter(self) -> str:
        """Return the letter that the chain is about, `V = ...`, "" if there is none."""
        first = self.sides[0] if self.sides else None
        return first.node.value if first and first.node.op == "sym" else ""

    # Letters and their values.

    def _known_letters(
        self, formula: Node, in_paragraph: bool
    ) -> tuple[dict[str, Given | int], dict[str, Node]] | None:
        """Return the letters of a formula with the values that the page gives them; None if one is not known."""
        names = free_symbols(formula)
        if len(names) > _MAX_LETTERS:
            return None
        letters: dict[str, Given | int] = {}
        values: dict[str, Node] = {}
        for name in sorted(names):
            stated = self.known.letter(name, self.spot.start, in_paragraph)
            if stated is None or name == self._letter():
                return None
            letters[name], values[name] = given_of(stated, formula)
        if any(value.op == "matrix" for value in values.values()) and not operations(formula) <= _OF_MATRICES:
            return None
        return letters, values

    def _known_letter(self, name: str, value: Node, formula: Node) -> Given | int | None:
        """Return what the page has said of a letter, if it is the value that the formula needs."""
        stated = self.known.letter(name, self.spot.start)
        if stated is None:
            return None
        given, stated_value = given_of(stated, formula)
        return given if stated_value == value or agree(stated_value, value) else None

    def _with_letters(
        self, side: Side, formula: Node, latex: str, letters: dict[str, Given | int], values: dict[str, Node]
    ) -> _Source | None:
        givens: dict[str, Given] = {}
        uses: list[int] = []
        references: dict[str, Node] = {}
        for name, meaning in letters.items():
            if isinstance(meaning, int):
                references[name] = refer(step_key(meaning))
                uses.append(meaning)
            else:
                key = given_key(name, values[name])
                givens[key], references[name] = meaning, refer(key)
        closed = substitute(formula, values)
        bits(closed)
        if any(item.op == "div" and exact_value(item.args[1]) == 0 for item in walk(closed)):
            return None
        if any(item.op in TRIGONOMETRY and may_be_degrees(item.args[0]) for item in walk(closed)):
            raise UnreadableError(Reason.AMBIGUOUS_ANGLE)
        return _Source(side, substitute(formula, references), closed, givens, tuple(uses), latex)

    def _named(self, source: Side) -> _Source:
        """Return an expression of numbers with the names that the page has for them."""
        names, latex = NumberNames(self.known, self.spot), latex_of(source.term.tokens)
        before = self.known.parts.text[max(0, self.spot.start - REACH) : self.spot.sentence_end]
        textbook = find_textbook(source.node, self.spot.sentence, before)
        node = textbook and names.replace_letters(*textbook)
        if textbook and node:
            closed = substitute(textbook.derived, textbook.values)
            return _Source(source, node, closed, names.givens, tuple(names.uses), latex)
        names = NumberNames(self.known, self.spot)
        node = name_operands(names.replace(source.node), names.name_operand)
        return _Source(source, node, source.node, names.givens, tuple(names.uses), latex)

    # How the result is stated.

    def _step(self, source: _Source, target: Side) -> Step:
        unit, closed = source.side.term.unit, source.closed
        if source.side is not target and unit and unit != target.term.unit:
            raise UnreadableError(Reason.UNITS_DIFFER)
        form = form_of(closed, target, self.spot.sentence)
        ops = operations(closed)
        if ops & {"pi", *INVERSES} and "\\circ" in target.term.tokens and "\\circ" not in source.side.term.tokens:
            raise UnreadableError(Reason.UNITS_DIFFER)
        if yields_angle(closed) and exceeds_radians(target.node) and "pi" not in ops:
            raise UnreadableError(Reason.AMBIGUOUS_ANGLE)
        is_about = target.term.relation == "~" or (form.is_rounded and says_rounded(self.spot.sentence))
        return Step(
            self.spot.place,
            names_of_step(self.chain, self.sides, self.spot, self.known)
            or free_name(source.node, self.spot, self.known),
            source.node,
            closed,
            source.givens,
            source.uses,
            form,
            source.latex,
            latex_of(target.term.tokens),
            "≈" if is_about else "=",
            target.node,
        )
