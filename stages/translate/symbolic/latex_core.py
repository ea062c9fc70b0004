"""Read sums, products, powers and brackets: the core of the reader of LaTeX.

It is strict: what can be read in two ways raises UnreadableError with the reason.
"""

from decimal import Decimal

from stages.translate.reasons import Reason
from stages.translate.symbolic.latex_leaves import Leaves
from stages.translate.symbolic.latex_words import (
    CLOSING,
    DEGREE_SIGNS,
    FRACTIONS,
    GREEK,
    OVER,
    PERCENT,
    TIMES,
    UNBRACED,
    VARIABLES,
    begins_factor,
    has_repetend,
    is_number,
    magnitude,
)
from stages.translate.symbolic.nodes import (
    Node,
    UnreadableError,
    free_symbols,
    integer,
    is_integer,
    number,
    operations,
)

MAX_DEPTH = 24


class Expressions(Leaves):
    """A recursive descent; every method reads one thing and moves on."""

    def whole(self) -> Node:
        """Read all tokens as one expression. Raises UnreadableError with the reason."""
        if not self.tokens:
            raise UnreadableError(Reason.EMPTY)
        node = self.expression()
        if self.position < len(self.tokens):
            self.fail()
        return node

    def inner(self, tokens: list[str]) -> Node:
        """Read tokens that are an expression within this one."""
        return type(self)(tokens, self.notation, self.depth + 1).whole()

    # Sums and products.

    def expression(self) -> Node:
        """Read a sum of terms, perhaps with a modulus: `a + b`, `a \\bmod n`."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnreadableError(Reason.TOO_DEEP)
        node = self.signed_term()
        if self.peek() in ("+", "-"):
            node = self.sum_from(node)
        if self.peek() in ("\\bmod", "\\mod"):
            if node.op == "add":
                raise UnreadableError(Reason.AMBIGUOUS_MODULUS)
            self.take()
            node = Node("mod", (node, self.term()))
        self.depth -= 1
        return node

    def sum_from(self, first: Node) -> Node:
        """Read the terms behind the first one of a sum."""
        terms = [first]
        percents = [self.ends_in_percent(first)]
        while self.peek() in ("+", "-"):
            terms.append(self.signed_term())
            percents.append(self.ends_in_percent(terms[-1]))
        # 100 + 15% is 115 for some and 100.15 for others; 1 + 15% is 1.15 for all.
        if any(percents):
            plain = [term for term, is_percent in zip(terms, percents, strict=True) if not is_percent]
            if plain and plain != [number("1")]:
                raise UnreadableError(Reason.PERCENT_OF_WHAT)
        return Node("add", tuple(terms))

    def ends_in_percent(self, term: Node) -> bool:
        """Whether the term read last is a percentage alone; 15% of something is a product."""
        term = term.args[0] if term.op == "neg" else term
        last = self.position - 1
        while self.tokens[last] in (")", "]", "}"):
            last -= 1
        return self.tokens[last] in PERCENT and term.op == "div" and term.args[1] == number("100")

    def signed_term(self) -> Node:
        """Read a term with a sign before it, if any."""
        sign = False
        if self.peek() in ("+", "-"):
            sign = self.take() == "-"
        node = self.term()
        return Node("neg", (node,)) if sign else node

    def term(self) -> Node:
        """Read a product or quotient: `2x \\cdot 3 / y`."""
        node, sliced = self.factor(), False
        while True:
            token = self.peek()
            if token in TIMES:
                self.take()
                right = self.mixed_number() or self.signed_factor()
                node, sliced = _vector_product(node, right, token) or product(node, right), False
            elif token in OVER:
                self.take()
                node, sliced = Node("div", (node, self.signed_factor())), True
            elif token and begins_factor(token):
                # 1/2x is half of x for some and one over 2x for others.
                node = self.behind_slash(node) if sliced else self.adjoin(node, token)
            else:
                return node

    def behind_slash(self, node: Node) -> Node:
        """Read a factor behind a denominator, 1/2x, in the reading that was chosen."""
        choice = self.notation.choice("slash")
        if choice is None:
            raise UnreadableError(Reason.AMBIGUOUS_SLASH)
        top, bottom = node.args
        return product(node, self.factor()) if choice == 0 else Node("div", (top, product(bottom, self.factor())))

    def adjoin(self, node: Node, token: str) -> Node:
        """Read a factor without a sign before it, `2x`, or the fraction of a mixed number."""
        if token == "(" and self.notation.choice("repetend") == 1 and has_repetend(self.tokens, self.position - 1):
            digits, scale = self.tokens[self.position + 1], 10 ** len(node.value.partition(".")[2])
            self.position += 3
            return Node("add", (node, Node("div", (number(digits), number(str((10 ** len(digits) - 1) * scale))))))
        start = self.position
        right = self.factor()
        if is_number(token) and self.tokens[start - 1] != "!":
            raise UnreadableError(Reason.ADJACENT_NUMBERS)
        mixed = right.op == "div" and token in FRACTIONS and all(map(is_integer, right.args))
        if node.op == "num" and token in FRACTIONS and self.tokens[self.position - 1] in PERCENT:
            raise UnreadableError(Reason.AMBIGUOUS_MIXED_NUMBER)
        if node.op == "num" and mixed:
            # 2\frac{1}{2} is two and a half; with an improper fraction it may be a product.
            is_mixed = node.value.isdigit() and int(right.args[0].value or 0) < int(right.args[1].value or 0)
            if not is_mixed or self.peek() in FRACTIONS or self.peek() == "^":
                raise UnreadableError(Reason.AMBIGUOUS_MIXED_NUMBER)
            if self.notation.choice("mixed_number") != 1:
                return Node("add", (node, right), "mixed")
        if node.op == "sym" and token in ("(", "["):
            inside = self.tokens[start + 1 : self.position - 1]
            if node.value not in VARIABLES or len(inside) < 3 or not free_symbols(right):
                raise UnreadableError(Reason.FUNCTION_APPLICATION)
        return product(node, right)

    def mixed_number(self) -> Node | None:
        """Read a mixed number after a sign of multiplication, 2 \\times 3\\frac12; None if there is none."""
        if not self.peek().isdigit() or self.peek(1) not in FRACTIONS:
            return None
        token = self.peek(1)
        return self.adjoin(self.factor(), token)

    def signed_factor(self) -> Node:
        """Read a factor after a sign of multiplication: `2 \\cdot -3`."""
        if self.peek() == "-":
            self.take()
            return Node("neg", (self.factor(),))
        return self.factor()

    def factor(self) -> Node:
        """Read an atom with its exponents, factorials and percent signs: `x^2`, `5!`, `15\\%`."""
        node = self.atom()
        while True:
            token = self.peek()
            if token == "^":
                node = self.raised(node)
            elif token == "!":
                self.take()
                if self.peek() == "!":
                    raise UnreadableError(Reason.DOUBLE_FACTORIAL)
                if self.peek() == "^":
                    raise UnreadableError(Reason.UNKNOWN_NOTATION)  # a multifactorial, or a power
                node = Node("fact", (node,))
            elif token in PERCENT:
                self.take()
                node = Node("div", (node, number("100")))
            elif node.op == "num" and (power := magnitude(token)):
                self.take()
                power *= self.notation.choice("magnitude") != 1
                node = number(f"{Decimal(node.value).scaleb(power).normalize():f}")
            else:
                return node

    def raised(self, base: Node) -> Node:
        """Read what follows `^`: a degree sign, the T of a transposed matrix, or an exponent."""
        self.take()
        for sign in DEGREE_SIGNS:
            if self.tokens[self.position : self.position + len(sign)] == sign:
                self.position += len(sign)
                return Node("degrees", (base,))
        if base.op == "pow" and self.tokens[self.position - 2] not in ("}", ")"):
            raise UnreadableError(Reason.UNKNOWN_NOTATION)
        if base.op == "matrix" and self.peek() in ("T", "\\top"):
            self.take()
            return Node("transpose", (base,))
        return self.power(base, self.group())

    def power(self, base: Node, exponent: Node) -> Node:
        """Return a power. (-8)^{1/3} is the real root -2, but has three values on a page with complex numbers."""
        is_inverse = exponent.op == "neg"
        ratio = exponent.args[0] if is_inverse else exponent
        is_ratio = ratio.op == "div" and all(map(is_integer, ratio.args)) and ratio.args[1].op == "num"
        if not is_ratio or "neg" not in operations(base) or free_symbols(base):
            return Node("pow", (base, exponent))
        top, degree = ratio.args
        if integer(degree) % 2 == 0 and integer(top) % 2 == 1:
            return Node("pow", (base, exponent))
        if integer(degree) % 2 == 0 or self.notation.complex_numbers:
            raise UnreadableError(Reason.AMBIGUOUS_ROOT)
        root = Node("root", (degree, base))
        top = Node("neg", (top,)) if is_inverse else top
        return root if top == number("1") else Node("pow", (root, top))

    def group(self) -> Node:
        """Read what LaTeX takes as one argument: a group in braces, or one token."""
        token = self.peek()
        if token == "{":
            return self.bracketed("{", "}")
        if token[:1].isdigit() and len(token) > 1 and token.isdigit():
            # \frac12 and 2^10: the argument is one digit.
            self.tokens[self.position : self.position + 1] = [token[0], token[1:]]
        if token[:1].isalnum() or token in UNBRACED:
            return self.atom()
        self.fail()

    def bracketed(self, opening: str, closing: str) -> Node:
        """Read an expression in brackets, or `{n \\choose k}`."""
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
        """Read a number, a name, a bracket, or what begins with a command."""
        token = self.peek()
        if not token:
            raise UnreadableError(Reason.INCOMPLETE)
        if is_number(token):
            return self.literal()
        if (len(token) == 1 and token.isalpha()) or token in GREEK:
            return self.name()
        if token in CLOSING:
            node = self.bracketed(token, CLOSING[token])
            is_quotient = node.op == "div" and all(map(is_integer, node.args))
            if self.notation.residue_symbols and token == "(" and is_quotient:
                raise UnreadableError(Reason.UNKNOWN_NOTATION)
            return Node("floor", (node,)) if token == "[" and self.notation.choice("bracket") == 1 else node
        return self.special(token)

    def special(self, token: str) -> Node:
        """Read what begins with any other command; latex_reader.py knows which there are."""
        self.fail()


def _vector_product(left: Node, right: Node, token: str) -> Node | None:
    """Return the product of two column vectors: a dot and a cross are different ones. None for other factors."""
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
