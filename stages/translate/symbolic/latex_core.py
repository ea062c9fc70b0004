"""Read sums, products, powers and numbers: the core of the reader of LaTeX.

Strict: what can be read in two ways raises UnreadableError with the reason.
"""

import re
from typing import NoReturn

from stages.translate.reasons import Reason
from stages.translate.symbolic.nodes import Node, UnreadableError, free_symbols, integer, is_integer, number, operations

MAX_DEPTH = 24

_TIMES = {"*", "\\cdot", "\\times", "\\ast"}
OVER = {"/", "\\div"}
PERCENT = {"%", "\\%"}
_MINUTES = re.compile("[0-5][0-9]")
_BINDERS = ("\\sum", "\\prod", "\\int", "\\lim", "\\det")
FRACTIONS = {"\\frac", "\\dfrac", "\\tfrac", "\\cfrac"}
BINOMIALS = {"\\binom", "\\dbinom", "\\tbinom"}
GREEK = {
    "\\alpha",
    "\\beta",
    "\\gamma",
    "\\theta",
    "\\lambda",
    "\\mu",
    "\\varphi",
    "\\omega",
    "\\rho",
    "\\delta",
    "\\phi",
}
# Letters that usually name functions, sets or points: before a parenthesis they are not factors.
_VARIABLES = set("xyztabckmnruvw")
FUNCTIONS = {
    "\\sin": "sin", "\\cos": "cos", "\\tan": "tan", "\\cot": "cot", "\\sec": "sec", "\\csc": "csc",
    "\\arcsin": "asin", "\\arccos": "acos", "\\arctan": "atan", "\\sinh": "sinh", "\\cosh": "cosh", "\\tanh": "tanh",
    "\\ln": "ln", "\\exp": "exp",
}  # fmt: skip


