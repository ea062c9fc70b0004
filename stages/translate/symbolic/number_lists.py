"""Write a long sum of numbers as the sum of a list: a mean of scores, a total of weights, a product of two vectors."""

from stages.translate.symbolic.expression_writer import Writer
from stages.translate.symbolic.nodes import Node, is_rational, number
from stages.translate.symbolic.numeric import exact_value
from stages.translate.symbolic.steps import refer

# From so many numbers on, a list is easier to read.
_MIN_TERMS = 4
_MIN_PAIRS = 3
_SQUARE = number("2")


class NumberLists:
    """Writes the lists of one program.

    givens: the lines of given quantities, to which lists are added. taken: the names that the program uses.
    """

    def __init__(self, writer: Writer, givens: list[str], taken: set[str]) -> None:
        self.writer, self.givens, self.taken = writer, givens, taken

    def write(self, node: Node) -> Node:
        """Return an expression in which a long sum of numbers refers to a list, which is written."""
        if node.op in ("div", "sqrt"):
            if node.op == "div" and (mean := self._mean(node)):
                return mean
            return node._replace(args=(self.write(node.args[0]), *node.args[1:]))
        if node.op != "add":
            return node
        return self._terms(node) or self._squares(node) or self._pairs(node) or node

    def _mean(self, node: Node) -> Node | None:
        total, count = node.args[0], len(node.args[0].args)
        if total.op != "add" or count < _MIN_PAIRS or node.args[1] != number(str(count)):
            return None
        if not all(map(is_rational, total.args)):
            return None
        name = self._list("values", total.args)
        length = self._refer(f"len({name})", number(str(count)))
        return Node("div", (self._refer(f"sum({name})", total), length))

    def _terms(self, node: Node) -> Node | None:
        if len(node.args) < _MIN_TERMS or not all(map(is_rational, node.args)):
            return None
        return self._refer(f"sum({self._list('terms', node.args)})", node)

    def _squares(self, node: Node) -> Node | None:
        if len(node.args) < _MIN_PAIRS:
            return None
        if not all(item.op == "pow" and item.args[1] == _SQUARE and is_rational(item.args[0]) for item in node.args):
            return None
        name = self._list("components", tuple(item.args[0] for item in node.args))
        return self._refer(f"sum(x**2 for x in {name})", node)

    def _pairs(self, node: Node) -> Node | None:
        """Return the sum of products of two numbers each: weights and values, or two vectors."""
        if len(node.args) < _MIN_PAIRS or not all(map(_is_pair, node.args)):
            return None
        left, right = (tuple(item.args[index] for item in node.args) for index in (0, 1))
        words = ("left", "right")
        if _is_whole(left) or _is_whole(right):
            words = ("weights", "values") if _is_whole(left) else ("values", "weights")
        first, second = self._list(words[0], left), self._list(words[1], right)
        return self._refer(f"sum(x * y for x, y in zip({first}, {second}))", node)

    def _list(self, word: str, items: tuple[Node, ...]) -> str:
        name, count = word, 2
        while name in self.taken:
            name, count = f"{word}_{count}", count + 1
        self.taken.add(name)
        self.givens.append(f"{name} = [{', '.join(map(self.writer.write, items))}]")
        return name

    def _refer(self, text: str, node: Node) -> Node:
        self.writer.define(text, text, node, node)
        return refer(text)


def _is_pair(node: Node) -> bool:
    return node.op == "mul" and len(node.args) == 2 and all(map(is_rational, node.args))


def _is_whole(items: tuple[Node, ...]) -> bool:
    """Whether shares add up to 1."""
    return exact_value(Node("add", items)) == 1
