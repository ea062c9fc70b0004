"""Parse the tokens of one scalar expression: LaTeX, Python and schoolbook notation by one grammar."""

from collections.abc import Sequence as Tokens
from fractions import Fraction

from mathcode_pile.answers.lexer import Token
from mathcode_pile.answers.values import Apply, Constant, Node, Number, Symbol, UnreadableError
from mathcode_pile.answers.vocabulary import CONSTANTS, CONSTRUCTORS, FUNCTIONS, GREEK, NUMBER_TYPES

MAX_DEPTH = 30
MAX_CHAIN = 100
MAX_DIGITS = 3_000
CLOSING = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}
_TWO_ARGUMENTS = {"frac": "div", "binom": "binomial", "dbinom": "binomial", "tbinom": "binomial"}
_FENCES = {"⌊": ("⌋", "floor"), "⌈": ("⌉", "ceiling"), "|": ("|", "abs")}
_INVERSE = {"sin": "asin", "cos": "acos", "tan": "atan", "sinh": "asinh", "cosh": "acosh", "tanh": "atanh"}


def parse_expression(tokens: Tokens[Token], printed: bool) -> Node:
    """Return the expression that the tokens make. Raises UnreadableError where they make none."""
    parser = _Parser(list(tokens), printed)
    node = parser.sum()
    if parser.position != len(tokens):
        raise UnreadableError("not_an_expression")
    return node


def parse_number(text: str) -> Number:
    """Return a literal: exact where it is an integer, known to its last place where it is a decimal."""
    if len(text) > MAX_DIGITS:
        raise UnreadableError("too_long")
    if text[:2].lower() in ("0x", "0b", "0o"):
        return Number(Fraction(int(text, 0)))
    mantissa, _, exponent = text.lower().partition("e")
    power = int(exponent or 0)
    if abs(power) > MAX_DIGITS:
        raise UnreadableError("too_large")
    whole, point, decimals = mantissa.partition(".")
    value = Fraction(int((whole + decimals) or "0")) * Fraction(10) ** (power - len(decimals))
    if not point and not exponent:
        return Number(value)
    if point and not decimals and not exponent:
        # `3.` is how numpy prints a float that is whole.
        return Number(value, Fraction(1, 10), len(whole) + 1)
    digits = len((whole + decimals).lstrip("0")) or 1
    return Number(value, Fraction(10) ** (power - len(decimals)), digits)


