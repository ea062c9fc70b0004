"""Parse the tokens of one scalar expression; one grammar serves LaTeX, Python and schoolbook notation."""

from collections.abc import Sequence as Tokens
from fractions import Fraction

from mathcode_pile.answers.lexer import Token
from mathcode_pile.answers.number_literals import parse_in_base, parse_number
from mathcode_pile.answers.token_lists import Cursor
from mathcode_pile.answers.values import Apply, Constant, Node, Number, Symbol, UnreadableError
from mathcode_pile.answers.vocabulary import BASES, CONSTANTS, CONSTRUCTORS, FUNCTIONS, GREEK, NUMBER_TYPES

MAX_DEPTH = 30
MAX_CHAIN = 100
CLOSING = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}
_TWO_ARGUMENTS = {"frac": "div", "binom": "binomial", "dbinom": "binomial", "tbinom": "binomial"}
_FENCES = {"⌊": ("⌋", "floor"), "⌈": ("⌉", "ceiling"), "|": ("|", "abs")}
_INVERSE = {"sin": "asin", "cos": "acos", "tan": "atan", "sinh": "asinh", "cosh": "acosh", "tanh": "atanh"}


def parse_expression(tokens: Tokens[Token], printed: bool) -> Node:
    """Return the expression that the tokens form. Raises UnreadableError if they form none.

    printed: whether a program printed them: then `j` is the imaginary unit, and adjacent numbers are no product.
    """
    parser = _Parser(list(tokens), printed)
    node = parser.sum()
    if parser.position != len(tokens):
        raise UnreadableError("not_an_expression")
    return node


