"""Read LaTeX and plain arithmetic into trees: functions, roots, fractions, calculus and matrices.

Not covered: units, text, plus-minus, dots, function application of unknown names (`f(2)` and `f \\cdot 2` look alike).
"""

import re
from collections.abc import Callable
from math import prod

from stages.translate.reasons import Reason
from stages.translate.symbolic.latex_core import BINOMIALS, FRACTIONS, FUNCTIONS, GREEK, OVER, Expressions, product
from stages.translate.symbolic.nodes import (
    TRIGONOMETRY,
    Node,
    UnreadableError,
    free_symbols,
    number,
    operations,
    walk,
)

_NAMED = re.compile(r"\\(?:text|mathrm|operatorname|mathop|textrm|mbox|rm)\s*\{\s*([^{}]*?)\s*\}")
_MATRICES = {
    "pmatrix": "matrix",
    "bmatrix": "matrix",
    "matrix": "matrix",
    "vmatrix": "det",
    "array": "",
    "smallmatrix": "",
}


def read_tokens(tokens: list[str], complex_numbers: bool = False) -> Node:
    """Return the tree of one whole expression; raise UnreadableError with the reason where it is none."""
    return _Reader(tokens, complex_numbers).whole()


class _Reader(Expressions):
    """What begins with a command."""

    def special(self, token: str) -> Node:
        """Read what begins with a command or a bar."""
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
        node = Node(name, (self.argument(),))
        if name in TRIGONOMETRY and _may_be_degrees(node.args[0]):
            raise UnreadableError(Reason.AMBIGUOUS_ANGLE)
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
            raise UnreadableError(Reason.AMBIGUOUS_ARGUMENT)
        return node

    def fraction(self) -> Node:
        if (derivative := self.derivative()) is not None:
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
            # log without a base: ten in one book, e in the next.
            raise UnreadableError(Reason.AMBIGUOUS_LOGARITHM)
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
        self.take("(")
        items = [self.expression()]
        while self.peek() == ",":
            self.take()
            items.append(self.expression())
        self.take(")")
        return Node(op, tuple(items))

    # Calculus: the body of a binder is one product; a sum after it without parentheses can be read in two ways.

    def bounds(self) -> tuple[list[str], Node | None]:
        """Read `_{...}` and `^{...}` in either order; the lower one stays tokens."""
        low: list[str] = []
        high = None
        while self.peek() in ("_", "^"):
            if self.take() == "_":
                low = self.raw_group()
            else:
                high = self.group() if self.peek() != "-" else self.fail()
        return low, high

    def raw_group(self) -> list[str]:
        if self.peek() != "{":
            return [self.take()]
        start, depth = self.position + 1, 0
        while True:
            token = self.take()
            depth += (token == "{") - (token == "}")
            if depth == 0:
                return self.tokens[start : self.position - 1]

    def inner(self, tokens: list[str]) -> Node:
        return _Reader(tokens, self.complex_numbers, self.depth + 1).whole()

    def body(self, variable: str) -> Node:
        node = self.term()
        if self.peek() in ("+", "-") and variable in free_symbols(self.rest()):
            raise UnreadableError(Reason.AMBIGUOUS_SCOPE)
        return node

    def rest(self) -> Node:
        start = self.position
        node = self.expression()
        self.position = start
        return node

    def series(self) -> Node:
        op = "sum" if self.take() == "\\sum" else "prod"
        low, high = self.bounds()
        if high is None or len(low) < 3 or low[1] != "=":
            raise UnreadableError(Reason.UNKNOWN_NOTATION)
        variable, complex_numbers = low[0], self.complex_numbers
        self.complex_numbers = complex_numbers and variable != "i"
        node = Node(op, (self.body(variable), Node("sym", (), variable), self.inner(low[2:]), high))
        if any(name.endswith(f"_{variable}") for name in free_symbols(node.args[0])):
            raise UnreadableError(Reason.UNKNOWN_SEQUENCE)
        self.complex_numbers = complex_numbers
        return node

    def limit(self) -> Node:
        self.take()
        low, _ = self.bounds()
        if len(low) < 3 or low[1] not in ("\\to", "\\rightarrow"):
            raise UnreadableError(Reason.UNKNOWN_NOTATION)
        target, side = low[2:], ""
        for ending in (["^", "+"], ["^", "-"], ["^", "{", "+", "}"], ["^", "{", "-", "}"]):
            if target[-len(ending) :] == ending:
                target, side = target[: -len(ending)], "+" if "+" in ending else "-"
        return Node("limit", (self.body(low[0]), Node("sym", (), low[0]), self.inner(target)), side)

    def integral(self) -> Node:
        self.take()
        low, high = self.bounds()
        if bool(low) != (high is not None):
            raise UnreadableError(Reason.UNKNOWN_NOTATION)
        start, depth = self.position, 0
        while token := self.take():
            depth += (token in "([{") - (token in ")]}")
            differential = token in ("d", "\\mathrm{d}", "\\text{d}", "\\mathrm{ d}") and depth == 0
            if differential and len(self.peek()) == 1 and self.peek().isalpha():
                break
            if token == "\\int":
                raise UnreadableError(Reason.SEVERAL_INTEGRALS)
        body = self.tokens[start : self.position - 1]
        variable = Node("sym", (), self.take())
        inside = self.inner(body) if body else number("1")
        if high is None:
            return Node("int", (inside, variable))
        return Node("int", (inside, variable, self.inner(low), high))

    def derivative(self) -> Node | None:
        """Read `\\frac{d}{dx}` or `\\frac{d^2}{dx^2}` and its operand."""
        match = _DERIVATIVE.match(" ".join(self.tokens[self.position : self.position + 18]) + " ")
        if match is None:
            return None
        order, variable, again = match["order"] or "1", match["variable"], match["again"] or "1"
        if order != again or int(order) > 6:
            raise UnreadableError(Reason.UNKNOWN_NOTATION)
        self.position += match[0].count(" ")
        return Node("diff", (self.body(variable), Node("sym", (), variable), number(order)))

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

    def constant(self, op: str) -> Node:
        self.take()
        return Node(op)


