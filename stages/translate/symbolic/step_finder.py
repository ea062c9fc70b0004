"""Find the step of a chain: the expression with something to compute, and the last finished value.

A formula is preferred to its numbers, `\\pi r^2 h` to `\\pi \\cdot 3^2 \\cdot 4`, where the page gives its letters these
values. Numbers get the names of what they are: an earlier result, a letter, or a word of the text.
"""

import re
from fractions import Fraction
from typing import NamedTuple

from stages.translate.reasons import Reason
from stages.translate.symbolic.angles import INVERSES, exceeds_radians, has_exponent_zero, may_be_degrees, yields_angle
from stages.translate.symbolic.chains import Chain
from stages.translate.symbolic.evaluation import agree, decimal_of, exact_value
from stages.translate.symbolic.formulas import (
    Place,
    match_formula,
    replace_nodes,
    replace_numbers,
    substitute,
    without_whole,
)
from stages.translate.symbolic.latex_core import PERCENT
from stages.translate.symbolic.latex_tokens import latex_of
from stages.translate.symbolic.nodes import (
    TRIGONOMETRY,
    Node,
    UnreadableError,
    bits,
    free_symbols,
    integer,
    is_decimal,
    is_integer,
    is_rational,
    is_trivial,
    is_value,
    number,
    operations,
    walk,
)
from stages.translate.symbolic.percentages import is_in_points
from stages.translate.symbolic.program_writer import choose_style
from stages.translate.symbolic.quantities import Formula, Quantities, Result, Stated
from stages.translate.symbolic.quantity_words import is_name, is_quantity, name_of_result
from stages.translate.symbolic.reading import Side
from stages.translate.symbolic.steps import Form, Given, Step, has_digits, refer, step_key

_ROUNDED = re.compile(
    r"\b(nearest|round(?:ed|ing|s? (?:up|down|off|to))|approximat\w+|about|roughly|truncat\w+|at (?:least|most))\b",
    re.IGNORECASE,
)
# Rounded in a direction, or to nobody knows how many digits.
_ROUNDED_FREELY = re.compile(r"\b(?:up|down|about|roughly|truncat\w+|at (?:least|most))\b", re.IGNORECASE)
# With these words `2x + 1 = 7` is an equation to be solved, though the page has given x a value.
_EQUATION = re.compile(
    r"\b(?:solv|equation|solution|roots?\b|satisf|if\b|let\b|suppose|such that|for which|find|intersect|set\b|setting|what|"
    r"which|system|unknown|or\b|otherwise)",
    re.IGNORECASE,
)
_NAME = re.compile(r"\\(?:text|mathrm|textrm|mbox|operatorname)\s*\{\s*([A-Za-z][A-Za-z ]{1,30}?)\s*\}")
# Operations of formulas in which a letter may be a matrix.
_OF_MATRICES = {"sym", "num", "neg", "add", "mul", "pow", "transpose", "matrix", "row", "det"}
_MAX_LETTERS = 8
_FOLLOWING = 80


class Spot(NamedTuple):
    """Where a chain is in its page."""

    place: int
    start: int
    end: int
    sentence_start: int
    sentence_end: int
    sentence: str
    is_alone: bool
    """Whether the words around it are said of this chain: no other one is in the same formula."""


class _Source(NamedTuple):
    """What a step computes."""

    side: Side
    node: Node
    closed: Node
    givens: dict[str, Given]
    uses: tuple[int, ...]
    latex: str