class _Parser:
    def __init__(self, tokens: list[Token], printed: bool) -> None:
        self.tokens = tokens
        self.printed = printed
        self.position = 0
        self.depth = 0
        self.chained = 0
        self.flat: Node | None = None  # the product being gathered

    def peek(self, ahead: int = 0) -> Token | None:
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else None

    def at(self, *texts: str) -> bool:
        token = self.peek()
        return token is not None and token.text in texts and token.kind != "word"

    def take(self, *texts: str) -> Token:
        token = self.peek()
        if token is None or (texts and token.text not in texts):
            raise UnreadableError("not_an_expression")
        self.position += 1
        return token

    def sum(self) -> Node:
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
        node = self.signed()
        while (token := self.peek()) is not None:
            if self.at("*", "/", "mod", "%") and not (token.text == "%" and not self._starts_operand(1)):
                operator = self.take().text
                name = {"*": "mul", "/": "div"}.get(operator, "mod")
                node = self._joined(name, node, self.signed())
            elif self._is_mixed_fraction(node):
                # 3 1/2 is three and a half.
                node = Apply("add", (node, self._fraction()))
            elif self._starts_factor(token):
                node = self._joined("mul", node, self.power())
            else:
                break
        return node

    def _joined(self, name: str, left: Node, right: Node) -> Node:
        """One more factor. Products are flat, quotients nest, so their number is bounded."""
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

    def _starts_operand(self, ahead: int) -> bool:
        token = self.peek(ahead)
        return token is not None and (token.kind in ("number", "name", "open", "command"))

    def _starts_factor(self, token: Token) -> bool:
        if token.kind == "number":
            # (n - 2) 2^n
            return self.tokens[self.position - 1].kind == "close" and not self.printed
        return token.kind in ("name", "command") or (token.kind == "open") or token.text in ("⌊", "⌈")

    def _is_mixed_fraction(self, node: Node) -> bool:
        if not isinstance(node, Number) or node.last_place is not None or self.position == 0:
            return False
        before = self.tokens[self.position - 1]
        if before.kind != "number":
            return False
        pieces = [t.text for t in self.tokens[self.position : self.position + 7]]
        if pieces[:1] == ["frac"]:
            return len(pieces) == 7 and pieces[2].isdigit() and pieces[5].isdigit() and int(pieces[2]) < int(pieces[5])
        return len(pieces) >= 3 and pieces[1] == "/" and pieces[0].isdigit() and pieces[2].isdigit()

    def _fraction(self) -> Node:
        if self.at("frac"):
            return self.power()
        top = self.atom()
        self.take("/")
        return Apply("div", (top, self.atom()))

    def signed(self) -> Node:
        if self.at("-"):
            self.take()
            return Apply("neg", (self._deeper(),))
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
            return Apply("pow", (base, self._deeper()))
        return base

    def postfix(self) -> Node:
        node = self.atom()
        for _ in range(4):
            if self.at("!"):
                self.take()
                node = Apply("factorial", (node,))
            elif self.at("%") and not self._starts_operand(1):
                self.take()
                node = Apply("percent", (node,))
            elif self.at("°") or (self.at("degree")):
                self.take()
                node = Apply("degree", (node,))
            else:
                return node
        raise UnreadableError("too_deep")

    def atom(self) -> Node:
        token = self.take()
        if token.kind == "number":
            return self._number(token)
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

    def _number(self, token: Token) -> Node:
        text = token.text
        if self.at("_") and not self.printed:
            # 1011_2: a number in another base.
            self.take()
            base = self.group()
            return _in_base(text, base)
        following = self.peek()
        while (
            not self.printed
            and following is not None
            and following.kind == "number"
            and following.spaced
            and len(following.text) == 3
            and len(text.split(".")[0]) <= 12
            and text.isdigit()
        ):
            # 1 000 000
            text += self.take().text
            following = self.peek()
        return parse_number(text)

    def _bracket(self, token: Token) -> Node:
        node = self.sum()
        self.take(CLOSING[token.text])
        if token.text == "\\{":
            raise UnreadableError("not_an_expression")
        return node

    def group(self) -> Node:
        """An argument of a LaTeX command: {...} or one token."""
        if self.at("{"):
            return self._bracket(self.take())
        if self.at("-", "+"):
            return self.signed()
        return self.atom()

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
        if name in ("boxed", "displaystyle", "overline", "bar", "hat", "vec") and self.at("{"):
            if name in ("overline",):
                raise UnreadableError("notation")
            return self.group()
        raise UnreadableError("unknown_command")

    def _name(self, token: Token) -> Node:
        name = token.text
        lower = name.lower()
        following = self.peek()
        called = following is not None and following.text == "(" and not (following.spaced and len(name) == 1)
        if lower in FUNCTIONS and (called or (following is not None and len(name) > 1)):
            if name in GREEK and not called:
                return self._symbol(name)
            return self._function(FUNCTIONS[lower], lower)
        indexed = following is not None and following.text == "_"
        if name == "I" and called:
            # A function of that name, not a product.
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
        if function == "log" and base is None and name == "lg":
            base = Number(Fraction(10))
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
        # \sin 2x: the factors that follow without brackets.
        node = self.power()
        while (token := self.peek()) is not None and token.kind == "name" and token.text.lower() not in FUNCTIONS:
            node = self._joined("mul", node, self.power())
        return (node,)


def _in_base(digits: str, base: Node) -> Node:
    if not isinstance(base, Number) or base.value.denominator != 1 or not 2 <= base.value <= 36:
        raise UnreadableError("not_an_expression")
    try:
        return Number(Fraction(int(digits, int(base.value))))
    except ValueError:
        raise UnreadableError("not_an_expression") from None
