"""Read LaTeX and plain arithmetic into trees: functions, roots, fractions, matrices, and what the other modules read.

Not covered: units, text, plus-minus, dots, functions with unknown names (`f(2)` and `f \\cdot 2` look alike).
"""

import re
from collections.abc import Callable

from stages.translate.reasons import Reason
from stages.translate.symbolic import latex_calculus
from stages.translate.symbolic.angles import is_plain_angle, may_be_degrees
from stages.translate.symbolic.latex_core import Expressions, product
from stages.translate.symbolic.latex_words import BINOMIALS, FRACTIONS, FUNCTIONS, GREEK, OVER
from stages.translate.symbolic.nodes import TRIGONOMETRY, Node, UnreadableError, number, operations, walk
from stages.translate.symbolic.notation import PLAIN, Notation

_NAMED = re.compile(r"\\(?:text|mathrm|operatorname|mathop|textrm|mbox|rm)\s*\{\s*([^{}]*?)\s*\}")
_MATRICES = {"pmatrix": "matrix", "bmatrix": "matrix", "matrix": "matrix", "vmatrix": "det"}


def read_tokens(tokens: list[str], notation: Notation = PLAIN) -> Node:
    """Return the tree of one whole expression. Raises UnreadableError with the reason if it is none."""
    return _Reader(tokens, notation).whole()


class _Reader(Expressions):
    """Reads what begins with a command, too."""

    def special(self, token: str) -> Node:
        """Read what begins with a command or a bar. Raises UnreadableError if it is unknown."""
        if token in FUNCTIONS:
            return self.function(FUNCTIONS[token])
        reader = _ATOMS.get(token) or (_ATOMS["\\begin"] if token.startswith("\\begin{") else None)
        if reader is None and (named := _NAMED.fullmatch(token)):
            reader = _ATOMS.get("\\" + named[1])
        if reader is None:
            self.fail()
        return reader(self)

    def function(self, name: str) -> Node:
        self.take()
        power = None
        if self.peek() == "^":
            self.take()
            power = self.group()
            if power.op == "neg":
                raise UnreadableError(Reason.AMBIGUOUS_INVERSE)
        node = _by_exponentials(Node(name, (self.argument(),)))
        if name in TRIGONOMETRY and is_plain_angle(node.args[0]):
            choice = self.notation.choice("angle")
            if choice is None and may_be_degrees(node.args[0]):
                raise UnreadableError(Reason.AMBIGUOUS_ANGLE)
            if choice == 1:
                node = Node(name, (Node("degrees", node.args),))
        return Node("pow", (node, power)) if power else node

    def argument(self) -> Node:
        """Read the operand of a function written without parentheses: factors up to a sign or another function."""
        if self.peek() in ("(", "[", "{"):
            node = self.atom()
            if self.peek() == "^":
                raise UnreadableError(Reason.AMBIGUOUS_ARGUMENT)
            if self.peek() == "!":
                raise UnreadableError(Reason.AMBIGUOUS_ARGUMENT)
            return node
        node = self.factor()
        while (token := self.peek()) and (token.isalpha() or token in GREEK or token == "\\pi" or token in FRACTIONS):
            if token == "d" and self.peek(1).isalpha():
                break
            node = product(node, self.factor())
        if self.peek() in OVER:
            choice = self.notation.choice("argument")
            if choice is None:
                raise UnreadableError(Reason.AMBIGUOUS_ARGUMENT)
            if choice == 1:
                self.take()
                node = Node("div", (node, self.factor()))
        return node

    def fraction(self) -> Node:
        if (derivative := latex_calculus.derivative(self)) is not None:
            return derivative
        self.take()
        top = self.group()
        return Node("div", (top, self.group()))

    def binomial(self) -> Node:
        self.take()
        top = self.group()
        return Node("binom", (top, self.group()))

    def root(self) -> Node:
        self.take()
        if self.peek() == "[":
            self.take()
            degree = self.expression()
            self.take("]")
            return Node("root", (degree, self.group()))
        return Node("sqrt", (self.group(),))

    def logarithm(self) -> Node:
        self.take()
        if self.peek() != "_":
            # Without a base, it is ten in some books and e in others.
            choice = self.notation.choice("logarithm")
            if choice is None or self.peek() == "^":
                raise UnreadableError(Reason.AMBIGUOUS_LOGARITHM)
            argument = self.argument()
            return Node("ln", (argument,)) if choice == 0 else Node("log", (number("10"), argument))
        self.take()
        base = self.group()
        return Node("log", (base, self.argument()))

    def between(self, op: str, closing: str) -> Node:
        self.take()
        node = Node(op, (self.expression(),))
        self.take(closing)
        return node

    def listed(self, op: str) -> Node:
        self.take()
        if self.peek(2) == ")" and self.peek(1).count(",") == 1:
            # \\gcd(132,100): the comma is between two numbers.
            self.tokens[self.position + 1 : self.position + 2] = re.split("(,)", self.peek(1))
        self.take("(")
        items = [self.expression()]
        while self.peek() == ",":
            self.take()
            items.append(self.expression())
        self.take(")")
        return Node(op, tuple(items))

    def matrix(self) -> Node:
        kind = self.take()[7:-1]
        op = _MATRICES.get(kind, "")
        if not op:
            raise UnreadableError(Reason.UNKNOWN_NOTATION)
        rows: list[list[list[str]]] = [[[]]]
        while (token := self.take()) != f"\\end{{{kind}}}":
            if token.startswith("\\begin"):
                raise UnreadableError(Reason.UNKNOWN_NOTATION)
            if token == "\\\\":
                rows.append([[]])
            elif token == "&":
                rows[-1].append([])
            else:
                rows[-1][-1].append(token)
        if rows[-1] == [[]]:
            rows.pop()
        if not rows or len({len(row) for row in rows}) != 1 or len(rows) * len(rows[0]) > 36:
            raise UnreadableError(Reason.UNKNOWN_NOTATION)
        node = Node("matrix", tuple(Node("row", tuple(map(self.inner, row))) for row in rows))
        return Node("det", (node,)) if op == "det" else node

    def determinant(self) -> Node:
        self.take()
        node = Node("det", (self.atom(),))
        if not any(item.op == "matrix" for item in walk(node)):
            raise UnreadableError(Reason.UNKNOWN_NOTATION)
        return node

    def pi(self) -> Node:
        self.take()
        is_called = self.peek() == "(" and self.peek(1).isalnum() and self.peek(2) == ")"
        if is_called and (self.notation.own_pi or (self.position == 1 and self.position + 3 == len(self.tokens))):
            raise UnreadableError(Reason.FUNCTION_APPLICATION)
        if self.notation.choice("usual_pi") == 1:
            return number("3.14")
        if self.notation.choice("pi_fraction") == 1:
            return Node("div", (number("22"), number("7")))
        if self.notation.choice("pi") != 1:
            return Node("pi")
        value = self.notation.pi_value
        return number(value) if "/" not in value else Node("div", tuple(map(number, value.split("/"))))

    def constant(self, op: str) -> Node:
        self.take()
        return Node(op)