_SMALLEST_RESULT = 2


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
        letters = [side for side in self.sides if side.node.op == "sym"]
        if value:
            is_angle = "\\circ" in value.term.tokens
            place = step.place if step else None
            for side in letters:
                self.known.state(Stated(side.node.value, value.node, spot.start, spot.end, place, is_angle))
        if step and step.stated not in walk(step.closed):
            self.known.add_result(step.stated, Result(step.place, spot.start, spot.end))
        for side in self.sides:
            if free_symbols(side.node) and sum(bool(item.args) for item in walk(side.node)) > 2:
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
        results = [side for side in closed[start + 1 :] if _is_result(side.node) and side.node != source.node]
        if results:
            return source, results[-1]
        if start > 0 and is_rational(closed[start - 1].node):
            # 120 = 2^3 \cdot 3 \cdot 5: the value comes first.
            return source, closed[start - 1]
        return None, None

    def _last_value(self) -> Side | None:
        """Return the value that the chain ends with."""
        last = self.sides[-1] if self.sides else None
        if last and last.term is self.chain.terms[-1] and not free_symbols(last.node) and _is_result(last.node):
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
            if values and all(self._may_be(name, value) for name, value in values.items()):
                return self._matched(numbers, shape.node, latex_of(numbers.term.tokens), numbers)
        return None

    def _value(self, name: str) -> Node | None:
        """Return the value that the page has given a letter."""
        stated = self.known.letter(name, self.spot.start)
        return stated.value if stated and not stated.is_angle else None

    def _may_be(self, name: str, value: Node) -> bool:
        """Whether the page gives a letter no other value."""
        stated = self.known.letter(name, self.spot.start)
        return stated is None or agree(stated.value, value)

    def _matched(self, side: Side, formula: Node, latex: str, numbers: Side) -> _Source | None:
        values = match_formula(formula, numbers.node, self._value)
        if values is not None:
            letters = {
                name: self._known_letter(name, value, formula)
                or self._result(value)
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
            found = self._known_letters(earlier.node, in_paragraph=True) if earlier else None
            return self._with_letters(target, earlier.node, earlier.latex, *found) if earlier and found else None
        if target.node == formula.node or (not name and self._is_equation(formula.node, target.node)):
            return None
        if len(self.chain.terms) > len(self.sides) + 1:
            return None
        found = self._known_letters(formula.node, in_paragraph=not name)
        return self._with_letters(formula, formula.node, latex_of(formula.term.tokens), *found) if found else None

    def _is_equation(self, formula: Node, value: Node) -> bool:
        """Whether `2x + 1 = 7` asks for x, though the page has given x a value before."""
        if value == number("0") or _EQUATION.search(self.spot.sentence):
            return True
        following, _, _ = self.known.parts.text[self.spot.end : self.spot.end + _FOLLOWING].partition("\n\n")
        return any(re.search(rf"(?<![A-Za-z]){re.escape(name)}\s*=", following) for name in free_symbols(formula))

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
            letters[name], values[name] = _given(stated, formula)
        if any(value.op == "matrix" for value in values.values()) and not operations(formula) <= _OF_MATRICES:
            return None
        return letters, values

    def _known_letter(self, name: str, value: Node, formula: Node) -> Given | int | None:
        """Return what the page has said of a letter, if it is the value that the formula needs."""
        stated = self.known.letter(name, self.spot.start)
        if stated is None:
            return None
        given, stated_value = _given(stated, formula)
        return given if stated_value == value or agree(stated_value, value) else None

    def _result(self, value: Node) -> int | None:
        """Return the step whose result a value is, where the page computed it before."""
        if value.op != "num" or float(value.value) <= _SMALLEST_RESULT:
            return None
        return self.known.result_of_value(Fraction(value.value), self.spot.start)

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
                key = f"{name} = {values[name]}"
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
        names = _Names(self.known, self.spot)
        node = names.replace_matrices(replace_numbers(without_whole(source.node), names.find))
        return _Source(source, node, source.node, names.givens, tuple(names.uses), latex_of(source.term.tokens))

    # How the result is stated.

    def _step(self, source: _Source, target: Side) -> Step:
        unit, closed = source.side.term.unit, source.closed
        if source.side is not target and unit and unit != target.term.unit:
            raise UnreadableError(Reason.UNITS_DIFFER)
        form = self._form(closed, target)
        ops = operations(closed)
        if ops & {"pi", *INVERSES} and "\\circ" in target.term.tokens and "\\circ" not in source.side.term.tokens:
            raise UnreadableError(Reason.UNITS_DIFFER)
        if yields_angle(closed) and exceeds_radians(target.node) and "pi" not in ops:
            raise UnreadableError(Reason.AMBIGUOUS_ANGLE)
        is_about = target.term.relation == "~" or (form.is_rounded and _ROUNDED.search(self.spot.sentence) is not None)
        return Step(
            self.spot.place,
            self._names(),
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

    def _form(self, closed: Node, target: Side) -> Form:
        has_sign = target.term.tokens[-1] in PERCENT
        in_points = is_in_points(closed, target.node if has_sign else Node("div", (target.node, number("100"))))
        if has_sign and in_points:
            raise UnreadableError(Reason.PERCENT_OF_WHAT)
        loose = target.term.relation == "~" or _ROUNDED.search(self.spot.sentence) is not None
        if has_sign or (target.term.unit in ("percent", "per cent") and not in_points):
            digits = _digits(target.node.args[0] if has_sign and target.node.op == "div" else target.node)
            is_rounded = not has_digits(closed, digits + 2)
            # 1/3 = 33% without a word of rounding is not taken for right.
            return Form("percent", digits if loose or digits or not is_rounded else 6, is_rounded)
        stated = target.node.args[0] if target.node.op == "neg" else target.node
        if _is_scientific(stated) and (target.term.relation == "~" or _digits(stated.args[0])):
            return Form("scientific", _digits(stated.args[0]), is_rounded=True)
        if stated.op == "num" and (is_decimal(stated) or target.term.relation == "~"):
            digits = _digits(stated)
            form = Form("decimal", digits, not has_digits(closed, digits))
            return form if digits else self._whole(form, closed, stated)
        if target.term.relation == "~":
            return Form("decimal", 6, is_rounded=True)
        if is_integer(target.node) and loose and not _is_whole_by_form(closed):
            return self._whole(Form("decimal", 0, is_rounded=True), closed, stated)
        style = choose_style(closed, decimal=False)
        return Form("exact", finish="simplify" if style == "sympy" and not _is_ready(closed) else "")

    def _whole(self, form: Form, closed: Node, stated: Node) -> Form:
        """Return the form of a whole number that a page may have rounded to. Raises UnreadableError where it is unclear."""
        if has_digits(closed, 0):
            return Form("exact")
        # 487 is about 490, or about 500: nobody says how many digits count.
        if integer(stated) % 10 == 0 or _ROUNDED_FREELY.search(self.spot.sentence):
            raise UnreadableError(Reason.ROUNDED)
        return form

    def _names(self) -> tuple[str, ...]:
        names = [side.node.value for side in self.sides if side.node.op == "sym"]
        text = _NAME.fullmatch(" ".join(self.chain.terms[0].tokens))
        if text and is_name(word := text[1].lower().replace(" ", "_")):
            names.append(word)
        spot = self.spot
        if not names and spot.is_alone:
            words = name_of_result(self.known.parts.text, spot.sentence_start, spot.start, spot.end)
            names += [words] if words else []
        return tuple(dict.fromkeys(names))


_ORDINALS = ("first", "second", "third")


class _Names:
    """Finds names for the numbers of one expression, and remembers what they mean."""

    def __init__(self, known: Quantities, spot: Spot) -> None:
        self.known, self.spot, self.place = known, spot, spot.start
        self.givens: dict[str, Given] = {}
        self.uses: list[int] = []
        self._taken: dict[str, Fraction | int] = {}

    def find(self, place: Place) -> Node | None:
        """Return what stands for a number: the step that brought it, a letter, or a word; None if it has no name."""
        item, value, is_whole = place
        # A step may be a Fraction, which comb and factorial refuse. The number 2 is rarely a quantity: 2r, half.
        step = None if is_whole or value == _SMALLEST_RESULT else self.known.result_of_value(value, self.place)
        letter = None if step is not None else self.known.letter_of_value(value, self.place)
        if letter and letter.step is not None:
            step, letter = (None if is_whole else letter.step), None
        if step is not None:
            self.uses.append(step)
            return refer(step_key(step))
        if letter:
            return self._give(Given(letter.name, letter.value, letter.start, letter.end))
        return self._word(item, value) or self._growth(item, value)

    def replace_matrices(self, node: Node) -> Node:
        """Return a tree with a name for each matrix: its letter, or what it is."""
        matrices = list(dict.fromkeys(item for item in walk(node) if item.op == "matrix"))
        if not 0 < len(matrices) <= len(_ORDINALS):
            return node
        spot, names = self.spot, dict[Node, Node]()
        for ordinal, matrix in zip(_ORDINALS, matrices, strict=False):
            word = "vector" if len(matrix.args[0].args) == 1 else "matrix"
            letter = self.known.letter_of_matrix(matrix, spot.start)
            given = Given(word if len(matrices) == 1 else f"{ordinal}_{word}", matrix, spot.start, spot.end)
            names[matrix] = self._give(Given(letter.name, matrix, letter.start, letter.end) if letter else given)
        return replace_nodes(node, names)

    def _word(self, item: Node, value: Fraction | int) -> Node | None:
        named = self.known.mention_of_value(value, self.spot.start, self.spot.end, self.spot.sentence_end)
        if named is None or (value == _SMALLEST_RESULT and not is_quantity(named.name)):
            return None
        if self._taken.setdefault(named.name, value) != value:
            return None
        return self._give(Given(named.name, item, named.mention.start, named.mention.end))

    def _growth(self, item: Node, value: Fraction | int) -> Node | None:
        """Return 1 + rate for 1.07 where the problem speaks of 7%, and 1 - rate for 0.93."""
        change = value - 1
        if item.op != "num" or not 0 < abs(change) < 1:
            return None
        literal = number(decimal_of(abs(change)))
        rate = self._word(literal, abs(change))
        if rate is None:
            return None
        return Node("add", (number("1"), rate if change > 0 else Node("neg", (rate,))))

    def _give(self, given: Given) -> Node:
        key = f"{given.name} = {given.value}"
        self.givens[key] = given
        return refer(key)


def _given(stated: Stated, formula: Node) -> tuple[Given | int, Node]:
    """Return what a letter stands for in a formula, and its value there: an angle in degrees is converted."""
    is_angle = stated.is_angle and bool(operations(formula) & TRIGONOMETRY) and stated.value.op == "num"
    value = Node("degrees", (stated.value,)) if is_angle else stated.value
    if stated.step is not None and not is_angle:
        return stated.step, value
    return Given(stated.name, value, stated.start, stated.end), value


def _digits(node: Node) -> int:
    """Return how many digits a number has behind its decimal point."""
    node = node.args[0] if node.op == "neg" else node
    return len(node.value.partition(".")[2]) if node.op == "num" else 0


def _is_scientific(node: Node) -> bool:
    """Whether a number is stated as 6.02 \\cdot 10^{23}."""
    if node.op != "mul" or len(node.args) != 2 or node.args[0].op != "num" or node.args[1].op != "pow":
        return False
    return node.args[1].args[0] == number("10") and is_integer(node.args[1].args[1])


def _is_whole_by_form(node: Node) -> bool:
    """Whether an expression is certain to be exact: whole numbers alone, or functions whose values sympy knows."""
    return choose_style(node, decimal=False) in ("integer", "sympy")


def _is_result(node: Node) -> bool:
    return is_value(node) and not has_exponent_zero(node)


def _is_ready(node: Node) -> bool:
    """Whether sympy gives a value in its final form without being told to simplify."""
    ops = operations(node)
    return not ops & {"imaginary", "div"} or ops <= {"num", "neg", "mul", "div", "sqrt", "pow", "matrix", "row", "det"}
