"""Read LaTeX and plain arithmetic into trees, strictly: what can be read in two ways is not read at all.

Not covered: units, text, plus-minus, dots, function application of unknown names (`f(2)` and `f \\cdot 2` look alike).
"""

import re
from collections.abc import Callable
from typing import NoReturn

from mathcode_pile.symbolic.nodes import Node, UnreadableError, free_symbols, is_integer, number

MAX_TOKENS = 260
MAX_DEPTH = 24

_TOKEN = re.compile(
    r"\d{1,3}(?:(?:,|\{,\}|\\,)\d{3})+(?![\d,])(?:\.\d+)?|\d+\.\d+|\d+|\.\d+"
    r"|\\begin\{[a-zA-Z*]+\}|\\end\{[a-zA-Z*]+\}"
    r"|\\(?:text|mathrm|operatorname|mathop|textrm|mbox|rm)\s*\{[^{}]{0,60}\}"
    r"|\\[A-Za-z]+|\\.|[^\s]",
    re.DOTALL,
)
# Marks that change the look and not the meaning.
_LOOKS = re.compile(
    r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|limits|nolimits|hspace\*?\{[^{}]*\}|phantom\{[^{}]*\})(?![A-Za-z])"
    r"|\\[!;:>]|\\quad(?![A-Za-z])|~|(?<!\\)\\ |\\hfill(?![A-Za-z])"
)
_THIN_SPACE = re.compile(r"\\,(?!\d{3}(?!\d))|(?<!\d)\\,")
_NARROW_COMMA = re.compile(r"(?<=\d),\\!(?=\d{3})")
_BOXED = re.compile(r"\\(?:boxed|fbox|mathit|underline)\s*(?=\{)")
_NAMED = re.compile(r"\\(?:text|mathrm|operatorname|mathop|textrm|mbox|rm)\s*\{\s*([^{}]*?)\s*\}")

_UNICODE = str.maketrans(
    {
        "×": "*",
        "·": "*",
        "⋅": "*",
        "÷": "/",
        "−": "-",
        "–": "-",
        "∗": "*",
        "≈": "\\approx ",
        "π": "\\pi ",
        "≡": "\\equiv ",
    }
)