class _Parser(Cursor):
    """A recursive descent; every method reads one thing and moves on."""

    def __init__(self, tokens: list[Token], printed: bool) -> None:
        super().__init__(tokens)
        self.printed = printed
        self.depth = 0
        self.chained = 0
        self.flat: Node | None = None  # the product that a further factor joins

    def sum(self) -> Node:
        """Read terms with signs between them."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnreadableError("too_deep")
        terms = [self.product()]
        signs = ["+"]
        while self.at("+", "-"):
            signs.append(self.take().text)
            terms.append(self.product())
        self.depth -= 1
        if len(terms) == 2:
            return Apply("add" if signs[1] == "+" else "sub", (terms[0], terms[1]))
        signed = [t if s == "+" else Apply("neg", (t,)) for s, t in zip(signs, terms, strict=True)]
        return terms[0] if len(terms) == 1 else Apply("add", tuple(signed))

    def product(self) -> Node:
        """Read factors, with or without a sign between them, and mixed fractions."""
        node = self.signed()
        while (token := self.peek()) is not None:
            if self.at("*", "/", "mod", "%") and not (token.text == "%" and not self._has_operand()):
                operator = self.take().text
                name = {"*": "mul", "/": "div"}.get(operator, "mod")
                node = self._joined(name, node, self.signed())
            elif self._starts_factor(token):
                node = self._joined("mul", node, self.power())
            else:
                break
        return node

    def _joined(self, name: str, left: Node, right: Node) -> Node:
        """Return the node with one more factor. A product stays flat; quotients nest, so their number is limited."""
        if name == "mul" and isinstance(left, Apply) and left is self.flat:
            self.flat = Apply("mul", (*left.arguments, right))
            return self.flat
        node = Apply(name, (left, right))
        if name == "mul":
            self.flat = node
        self.chained += 1
        if self.chained > MAX_CHAIN:
            raise UnreadableError("too_deep")
        return node

    def _has_operand(self) -> bool:
        """Whether an operand follows the operator that comes next."""
        token = self.peek(1)
        return token is not None and token.kind in ("number", "name", "open", "command")

    def _starts_factor(self, token: Token) -> bool:
        if token.kind == "number":
            # (n - 2) 2^n
            return self.tokens[self.position - 1].kind == "close" and not self.printed
        return token.kind in ("name", "command", "open") or token.text in ("⌊", "⌈")

    def _at_mixed_fraction(self) -> bool:
        """Whether the fraction of a mixed number follows a whole number."""
        pieces = [t.text for t in self.tokens[self.position : self.position + 7]]
        if self.at("frac"):
            return len(pieces) == 7 and pieces[2].isdigit() and pieces[5].isdigit() and int(pieces[2]) < int(pieces[5])
        has_slash = len(pieces) >= 3 and pieces[1] == "/" and pieces[0].isdigit() and pieces[2].isdigit()
        return has_slash and self.tokens[self.position].spaced

    def _fraction(self) -> Node:
        if self.at("frac"):
            return self.atom()
        top = self._number(self.take())
        self.take("/")
        return Apply("div", (top, self._number(self.take())))

    def signed(self) -> Node:
        if self.at("-"):
            self.take()
            node = self._deeper()
            if isinstance(node, Apply) and node.function in ("percent", "degree"):
                # -5% is a percentage of -5.
                return Apply(node.function, (Apply("neg", node.arguments),))
            return Apply("neg", (node,))
        if self.at("+"):
            self.take()
            return self._deeper()
        return self.power()

    def _deeper(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnreadableError("too_deep")
        node = self.signed()
        self.depth -= 1
        return node

    def power(self) -> Node:
        base = self.postfix()
        if self.at("^", "**"):
            self.take()
            return Apply("pow", (base, self._deeper() if self.printed or self.at("-", "+") else self.group()))
        return base

    def postfix(self) -> Node:
        """Read an atom with factorials, percent and degree signs behind it."""
        node = self.atom()
        for _ in range(4):
            if self.at("!"):
                self.take()
                is_double = self.at("!")
                if is_double:
                    self.take()
                node = Apply("factorial2" if is_double else "factorial", (node,))
            elif self.at("%") and not self._has_operand():
                self.take()
                node = Apply("percent", (node,))
            elif self.at("°") or (self.at("degree")):
                self.take()
                node = Apply("degree", (node,))
            else:
                return node
        raise UnreadableError("too_deep")

    # Atoms.

    def atom(self) -> Node:
        """Read a number, a name, a command, a bracket, or |x|."""
        token = self.take()
        if token.kind == "number":
            return self._mixed(self._number(token))
        if token.kind == "name":
            return self._name(token)
        if token.kind == "command":
            return self._command(token)
        if token.kind == "open":
            return self._bracket(token)
        if token.text in _FENCES:
            closing, function = _FENCES[token.text]
            node = self.sum()
            self.take(closing)
            return Apply(function, (node,))
        raise UnreadableError("not_an_expression")

    def _mixed(self, number: Number) -> Node:
        """Return a number with the fraction behind it, if any: 3 1/2 is three and a half."""
        is_whole = number.last_place is None and self.tokens[self.position - 1].kind == "number"
        if not is_whole or not self._at_mixed_fraction():
            return number
        return Apply("add", (number, self._fraction()))

    def _number(self, token: Token) -> Number:
        text = token.text
        if self.at("_") and not self.printed:
            # 1011_2: a number in another base.
            self.take()
            base = self.group()
            if not isinstance(base, Number) or base.value.denominator != 1 or not 2 <= base.value <= 36:
                raise UnreadableError("not_an_expression")
            return parse_in_base(text, int(base.value))
        while not self.printed and text.isdigit() and len(text) <= 12 and self._at_thousands():
            # 1 000 000
            text += self.take().text
        return parse_number(text)

    def _at_thousands(self) -> bool:
        token = self.peek()
        return token is not None and token.kind == "number" and token.spaced and len(token.text) == 3

    def _bracket(self, token: Token) -> Node:
        node = self.sum()
        self.take(CLOSING[token.text])
        if token.text == "\\{":
            raise UnreadableError("not_an_expression")
        return node

    def group(self) -> Node:
        """Read an argument of a LaTeX command: {...} or one token."""
        if self.at("{"):
            return self._bracket(self.take())
        if self.at("-", "+"):
            return self.signed()
        token = self.peek()
        # The argument of a command without braces is one number, never a mixed one.
        return self._number(self.take()) if token is not None and token.kind == "number" else self.atom()

    def _command(self, token: Token) -> Node:
        name = token.text
        if name in _TWO_ARGUMENTS:
            return Apply(_TWO_ARGUMENTS[name], (self.group(), self.group()))
        if name == "sqrt":
            degree: tuple[Node, ...] = ()
            if self.at("["):
                degree = (self._bracket(self.take()),)
            return Apply("root", (self.group(), *degree))
        if name == "infty":
            return Constant("oo")
        if name in FUNCTIONS:
            return self._function(FUNCTIONS[name], name)
        if name in ("boxed", "bar", "hat", "vec") and self.at("{"):
            return self.group()
        raise UnreadableError("notation" if name == "overline" and self.at("{") else "unknown_command")

    def _name(self, token: Token) -> Node:
        name = token.text
        lower = name.lower()
        following = self.peek()
        called = following is not None and following.text == "(" and not (following.spaced and len(name) == 1)
        if lower in FUNCTIONS and following is not None:
            if name in GREEK and not called:
                return self._symbol(name)
            return self._function(FUNCTIONS[lower], lower)
        indexed = following is not None and following.text == "_"
        if name == "I" and called:
            # I(0) is a function of that name, not a product.
            raise UnreadableError("unknown_function")
        if (name in ("I", "i") and not indexed) or (name == "j" and self.printed):
            return Constant("i")
        if name in ("E", "e") and not indexed:
            return Constant("e")
        if lower in CONSTANTS and len(name) > 1:
            return Constant(CONSTANTS[lower])
        if lower in CONSTRUCTORS and len(name) > 1:
            return self._wrapped(lower)
        return self._symbol(name)

    def _wrapped(self, name: str) -> Node:
        if name not in NUMBER_TYPES:
            raise UnreadableError("not_an_expression")
        self.take("(")
        node = self.sum()
        self.take(")")
        return node

    def _symbol(self, name: str) -> Node:
        if self.at("_"):
            self.take()
            if self.at("{"):
                start = self.position + 1
                while not self.at("}"):
                    self.take()
                name += "".join(t.text for t in self.tokens[start : self.position])
                self.take("}")
            else:
                name += self.take().text
        if self.at("'"):
            raise UnreadableError("derivative")
        return Symbol(name.replace("_", ""))

    def _function(self, function: str, name: str) -> Node:
        base: Node | None = None
        exponent: Node | None = None
        for _ in range(2):
            if self.at("_") and function == "log":
                self.take()
                base = self.group()
            elif self.at("^", "**"):
                self.take()
                exponent = self.group()
        arguments = self._arguments()
        if function == "log" and base is None and name in BASES and not self.printed:
            function = f"any_{name}"
        if function == "cbrt":
            function, arguments = "root", (*arguments, Number(Fraction(3)))
        if base is not None:
            arguments = (*arguments, base)
        if exponent == Apply("neg", (Number(Fraction(1)),)) and function in _INVERSE:
            return Apply(_INVERSE[function], arguments)
        node = Apply(function, arguments)
        return node if exponent is None else Apply("pow", (node, exponent))

    def _arguments(self) -> tuple[Node, ...]:
        if self.at("(", "{"):
            closing = CLOSING[self.take().text]
            arguments = [self.sum()]
            while self.at(","):
                self.take()
                arguments.append(self.sum())
            self.take(closing)
            return tuple(arguments)
        # \sin 2x: the factors after the function are its argument.
        node = self.power()
        while (token := self.peek()) is not None and token.kind == "name" and token.text.lower() not in FUNCTIONS:
            node = self._joined("mul", node, self.power())
        return (node,)