def _by_exponentials(node: Node) -> Node:
    """Write a hyperbolic function of a logarithm by exponentials: sympy would leave it as it is."""
    if node.op not in ("sinh", "cosh", "tanh") or not {"ln", "log"} & operations(node):
        return node
    (argument,) = node.args
    plus, minus = Node("exp", (argument,)), Node("exp", (Node("neg", (argument,)),))
    total, difference = Node("add", (plus, minus)), Node("add", (plus, Node("neg", (minus,))))
    if node.op == "tanh":
        return Node("div", (difference, total))
    return Node("div", (difference if node.op == "sinh" else total, number("2")))


_ATOMS: dict[str, Callable[[_Reader], Node]] = {
    **dict.fromkeys(FRACTIONS, _Reader.fraction),
    **dict.fromkeys(BINOMIALS, _Reader.binomial),
    "\\sqrt": _Reader.root,
    "\\log": _Reader.logarithm,
    "\\lfloor": lambda reader: reader.between("floor", "\\rfloor"),
    "\\lceil": lambda reader: reader.between("ceil", "\\rceil"),
    "|": lambda reader: reader.between("abs", "|"),
    "\\lvert": lambda reader: reader.between("abs", "\\rvert"),
    "\\gcd": lambda reader: reader.listed("gcd"),
    "\\lcm": lambda reader: reader.listed("lcm"),
    "\\sum": latex_calculus.series,
    "\\prod": latex_calculus.series,
    "\\lim": latex_calculus.limit,
    "\\int": latex_calculus.integral,
    "\\det": _Reader.determinant,
    "\\begin": _Reader.matrix,
    "\\pi": _Reader.pi,
    "\\infty": lambda reader: reader.constant("infinity"),
    "\\e": lambda reader: reader.constant("e"),
}