_TIMES = {"*", "\\cdot", "\\times", "\\ast"}
_OVER = {"/", "\\div"}
_FUNCTIONS = {
    "\\sin": "sin", "\\cos": "cos", "\\tan": "tan", "\\cot": "cot", "\\sec": "sec", "\\csc": "csc",
    "\\arcsin": "asin", "\\arccos": "acos", "\\arctan": "atan", "\\sinh": "sinh", "\\cosh": "cosh", "\\tanh": "tanh",
    "\\ln": "ln", "\\exp": "exp",
}  # fmt: skip
_BINDERS = ("\\sum", "\\prod", "\\int", "\\lim", "\\det")
_FRACTIONS = {"\\frac", "\\dfrac", "\\tfrac", "\\cfrac"}
_BINOMIALS = {"\\binom", "\\dbinom", "\\tbinom"}
_GREEK = {
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
_CLOSING = {")": "(", "]": "[", "}": "{", "\\}": "\\{", "\\rfloor": "\\lfloor", "\\rceil": "\\lceil"}
# Letters that usually name functions, sets or points: before a parenthesis they are not factors.
_VARIABLES = set("xyztabckmnruvw")
_MATRICES = {
    "pmatrix": "matrix",
    "bmatrix": "matrix",
    "matrix": "matrix",
    "vmatrix": "det",
    "array": "",
    "smallmatrix": "",
}


def clean(latex: str) -> str:
    """Return LaTeX without marks of mere appearance."""
    latex = _LOOKS.sub(" ", _NARROW_COMMA.sub("{,}", latex.translate(_UNICODE)))
    return _BOXED.sub("", _THIN_SPACE.sub(" ", latex)).replace("\\middle", " ").replace("\\$", " ")


def tokens_of(latex: str) -> list[str]:
    """Split cleaned LaTeX into tokens; raise UnreadableError where there are too many."""
    found = _TOKEN.findall(latex)
    if len(found) > MAX_TOKENS:
        raise UnreadableError("too_long")
    return found


def read_tokens(tokens: list[str], complex_numbers: bool = False) -> Node:
    """Return the tree of one whole expression; raise UnreadableError with the reason where it is none."""
    return _Reader(tokens, complex_numbers).whole()


def read(latex: str, complex_numbers: bool = False) -> Node:
    """Return the tree of one whole LaTeX expression."""
    return read_tokens(tokens_of(clean(latex)), complex_numbers)


class _Reader:
    """A recursive descent over tokens; every method reads one thing and moves on."""

    def __init__(self, tokens: list[str], complex_numbers: bool, depth: int = 0) -> None:
        self.tokens, self.position, self.depth = tokens, 0, depth
        self.complex_numbers = complex_numbers

    def whole(self) -> Node:
        if not self.tokens:
            raise UnreadableError("empty")
        node = self.expression()
        if self.position < len(self.tokens):
            self.fail()
        return node

    def fail(self) -> NoReturn:
        token = self.peek()
        if token in ("\\dots", "\\ldots", "\\cdots", "."):
            raise UnreadableError("ellipsis")
        if token in ("\\pm", "\\mp"):
            raise UnreadableError("plus_minus")
        if token.startswith(("\\text", "\\mathrm", "\\mbox", "\\textrm", "\\rm")):
            raise UnreadableError("text_in_expression")
        raise UnreadableError("unknown_notation")

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
            raise UnreadableError("too_deep")
        terms = [self.signed_term()]
        while self.peek() in ("+", "-"):
            terms.append(self.signed_term())
        node = terms[0] if len(terms) == 1 else Node("add", tuple(terms))
        if self.peek() in ("\\bmod", "\\mod"):
            if node.op == "add":
                raise UnreadableError("ambiguous_modulus")
            self.take()
            node = Node("mod", (node, self.term()))
        self.depth -= 1
        return node

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
                node, sliced = _vector_product(node, right, token) or _product(node, right), False
            elif token in _OVER:
                self.take()
                node, sliced = Node("div", (node, self.signed_factor())), True
            elif token and self.begins_factor(token):
                # 1/2x: half of x to some, one over 2x to others.
                if sliced:
                    raise UnreadableError("ambiguous_slash")
                node = self.adjoin(node, token)
            else:
                return node

    def adjoin(self, node: Node, token: str) -> Node:
        start = self.position
        right = self.factor()
        if (token[0].isdigit() or token[0] == ".") and self.tokens[start - 1] != "!":
            raise UnreadableError("adjacent_numbers")
        mixed = right.op == "div" and token in _FRACTIONS and all(map(is_integer, right.args))
        if node.op == "num" and mixed:
            # 2\frac{1}{2} is two and a half where the fraction is proper; otherwise nobody can tell.
            if not node.value.isdigit() or int(right.args[0].value or 0) >= int(right.args[1].value or 0):
                raise UnreadableError("ambiguous_mixed_number")
            if self.peek() in _FRACTIONS or self.peek() == "^":
                raise UnreadableError("ambiguous_mixed_number")
            return Node("add", (node, right))
        if node.op == "sym" and token in ("(", "["):
            inside = self.tokens[start + 1 : self.position - 1]
            if node.value not in _VARIABLES or len(inside) < 3 or not free_symbols(right):
                raise UnreadableError("function_application")
        return _product(node, right)

    def begins_factor(self, token: str) -> bool:
        if token[0].isdigit() or (token[0] == "." and len(token) > 1) or (token.isalpha() and len(token) == 1):
            return True
        if token in _FRACTIONS or token in _BINOMIALS or token in _FUNCTIONS or token in _GREEK:
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
                    raise UnreadableError("unknown_notation")
                if node.op == "matrix" and self.peek() in ("T", "\\top"):
                    self.take()
                    node = Node("transpose", (node,))
                    continue
                node = Node("pow", (node, self.group()))
            elif token == "!":
                self.take()
                if self.peek() == "!":
                    raise UnreadableError("double_factorial")
                node = Node("fact", (node,))
            elif token == "\\%" or token == "%":
                self.take()
                node = Node("div", (node, number("100")))
            else:
                return node

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
            or token in _GREEK
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
            raise UnreadableError("incomplete")
        if token[0].isdigit() or (token[0] == "." and len(token) > 1):
            return self.literal()
        if len(token) == 1 and token.isalpha():
            return self.name()
        if token in ("(", "[", "{", "\\{"):
            closing = {"(": ")", "[": "]", "{": "}", "\\{": "\\}"}[token]
            return self.bracketed(token, closing)
        if token in _GREEK:
            return self.name()
        if token in _FUNCTIONS:
            return self.function(_FUNCTIONS[token])
        reader = _ATOMS.get(token) or (_ATOMS["\\begin"] if token.startswith("\\begin{") else None)
        if reader is None and (named := _NAMED.fullmatch(token)):
            reader = _ATOMS.get("\\" + named[1])
        if reader is None:
            self.fail()
        return reader(self)

    def literal(self) -> Node:
        token = self.take().replace("{,}", "").replace("\\,", "").replace(",", "")
        if self.peek() == "." and self.peek(1) == "\\overline":
            return self.repeating(token)
        if token.startswith("."):
            token = "0" + token
        if self.peek() == "_":
            self.take()
            base = self.group()
            if not is_integer(base) or not 2 <= int(base.value) <= 36 or any(int(d) >= int(base.value) for d in token):
                raise UnreadableError("unknown_notation")
            return Node("based", (number(token), base))
        if token.isdigit():
            token = token.lstrip("0") or "0"
        return number(token)

    def repeating(self, whole: str) -> Node:
        self.position += 2
        self.take("{")
        digits = self.take()
        self.take("}")
        if not digits.isdigit() or len(digits) > 12:
            raise UnreadableError("unknown_notation")
        fraction = Node("div", (number(digits.lstrip("0") or "0"), number("9" * len(digits))))
        return fraction if int(whole) == 0 else Node("add", (number(whole), fraction))

    def name(self) -> Node:
        token = self.take().lstrip("\\")
        if token == "e" and self.peek() == "^":
            return Node("e")
        if token == "i" and self.complex_numbers and self.peek() != "_":
            return Node("imaginary")
        if token == "d" and self.peek().isalpha():
            raise UnreadableError("stray_differential")
        if self.peek() == "'":
            raise UnreadableError("function_application")
        if self.peek() == "_":
            self.take()
            self.take("{") if (braced := self.peek() == "{") else None
            subscript = self.take()
            if not subscript.isalnum():
                raise UnreadableError("unknown_notation")
            if braced:
                self.take("}")
            token = f"{token}_{subscript}"
        if self.peek() == "(" and self.peek(2) in (")", ","):
            raise UnreadableError("function_application")
        return Node("sym", (), token)

    def function(self, name: str) -> Node:
        self.take()
        power = None
        if self.peek() == "^":
            self.take()
            power = self.group()
            if power.op == "neg":
                raise UnreadableError("ambiguous_inverse")
        node = Node(name, (self.argument(),))
        return Node("pow", (node, power)) if power else node

    def argument(self) -> Node:
        """Read the operand of a function written without parentheses: factors up to a sign or another function."""
        if self.peek() in ("(", "[", "{"):
            node = self.atom()
            if self.peek() == "^":
                raise UnreadableError("ambiguous_argument")
            if self.peek() == "!":
                raise UnreadableError("ambiguous_argument")
            return node
        node = self.factor()
        while (token := self.peek()) and (token.isalpha() or token in _GREEK or token == "\\pi" or token in _FRACTIONS):
            if token == "d" and self.peek(1).isalpha():
                break
            node = _product(node, self.factor())
        if self.peek() in _OVER:
            raise UnreadableError("ambiguous_argument")
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
            raise UnreadableError("ambiguous_logarithm")
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
            raise UnreadableError("ambiguous_scope")
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
            raise UnreadableError("unknown_notation")
        variable, complex_numbers = low[0], self.complex_numbers
        self.complex_numbers = complex_numbers and variable != "i"
        node = Node(op, (self.body(variable), Node("sym", (), variable), self.inner(low[2:]), high))
        if any(name.endswith(f"_{variable}") for name in free_symbols(node.args[0])):
            raise UnreadableError("unknown_sequence")
        self.complex_numbers = complex_numbers
        return node

    def limit(self) -> Node:
        self.take()
        low, _ = self.bounds()
        if len(low) < 3 or low[1] not in ("\\to", "\\rightarrow"):
            raise UnreadableError("unknown_notation")
        target, side = low[2:], ""
        for ending in (["^", "+"], ["^", "-"], ["^", "{", "+", "}"], ["^", "{", "-", "}"]):
            if target[-len(ending) :] == ending:
                target, side = target[: -len(ending)], "+" if "+" in ending else "-"
        return Node("limit", (self.body(low[0]), Node("sym", (), low[0]), self.inner(target)), side)

    def integral(self) -> Node:
        self.take()
        low, high = self.bounds()
        if bool(low) != (high is not None):
            raise UnreadableError("unknown_notation")
        start, depth = self.position, 0
        while token := self.take():
            depth += (token in "([{") - (token in ")]}")
            differential = token in ("d", "\\mathrm{d}", "\\text{d}", "\\mathrm{ d}") and depth == 0
            if differential and len(self.peek()) == 1 and self.peek().isalpha():
                break
            if token == "\\int":
                raise UnreadableError("several_integrals")
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
            raise UnreadableError("unknown_notation")
        self.position += match[0].count(" ")
        return Node("diff", (self.body(variable), Node("sym", (), variable), number(order)))

    def matrix(self) -> Node:
        kind = self.take()[7:-1]
        op = _MATRICES.get(kind, "")
        if not op:
            raise UnreadableError("unknown_notation")
        rows: list[list[list[str]]] = [[[]]]
        while (token := self.take()) != f"\\end{{{kind}}}":
            if token.startswith("\\begin"):
                raise UnreadableError("unknown_notation")
            if token == "\\\\":
                rows.append([[]])
            elif token == "&":
                rows[-1].append([])
            else:
                rows[-1][-1].append(token)
        if rows[-1] == [[]]:
            rows.pop()
        if not rows or len({len(row) for row in rows}) != 1 or len(rows) * len(rows[0]) > 36:
            raise UnreadableError("unknown_notation")
        node = Node("matrix", tuple(Node("row", tuple(map(self.inner, row))) for row in rows))
        return Node("det", (node,)) if op == "det" else node

    def determinant(self) -> Node:
        self.take()
        return Node("det", (self.atom(),))

    def constant(self, op: str) -> Node:
        self.take()
        return Node(op)


_DERIVATIVE = re.compile(
    r"\\[dt]?frac \{ (?:d|\\partial|\\mathrm\{d\}) (?:\^ (?:\{ )?(?P<order>\d) (?:\} )?)?\} "
    r"\{ (?:d|\\partial|\\mathrm\{d\}) (?P<variable>[a-z]) (?:\^ (?:\{ )?(?P<again>\d) (?:\} )?)?\} "
)

_ATOMS: dict[str, Callable[[_Reader], Node]] = {
    **dict.fromkeys(_FRACTIONS, _Reader.fraction),
    **dict.fromkeys(_BINOMIALS, _Reader.binomial),
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


def _vector_product(left: Node, right: Node, token: str) -> Node | None:
    """Return the product of two column vectors, for which a dot and a cross are different operations."""
    if not (_is_column(left) and _is_column(right)):
        return None
    return Node("cross" if token == "\\times" else "dot", (left, right))


def _is_column(node: Node) -> bool:
    if node.op == "neg" or (node.op == "mul" and len(node.args) == 2):
        return _is_column(node.args[-1])
    return node.op == "cross" or (node.op == "matrix" and len(node.args) > 1 and len(node.args[0].args) == 1)


def _product(left: Node, right: Node) -> Node:
    return Node("mul", (*left.args, right)) if left.op == "mul" else Node("mul", (left, right))
