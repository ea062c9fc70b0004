"""Give the numbers of an expression the names that the page has for them.

A number is the result of an earlier step, the value of a letter, or what the words of the text call it.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

from stages.translate.symbolic.formulas import (
    TELLING,
    Place,
    replace_nodes,
    replace_numbers,
    substitute,
    without_whole,
)
from stages.translate.symbolic.nodes import TRIGONOMETRY, Node, number, operations, walk, with_args
from stages.translate.symbolic.numeric import decimal_of, exact_value
from stages.translate.symbolic.quantities import SMALLEST_RESULT, Quantities, is_small
from stages.translate.symbolic.quantity_words import DIMENSIONS, is_quantity
from stages.translate.symbolic.steps import Given, Spot, given_key, refer, references, step_key

# How many paragraphs back counted things may be named: in a thread the next problem soon follows.
_COUNTED_REACH = 4
_ORDINALS = ("first", "second", "third")
_CONVERSIONS = {24, 60, 3600}
_TIME = re.compile(r"[$.)\s]{0,4}(?:seconds?|minutes?|hours?|days?)\b")
_FALL = re.compile(
    r"\b(?:off|discount\w*|f[ae]ll\w*|decreas\w+|drop\w*|los[es]\w*|lost|less|fewer|reduc\w+|cheaper|minus|leak\w*|"
    r"depreciat\w+|shrink\w*|decay\w*|flips|errors?|fails?|false\w*|rebate|survive\w*|without|not)\b"
)
_ANGLES = {"angle", "degrees"}
# Operations whose operands may be a run of numbers, and those whose operands are of equal rank.
_RUNS = {"add", "mul"}
_RANKS = {"add", "gcd", "lcm", *TRIGONOMETRY}
# Letters that a page gives a meaning of its own: the half axes of an ellipse, the sides of its triangle.
_SIDES = {"a", "b", "c"}
# Names of formulas for which the page may have a better word, and those of whole numbers.
_WHOLE = {"n", "k", "steps"}
_OPEN = _WHOLE | {"start"}


class NumberNames:
    """Finds names for the numbers of one expression, and remembers what they mean."""

    def __init__(self, known: Quantities, spot: Spot) -> None:
        self.known, self.spot, self.place = known, spot, spot.start
        self.givens: dict[str, Given] = {}
        self.uses: list[int] = []
        self._literals: dict[str, Node] = {}
        self._alone: set[str] = set()

    def replace(self, node: Node) -> Node:
        """Return a tree in which all that has a name refers to it."""
        named = self._replace_matrices(replace_numbers(without_whole(node), self._name))
        if not self.givens and not self.uses:
            return named
        named = self._without_names_in_runs(self._without_mixed_sums(named))
        named = self._without_strays(self._without_half_named_terms(named))
        self._finish(named)
        return named

    def replace_letters(self, formula: Node, values: dict[str, Node], words: dict[str, str]) -> Node | None:
        """Return a formula whose letters refer to their values, under the page's names or else under given words.

        None if a word means something else on the page.
        """
        letters = dict(values)
        for letter, word in words.items():
            reference = self._known(values[letter], word) or self.name_operand(word, values[letter])
            if reference is None:
                return None
            letters[letter] = reference
        named = self._replace_matrices(substitute(formula, letters))
        self._finish(named)
        return named

    def _known(self, item: Node, word: str) -> Node | None:
        """Return the step or letter that a number of a formula comes from, or what the page's words say of it."""
        value = exact_value(item)
        if value is None or value <= 0:
            return None
        if word == "multiplier":
            return self._growth(item, value)
        found = self._source(value, word in _WHOLE) if value > 1 else None
        return found or (self._word(item, value) if word in _OPEN else None)

    def _finish(self, named: Node) -> None:
        """Forget what is not used, and number the quantities of one name: speed_1, speed_2."""
        used = references(named)
        self.givens = {key: given for key, given in self.givens.items() if key in used}
        for name in {self.givens[key].name for key in self._literals.keys() & self.givens.keys()}:
            keys = [key for key, given in self.givens.items() if given.name == name and key in self._literals]
            for place, key in enumerate(keys if len(keys) > 1 else [], 1):
                self.givens[key] = self.givens[key]._replace(name=f"{name}_{place}")

    def _without_mixed_sums(self, node: Node) -> Node:
        """Return a tree in which sums of hours and patients are sums of numbers: the words belong to other numbers."""
        if "add" not in operations(node):
            return node
        args = tuple(map(self._without_mixed_sums, node.args))
        terms = [item.args[0] if item.op == "neg" else item for item in args] if node.op == "add" else []
        words = [item for item in terms if item.op == "ref" and item.value in self._literals]
        names = {self.givens[item.value].name for item in words}
        steps = {self.known.names_of_steps.get(item.value, "") for item in terms if item.op == "ref"} & DIMENSIONS
        if len(names) > 1 or (steps and names & DIMENSIONS - steps):
            args = tuple(replace_nodes(item, {word: self._literals[word.value] for word in words}) for item in args)
        return with_args(node, args)

    def _without_names_in_runs(self, node: Node) -> Node:
        """Return a tree in which runs of numbers have no names: in 1 + 1 + 2 + 3 the 2 is one of many like it."""
        words = {refer(key): literal for key, literal in self._literals.items()}
        given = {refer(key): given.value for key, given in self.givens.items()}
        return _without_names_in_runs(node, words, given)

    def _without_half_named_terms(self, node: Node) -> Node:
        """Return a tree without the names that only some numbers of equal rank have: in 1/hours + 1/3, gcd(12, rows).

        An angle of a function has no counted things: the 6 of sin(pi / 6) belongs to the notation.
        """
        if operations(node).isdisjoint(_RANKS):
            return node
        words = {refer(key): literal for key, literal in self._literals.items()}
        names: set[Node] = set()
        for item in walk(node):
            own = set(item.args)
            if item.op in TRIGONOMETRY:
                names |= {
                    word for word in set(walk(item)) & words.keys() if self.givens[word.value].name not in _ANGLES
                }
            elif item.op in ("gcd", "lcm") and any(part.op == "num" for part in own):
                names |= own & words.keys()
            elif item.op == "add":
                terms = [_without_sign(part) for part in item.args]
                shapes = [_shape_of(replace_nodes(term, words)) for term in terms]
                bare = {shape for shape, term in zip(shapes, terms, strict=True) if term.args and not references(term)}
                halves = [term for shape, term in zip(shapes, terms, strict=True) if shape in bare]
                names |= {word for term in halves for word in walk(term) if word in words}
        return replace_nodes(node, {word: words[word] for word in names})

    def _without_strays(self, node: Node) -> Node:
        """Return a tree in which small numbers have names only where the text ties them to the computation.

        There are many fours on a page. One of an earlier sentence is meant if it is the only one of the problem, if
        another number of the expression comes from its paragraph too, or if a step that the expression uses had it.
        """
        paragraph = self.known.parts.paragraph
        starts = {key: self.givens[key].start for key in references(node) if key in self.givens}
        known = self._alone.union(*(self.known.givens_of_steps.get(place, set()) for place in self.uses))
        names: dict[Node, Node] = {}
        for key in self._literals.keys() & starts.keys() - known:
            value, start = exact_value(self._literals[key]), starts[key]
            if value is None or not is_small(value) or start >= self.spot.sentence_start:
                continue
            others = [place for other, place in starts.items() if other != key and place < self.spot.start]
            if paragraph(start) not in map(paragraph, others):
                names[refer(key)] = self._literals[key]
        return replace_nodes(node, names)

    def _name(self, place: Place) -> Node | None:
        """Return what stands for a number: the step that brought it, a letter, or a word; None if it has no name."""
        item, value, is_whole, is_fraction = place
        is_small_part = is_fraction and value < TELLING
        found = self._source(value, is_whole, may_be_result=not is_small_part)
        # The 3 and the 4 of three quarters are counted things only by chance.
        return found or (None if is_small_part else self._word(item, value) or self._growth(item, value))

    def _source(self, value: Fraction | int, is_whole: bool, may_be_result: bool = True) -> Node | None:
        """Return the step or the letter that a number comes from."""
        # A step may be a Fraction, which comb and factorial refuse. The number 2 is rarely a quantity: 2r, half.
        is_step = may_be_result and not is_whole and value != SMALLEST_RESULT and not self._converts(value)
        step = self.known.result_of_value(value, self.place) if is_step else None
        letter = None if step is not None else self.known.letter_of_value(value, self.place)
        if letter and letter.step is not None:
            step, letter = (None if is_whole else letter.step), None
        if step is not None:
            self.uses.append(step)
            return refer(step_key(step))
        return self._give(Given(letter.name, letter.value, letter.start, letter.end)) if letter else None

    def _replace_matrices(self, node: Node) -> Node:
        """Return a tree with a name for each matrix: its letter, or what it is."""
        if "matrix" not in operations(node):
            return node
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
        named = self.known.mention_of_value(value, self.spot)
        if named is None or value == SMALLEST_RESULT:
            return None
        if self._converts(value) and named.mention.start < self.spot.sentence_start:
            return None
        parts, start = self.known.parts, named.mention.start
        if not is_quantity(named.name) and parts.paragraph(self.place) - parts.paragraph(start) > _COUNTED_REACH:
            return None
        reference = self._give(Given(named.name, item, named.mention.start, named.mention.end))
        self._literals[reference.value] = item
        if named.is_alone:
            self._alone.add(reference.value)
        return reference

    def _converts(self, value: Fraction | int) -> bool:
        """Whether a number may be the minutes of an hour, and no quantity of this size that the page has before."""
        return value in _CONVERSIONS and _TIME.match(self.known.parts.text, self.spot.end) is not None

    def _growth(self, item: Node, value: Fraction | int) -> Node | None:
        """Return 1 + rate for 1.07 where the problem speaks of 7%, and 1 - rate for 0.93."""
        change = value - 1 if value > 1 else 1 - value
        if item.op != "num" or not 0 < change < 1 or (value < 1 and not self._speaks_of_a_fall()):
            return None
        rate = self._word(number(decimal_of(change)), change)
        if rate is None:
            return None
        return Node("add", (number("1"), rate if value > 1 else Node("neg", (rate,))))

    def _speaks_of_a_fall(self) -> bool:
        """Whether 0.7 may be what is left after 30%, and not 70% of something else."""
        parts, spot = self.known.parts, self.spot
        return _FALL.search(parts.text, parts.problem_start(spot.start), spot.sentence_end) is not None

    def name_operand(self, name: str, value: Node) -> Node | None:
        """Return what stands for an operand; None if the page has another meaning for its name."""
        if self.known.letter(name, self.place) or any(given.name == name for given in self.givens.values()):
            return None
        if name in _SIDES and self.known.parts.uses_letter(name, self.place):
            return None
        return self._give(Given(name, value, self.spot.start, self.spot.end))

    def _give(self, given: Given) -> Node:
        key = given_key(given.name, given.value)
        self.givens[key] = given
        return refer(key)


