"""Give the numbers of an expression the names that the page has for them.

A number is the result of an earlier step, the value of a letter, or what the words of the text call it.
"""

from fractions import Fraction

from stages.translate.symbolic.formulas import TELLING, Place, replace_nodes, replace_numbers, without_whole
from stages.translate.symbolic.nodes import Node, number, walk
from stages.translate.symbolic.numeric import decimal_of
from stages.translate.symbolic.quantities import Quantities
from stages.translate.symbolic.quantity_words import is_quantity
from stages.translate.symbolic.steps import Given, Spot, refer, step_key

# The number 2 is rarely a quantity: 2r, half, a square.
SMALLEST_RESULT = 2
_ORDINALS = ("first", "second", "third")


class NumberNames:
    """Finds names for the numbers of one expression, and remembers what they mean."""

    def __init__(self, known: Quantities, spot: Spot) -> None:
        self.known, self.spot, self.place = known, spot, spot.start
        self.givens: dict[str, Given] = {}
        self.uses: list[int] = []
        self._taken: dict[str, set[Fraction | int]] = {}
        self._literals: dict[str, Node] = {}

    def replace(self, node: Node) -> Node:
        """Return a tree in which all that has a name refers to it."""
        named = self._replace_matrices(replace_numbers(without_whole(node), self._name))
        named = self._without_mixed_sums(named)
        self._number_equal_names()
        return named

    def _without_mixed_sums(self, node: Node) -> Node:
        """Return a tree in which sums of hours and patients are sums of numbers: the words belong to other numbers."""
        if not node.args:
            return node
        args = tuple(map(self._without_mixed_sums, node.args))
        terms = [item.args[0] if item.op == "neg" else item for item in args] if node.op == "add" else []
        words = [item for item in terms if item.op == "ref" and item.value in self._literals]
        if len({self.givens[item.value].name for item in words}) > 1:
            args = tuple(replace_nodes(item, {word: self._literals[word.value] for word in words}) for item in args)
        return Node(node.op, args, node.value)

    def _number_equal_names(self) -> None:
        """Number the quantities of one name: speed_1, speed_2."""
        for name, values in self._taken.items():
            if len(values) > 1:
                keys = [key for key, given in self.givens.items() if given.name == name and key in self._literals]
                for place, key in enumerate(keys, 1):
                    self.givens[key] = self.givens[key]._replace(name=f"{name}_{place}")

    def _name(self, place: Place) -> Node | None:
        """Return what stands for a number: the step that brought it, a letter, or a word; None if it has no name."""
        item, value, is_whole, is_fraction = place
        # A step may be a Fraction, which comb and factorial refuse. The number 2 is rarely a quantity: 2r, half.
        is_step = not is_whole and value != SMALLEST_RESULT and (value >= TELLING or not is_fraction)
        step = self.known.result_of_value(value, self.place) if is_step else None
        letter = None if step is not None else self.known.letter_of_value(value, self.place)
        if letter and letter.step is not None:
            step, letter = (None if is_whole else letter.step), None
        if step is not None:
            self.uses.append(step)
            return refer(step_key(step))
        if letter:
            return self._give(Given(letter.name, letter.value, letter.start, letter.end))
        # The 3 and the 4 of three quarters are counted things only by chance.
        return None if is_fraction and value < TELLING else self._word(item, value) or self._growth(item, value)

    def _replace_matrices(self, node: Node) -> Node:
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
        if named is None or (value == SMALLEST_RESULT and not is_quantity(named.name)):
            return None
        self._taken.setdefault(named.name, set()).add(value)
        reference = self._give(Given(named.name, item, named.mention.start, named.mention.end))
        self._literals[reference.value] = item
        return reference

    def _growth(self, item: Node, value: Fraction | int) -> Node | None:
        """Return 1 + rate for 1.07 where the problem speaks of 7%, and 1 - rate for 0.93."""
        change = value - 1 if value > 1 else 1 - value
        if item.op != "num" or not 0 < change < 1:
            return None
        rate = self._word(number(decimal_of(change)), change)
        if rate is None:
            return None
        return Node("add", (number("1"), rate if value > 1 else Node("neg", (rate,))))

    def name_operand(self, name: str, value: Node) -> Node | None:
        """Return what stands for an operand; None if the page has another meaning for its name."""
        if self.known.letter(name, self.place) or any(given.name == name for given in self.givens.values()):
            return None
        return self._give(Given(name, value, self.spot.start, self.spot.end))

    def _give(self, given: Given) -> Node:
        key = f"{given.name} = {given.value}"
        self.givens[key] = given
        return refer(key)