# More than a full turn in radians: a plain number from here on is likely one of degrees.
_FULL_TURN = 7
_SAID_ANGLE = {"pi", "degrees", "asin", "acos", "atan"}


def _may_be_degrees(angle: Node) -> bool:
    """Say whether an angle is a plain number so large that degrees may be meant, or has 0 as an exponent for a sign."""
    if free_symbols(angle) or operations(angle) & _SAID_ANGLE:
        return False
    has_sign = any(item.op == "pow" and item.args[1] == number("0") for item in walk(angle))
    return has_sign or _size(angle) >= _FULL_TURN


def _size(node: Node) -> float:
    """Return the size of a product or quotient; of anything else, exponents aside, that of its largest part."""
    if node.op == "num":
        return float(node.value)
    sizes = [_size(item) for item in (node.args[:1] if node.op == "pow" else node.args)]
    if node.op == "div":
        return sizes[0] / sizes[1] if sizes[1] else sizes[0]
    return prod(sizes) if node.op == "mul" else max(sizes, default=0.0)


_DERIVATIVE = re.compile(
    r"\\[dt]?frac \{ (?:d|\\partial|\\mathrm\{d\}) (?:\^ (?:\{ )?(?P<order>\d) (?:\} )?)?\} "
    r"\{ (?:d|\\partial|\\mathrm\{d\}) (?P<variable>[a-z]) (?:\^ (?:\{ )?(?P<again>\d) (?:\} )?)?\} "
)

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
    "\\sum": _Reader.series,
    "\\prod": _Reader.series,
    "\\lim": _Reader.limit,
    "\\int": _Reader.integral,
    "\\det": _Reader.determinant,
    "\\begin": _Reader.matrix,
    "\\pi": lambda reader: reader.constant("pi"),
    "\\infty": lambda reader: reader.constant("infinity"),
    "\\e": lambda reader: reader.constant("e"),
}