def _without_names_in_runs(node: Node, words: dict[Node, Node], given: dict[Node, Node]) -> Node:
    """Return a tree without the names in its runs. words: the numbers that words name. given: all that have names."""
    if operations(node).isdisjoint(_RUNS):
        return node
    args = tuple(_without_names_in_runs(item, words, given) for item in node.args)
    terms = [item.args[0] if item.op == "neg" else item for item in args]
    names: dict[Node, Node] = {}
    if node.op == "mul" and _is_falling([given.get(term, term) for term in terms]):
        names = words
    elif node.op == "add" and len(terms) > 2 and sum(term.op == "num" for term in terms) > 1:
        names = given
    elif node.op == "add" and sum(not references(term) for term in terms) > 1:
        alone = [term for term in terms if term in words]
        names = {alone[0]: words[alone[0]]} if len(alone) == 1 else {}
    return with_args(node, tuple(replace_nodes(item, names) for item in args))


def _without_sign(node: Node) -> Node:
    return node.args[0] if node.op == "neg" else node


def _shape_of(node: Node) -> Node:
    """Return a tree with the same value for all numbers."""
    if not node.args:
        return node._replace(value="") if node.op in ("num", "ref") else node
    return Node(node.op, tuple(map(_shape_of, node.args)), node.value)


def _is_falling(factors: Sequence[Node]) -> bool:
    """Whether three factors go down by one each: in 8 \\cdot 7 \\cdot 6 no factor is a quantity of its own."""
    values = [exact_value(factor) for factor in factors]
    triples = zip(values, values[1:], values[2:], strict=False)
    return any(a is not None and b is not None and c is not None and a - b == b - c == 1 for a, b, c in triples)