class Expressions:
    """A recursive descent over tokens; every method reads one thing and moves on."""

    def __init__(self, tokens: list[str], complex_numbers: bool, depth: int = 0) -> None:
        self.tokens, self.position, self.depth = tokens, 0, depth
        self.complex_numbers = complex_numbers

    def whole(self) -> Node:
        if not self.tokens:
            raise UnreadableError(Reason.EMPTY)
        node = self.expression()
        if self.position < len(self.tokens):
            self.fail()
        return node

    def fail(self) -> NoReturn:
        token = self.peek()
        if token in ("\\dots", "\\ldots", "\\cdots", "."):
            raise UnreadableError(Reason.ELLIPSIS)
        if token in ("\\pm", "\\mp"):
            raise UnreadableError(Reason.PLUS_MINUS)
        if token == "\\ratio":
            is_time = self.tokens[self.position - 1].isdigit() and _MINUTES.fullmatch(self.peek(1))
            raise UnreadableError(Reason.TIME_OF_DAY if is_time else Reason.RATIO)
        if token.startswith(("\\text", "\\mathrm", "\\mbox", "\\textrm", "\\rm")):
            raise UnreadableError(Reason.TEXT_IN_EXPRESSION)
        raise UnreadableError(Reason.UNKNOWN_NOTATION)

    def peek(self, ahead: int = 0) -> str:
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            self.fail()
        self.position += 1
        return token

    # Sums and products.

    def expression(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnreadableError(Reason.TOO_DEEP)
        terms = [self.signed_term()]
        percents = [self.ends_in_percent(terms[0])]
        while self.peek() in ("+", "-"):
            terms.append(self.signed_term())
            percents.append(self.ends_in_percent(terms[-1]))
        plain = [term for term, is_percent in zip(terms, percents, strict=True) if not is_percent]
        # 100 + 15%: 115 to some, 100.15 to others; 1 + 15% is 1.15 to all.
        if any(percents) and plain and plain != [number("1")]:
            raise UnreadableError(Reason.PERCENT_OF_WHAT)
        node = terms[0] if len(terms) == 1 else Node("add", tuple(terms))
        if self.peek() in ("\\bmod", "\\mod"):
            if node.op == "add":
                raise UnreadableError(Reason.AMBIGUOUS_MODULUS)
            self.take()
            node = Node("mod", (node, self.term()))
        self.depth -= 1
        return node

    def ends_in_percent(self, term: Node) -> bool:
        """Say whether the term read last is nothing but a number of percent; 15% of something is a product."""
        term = term.args[0] if term.op == "neg" else term
        last = self.position - 1
        while self.tokens[last] in (")", "]", "}"):
            last -= 1
        return self.tokens[last] in PERCENT and term.op == "div" and term.args[1] == number("100")

    def signed_term(self) -> Node:
        sign = False
        if self.peek() in ("+", "-"):
            sign = self.take() == "-"
        node = self.term()
        return Node("neg", (node,)) if sign else node

    def term(self) -> Node:
        node, sliced = self.factor(), False
        while True:
            token = self.peek()
            if token in _TIMES:
                self.take()
                right = self.signed_factor()
                node, sliced = _vector_product(node, right, token) or product(node, right), False
            elif token in OVER:
                self.take()
                node, sliced = Node("div", (node, self.signed_factor())), True
            elif token and self.begins_factor(token):
                # 1/2x: half of x to some, one over 2x to others.
                if sliced:
                    raise UnreadableError(Reason.AMBIGUOUS_SLASH)
                node = self.adjoin(node, token)
            else:
                return node

    def adjoin(self, node: Node, token: str) -> Node:
        start = self.position
        right = self.factor()
        if (token[0].isdigit() or token[0] == ".") and self.tokens[start - 1] != "!":
            raise UnreadableError(Reason.ADJACENT_NUMBERS)
        mixed = right.op == "div" and token in FRACTIONS and all(map(is_integer, right.args))
        if node.op == "num" and token in FRACTIONS and self.tokens[self.position - 1] in PERCENT:
            raise UnreadableError(Reason.AMBIGUOUS_MIXED_NUMBER)
        if node.op == "num" and mixed:
            # 2\frac{1}{2} is two and a half where the fraction is proper; otherwise nobody can tell.
            if not node.value.isdigit() or int(right.args[0].value or 0) >= int(right.args[1].value or 0):
                raise UnreadableError(Reason.AMBIGUOUS_MIXED_NUMBER)
            if self.peek() in FRACTIONS or self.peek() == "^":
                raise UnreadableError(Reason.AMBIGUOUS_MIXED_NUMBER)
            return Node("add", (node, right))
        if node.op == "sym" and token in ("(", "["):
            inside = self.tokens[start + 1 : self.position - 1]
            if node.value not in _VARIABLES or len(inside) < 3 or not free_symbols(right):
                raise UnreadableError(Reason.FUNCTION_APPLICATION)
        return product(node, right)

    def begins_factor(self, token: str) -> bool:
        if token[0].isdigit() or (token[0] == "." and len(token) > 1) or (token.isalpha() and len(token) == 1):
            return True
        if token in FRACTIONS or token in BINOMIALS or token in FUNCTIONS or token in GREEK:
            return True
        return token in (
            "(",
            "[",
            "{",
            "\\{",
            "\\sqrt",
            "\\pi",
            "\\log",
            "\\lfloor",
            "\\lceil",
            "\\gcd",
            "\\infty",
            *_BINDERS,
        ) or (token.startswith("\\begin"))

    def signed_factor(self) -> Node:
        if self.peek() == "-":
            self.take()
            return Node("neg", (self.factor(),))
        return self.factor()

    def factor(self) -> Node:
        node = self.atom()
        while True:
            token = self.peek()
            if token == "^":
                self.take()
                if self.peek() == "\\circ" or self.tokens[self.position : self.position + 3] == ["{", "\\circ", "}"]:
                    self.position += 1 if self.peek() == "\\circ" else 3
                    node = Node("degrees", (node,))
                    continue
                if node.op == "pow" and self.tokens[self.position - 2] != "}" and self.tokens[self.position - 2] != ")":
                    raise UnreadableError(Reason.UNKNOWN_NOTATION)
                if node.op == "matrix" and self.peek() in ("T", "\\top"):
                    self.take()
                    node = Node("transpose", (node,))
                    continue
                node = self.power(node, self.group())
            elif token == "!":
                self.take()
                if self.peek() == "!":
                    raise UnreadableError(Reason.DOUBLE_FACTORIAL)
                node = Node("fact", (node,))
            elif token in PERCENT:
                self.take()
                node = Node("div", (node, number("100")))
            else:
                return node

    def power(self, base: Node, exponent: Node) -> Node:
        """Return a power; (-8)^{1/3} is the real root -2, save where a page has complex numbers: there are three."""
        is_inverse = exponent.op == "neg"
        ratio = exponent.args[0] if is_inverse else exponent
        is_ratio = ratio.op == "div" and all(map(is_integer, ratio.args)) and ratio.args[1].op == "num"
        if not is_ratio or "neg" not in operations(base) or free_symbols(base):
            return Node("pow", (base, exponent))
        top, degree = ratio.args
        if integer(degree) % 2 == 0 and integer(top) % 2 == 1:
            return Node("pow", (base, exponent))
        if integer(degree) % 2 == 0 or self.complex_numbers:
            raise UnreadableError(Reason.AMBIGUOUS_ROOT)
        root = Node("root", (degree, base))
        top = Node("neg", (top,)) if is_inverse else top
        return root if top == number("1") else Node("pow", (root, top))

    def group(self) -> Node:
        """Read what LaTeX takes as one argument: a braced group, or one token."""
        token = self.peek()
        if token == "{":
            return self.bracketed("{", "}")
        if token[:1].isdigit() and len(token) > 1 and token.isdigit():
            # \frac12 and 2^10: one digit is taken, the rest stays.
            self.tokens[self.position : self.position + 1] = [token[0], token[1:]]
        if (
            token in ("\\frac", "\\dfrac", "\\tfrac", "\\sqrt", "\\pi", "\\infty")
            or token[:1].isalnum()
            or token in GREEK
        ):
            return self.atom()
        self.fail()

    def bracketed(self, opening: str, closing: str) -> Node:
        self.take(opening)
        if opening == "{" and "\\choose" in self.tokens[self.position : self.position + 6]:
            top = self.expression()
            self.take("\\choose")
            bottom = self.expression()
            self.take(closing)
            return Node("binom", (top, bottom))
        node = self.expression()
        self.take(closing)
        return node

    # Atoms.
    def atom(self) -> Node:
        token = self.peek()
        if not token:
            raise UnreadableError(Reason.INCOMPLETE)
        if token[0].isdigit() or (token[0] == "." and len(token) > 1):
            return self.literal()
        if len(token) == 1 and token.isalpha():
            return self.name()
        if token in ("(", "[", "{", "\\{"):
            closing = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}[token]
            return self.bracketed(token, closing)
        if token in GREEK:
            return self.name()
        return self.special(token)

    def special(self, token: str) -> Node:
        """Read what begins with a command; the notations known are latex.py's."""
        self.fail()

    def literal(self) -> Node:
        token = self.take().replace("{,}", "").replace("\\,", "").replace(",", "")
        if self.peek() == "." and self.peek(1) == "\\overline":
            return self.repeating(token)
        if token.startswith("."):
            token = "0" + token
        if self.peek() == "_":
            self.take()
            base = self.group()
            # Whole numbers alone: int() reads no fraction in another base, as 0.1_2.
            if not is_integer(base) or not 2 <= integer(base) <= 36 or not token.isdigit():
                raise UnreadableError(Reason.UNKNOWN_NOTATION)
            if any(int(digit) >= integer(base) for digit in token):
                raise UnreadableError(Reason.UNKNOWN_NOTATION)
            return Node("based", (number(token), base))
        if token.isdigit():
            token = token.lstrip("0") or "0"
        return number(token)

    def repeating(self, whole: str) -> Node:
        self.position += 2
        self.take("{")
        digits = self.take()
        self.take("}")
        if not digits.isdigit() or len(digits) > 12 or not whole.isdigit():
            raise UnreadableError(Reason.UNKNOWN_NOTATION)
        fraction = Node("div", (number(digits.lstrip("0") or "0"), number("9" * len(digits))))
        return fraction if int(whole) == 0 else Node("add", (number(whole), fraction))

    def name(self) -> Node:
        token = self.take().lstrip("\\")
        if token == "e" and self.peek() == "^":
            return Node("e")
        if token == "i" and self.complex_numbers and self.peek() != "_":
            return Node("imaginary")
        if token == "d" and self.peek().isalpha():
            raise UnreadableError(Reason.STRAY_DIFFERENTIAL)
        if self.peek() == "'":
            raise UnreadableError(Reason.FUNCTION_APPLICATION)
        if self.peek() == "_":
            self.take()
            self.take("{") if (braced := self.peek() == "{") else None
            subscript = self.take()
            if not subscript.isalnum():
                raise UnreadableError(Reason.UNKNOWN_NOTATION)
            if braced:
                self.take("}")
            token = f"{token}_{subscript}"
        if self.peek() == "(" and self.peek(2) in (")", ","):
            raise UnreadableError(Reason.FUNCTION_APPLICATION)
        return Node("sym", (), token)


def _vector_product(left: Node, right: Node, token: str) -> Node | None:
    """Return the product of two column vectors, for which a dot and a cross are different operations."""
    if not (_is_column(left) and _is_column(right)):
        return None
    return Node("cross" if token == "\\times" else "dot", (left, right))


def _is_column(node: Node) -> bool:
    if node.op == "neg" or (node.op == "mul" and len(node.args) == 2):
        return _is_column(node.args[-1])
    return node.op == "cross" or (node.op == "matrix" and len(node.args) > 1 and len(node.args[0].args) == 1)


def product(left: Node, right: Node) -> Node:
    """Return the product of two factors; a product of products stays flat."""
    return Node("mul", (*left.args, right)) if left.op == "mul" else Node("mul", (left, right))
