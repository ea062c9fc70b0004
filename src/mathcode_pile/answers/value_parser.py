"""Parse tokens as a value: relations, several values, tuples, sets, intervals, matrices, quantities, words."""

from fractions import Fraction
from functools import partial

from mathcode_pile.answers.builders import (
    EMPTY,
    REALS,
    as_matrix,
    bare,
    construct,
    inequality,
    is_infinite,
    join,
    matrix,
    without,
)
from mathcode_pile.answers.expression_parser import MAX_DEPTH, parse_expression
from mathcode_pile.answers.lexer import Token
from mathcode_pile.answers.scalars import DIFFERENT, compare_numbers
from mathcode_pile.answers.token_lists import (
    INEQUALITIES,
    RELATIONS,
    closing_place,
    is_derivative,
    is_name,
    set_builder,
    split,
    split_at,
    split_logical,
    split_unit,
    strip,
    top_level,
)
from mathcode_pile.answers.values import (
    Apply,
    Interval,
    Labelled,
    Node,
    Number,
    PlusMinus,
    Quantity,
    Relation,
    Sequence,
    Symbol,
    Text,
    Truth,
    UnionOf,
    UnreadableError,
    free_symbols,
    is_scalar,
)
from mathcode_pile.answers.vocabulary import CONSTRUCTORS, MAGNITUDES
from mathcode_pile.core.number_words import UP_TO_TWELVE

_WORDS: dict[str, Node] = {
    "true": Truth(True), "yes": Truth(True), "false": Truth(False), "no": Truth(False),
    "no solution": EMPTY, "no solutions": EMPTY, "no real solution": EMPTY, "no real solutions": EMPTY,
    "empty set": EMPTY, "emptyset": EMPTY, "varnothing": EMPTY, "the empty set": EMPTY,
    "all real numbers": REALS, "all reals": REALS, "reals": REALS, "s reals": REALS, "mathbbR": REALS,
    "complex infinity": Text("undefined"), "does not exist": Text("undefined"), "dne": Text("undefined"),
    "undefined": Text("undefined"), "not defined": Text("undefined"), "divergent": Text("diverges"),
    "the series diverges": Text("diverges"), "the series converges": Text("converges"), "convergent": Text("converges"),
}  # fmt: skip


class ValueParser:
    """Parses tokens. printed: whether a program printed them: then Python's notation goes first."""

    def __init__(self, printed: bool) -> None:
        self.printed = printed
        self.depth = 0

    def read(self, tokens: list[Token]) -> Node:
        """Return the value of tokens. Raises UnreadableError."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnreadableError("too_deep")
        tokens = strip(tokens)
        if not tokens:
            raise UnreadableError("nothing")
        node = self._several(tokens)
        self.depth -= 1
        return node

    def _several(self, tokens: list[Token]) -> Node:
        arrow = split(tokens, lambda t: t.text == "→")
        if len(arrow) > 1:
            if self.printed and arrow[0] and all(t.kind == "number" for t in arrow[0]):
                raise UnreadableError("several_values")
            return self.read(arrow[-1])
        for word, sign in (("or", "|"), ("and", "&")):
            parts = split(tokens, partial(_is_conjunction, word))
            if len(parts) == 1 and self.printed:
                parts = split_logical(tokens, sign)
            if len(parts) > 1:
                return self._join(parts, word)
        parts = split(tokens, _is_comma)
        if len(parts) > 1:
            return self._join(parts, "comma")
        return self._relation(tokens)

    def _join(self, parts: list[list[Token]], word: str) -> Node:
        values: list[Node] = []
        for part in parts:
            if strip(part):
                value = self.read(part)
                if word == "and" and isinstance(value, Sequence) and value.kind == "several":
                    values += value.items  # 1, 2, and 3
                else:
                    values.append(value)
        if not values:
            raise UnreadableError("nothing")
        return values[0] if len(values) == 1 else join(values, word)

    def _relation(self, tokens: list[Token]) -> Node:
        places = [i for i, t in top_level(tokens) if t.kind == "op" and t.text in RELATIONS]
        if not places:
            return self._union(tokens)
        operators = [tokens[i].text for i in places]
        parts = split_at(tokens, places)
        if any(operator in INEQUALITIES for operator in operators):
            if not all(operator in INEQUALITIES for operator in operators):
                # x = 3 > 2 states more than a value.
                raise UnreadableError("several_relations")
            return inequality(operators, [self._union(strip(part)) for part in parts])
        if operators == ["!="]:
            return Relation("!=", self._union(parts[0]), self._union(parts[1]))
        if operators == [":"] and all(len(p) == 1 and p[0].kind == "number" for p in parts):
            pair = parse_expression(parts[0], self.printed), parse_expression(parts[1], self.printed)
            return Apply("clock" if _is_clock(parts[0][0].text, parts[1][0].text) else "div", pair)
        if operators.count(":") > 1:
            raise UnreadableError("ratio")
        return self._equation(operators, parts)

    def _equation(self, operators: list[str], parts: list[list[Token]]) -> Node:
        last = self._union(strip(parts[-1]))
        if "≈" in operators:
            last = Quantity(last.value, last.unit, True) if isinstance(last, Quantity) else Quantity(last, "", True)
        first = strip(parts[0])
        if not first:
            return last
        label = "".join(t.text for t in first if t.text != "_")
        if operators[0] == ":" or is_name(first) or is_derivative(first):
            return Labelled(label, last)
        try:
            left = self._union(first)
        except UnreadableError:
            # An integral names its value; a differential equation does not.
            is_equation = any(t.text in ("+", "-") for _, t in top_level(first[1:]))
            return Labelled(label, last, is_equation)
        if isinstance(left, Symbol):
            return Labelled(label, last)
        if isinstance(last, Symbol) and not free_symbols(left) and len(parts) == 2:
            return Labelled(last.name, left)  # 5 = x
        if not free_symbols(left) or not isinstance(left, Apply):
            if self.printed and _are_different(left, bare(last)):
                raise UnreadableError("several_values")
            return Labelled("", last)
        return Labelled("", last, len(parts) == 2, left)

    def _union(self, tokens: list[Token]) -> Node:
        parts = split(tokens, lambda t: t.text == "∪")
        if len(parts) > 1:
            return UnionOf(tuple(self.read(part) for part in parts))
        parts = split(tokens, lambda t: t.text == "∖")
        if len(parts) == 2:
            return without(self.read(parts[0]), self.read(parts[1]))
        if any(t.text == "±" for t in tokens):
            return self._plus_minus(tokens)
        return self._quantity(strip(tokens))

    def _plus_minus(self, tokens: list[Token]) -> Node:
        parts = split(tokens, lambda t: t.text == "±")
        is_plain = all(t.kind in ("number", "word") or t.text == "-" for part in parts for t in part)
        if len(parts) == 2 and parts[0] and is_plain:
            return PlusMinus(bare(self.read(parts[0])), bare(self.read(parts[1])))
        signed = ([Token("op", sign, t.spaced) if t.text == "±" else t for t in tokens] for sign in ("+", "-"))
        return Sequence("set", tuple(map(self._quantity, signed)))

    def _quantity(self, tokens: list[Token]) -> Node:
        if not tokens:
            raise UnreadableError("nothing")
        is_approximate = tokens[0].text in ("~", "≈")
        tokens = tokens[1:] if is_approximate else tokens
        amounts = sum(t.text == "$" for t in tokens)
        if amounts > 1:
            raise UnreadableError("several_amounts")
        tokens = [t for t in tokens if t.text != "$"] if amounts else tokens
        body, unit = split_unit(tokens)
        if not body:
            return self._value(tokens)
        node = self._value(body)
        if unit and len(tokens) == len(body) + 1 and free_symbols(node):
            # R C is a formula, not a number of coulombs.
            return self._value(tokens)
        if isinstance(node, Text) and unit:
            raise UnreadableError("words")
        node, unit = _magnified(node, unit)
        unit = unit or ("dollar" if amounts else "")
        return Quantity(node, unit, is_approximate) if unit or is_approximate else node

    def _value(self, tokens: list[Token]) -> Node:
        start = next((i for i, t in enumerate(tokens) if t.kind == "command" and t.text == "begin"), None)
        if start is not None and tokens[-1].text == "}":
            return self._scaled(tokens[:start], self._environment(tokens[start:]))
        name = " ".join(t.text for t in tokens if t.text not in (".", "'", "(", ")", '"'))
        known: Node | None = _WORDS.get(name) or _WORDS.get(name.lower())
        if known is not None:
            return known
        if name.lower() in UP_TO_TWELVE:
            return Number(Fraction(UP_TO_TWELVE[name.lower()]))
        constructed = self._constructor(tokens)
        if constructed is not None:
            return constructed
        if tokens and tokens[0].kind == "open" and closing_place(tokens, 0) == len(tokens) - 1:
            inner = self._bracket(tokens)
            if inner is not None:
                return inner
        try:
            return parse_expression(tokens, self.printed)
        except UnreadableError:
            if len(tokens) <= 6 and _is_words(tokens):
                return Text(" ".join(t.text for t in tokens if t.text not in ("'", ".", "(", ")")).lower())
            raise

    def _constructor(self, tokens: list[Token]) -> Node | None:
        """Read Matrix([...]), Interval.open(0, 1), FiniteSet(1, 2), Eq(x, 2) and the like; None for anything else."""
        start = next((i for i, t in enumerate(tokens) if t.text == "("), None)
        if not start or closing_place(tokens, start) != len(tokens) - 1:
            return None
        name = [t for t in tokens[:start] if t.text != "."]
        if any(t.kind not in ("name", "word") for t in name) or name[-1].text.lower() not in CONSTRUCTORS:
            return None
        inner = tokens[start + 1 : -1]
        arguments = [self.read(part) for part in split(inner, lambda t: t.text == ",") if part]
        return construct([t.text.lower() for t in name], arguments)

    def _bracket(self, tokens: list[Token]) -> Node | None:
        """Read (...), [...] or {...}; None where the brackets only group."""
        opening, closing = tokens[0].text, tokens[-1].text
        inner = tokens[1:-1]
        if not inner:
            return EMPTY if opening in ("{", "\\{", "[") else Sequence("tuple", ())
        if opening in ("{", "\\{"):
            builder = set_builder(inner)
            if builder:
                return self.read(builder)
        parts = [part for part in split(inner, _is_comma) if part]
        if len(parts) == 1 and inner[-1].text != "," and opening in ("(", "{"):
            has_structure = any(t.kind == "open" or t.text in RELATIONS for t in inner)
            return self.read(inner) if opening == "(" or has_structure else None
        items = tuple(item for part in parts for item in self._items(part))
        is_half_open = (opening, closing) in (("(", "]"), ("[", ")"))
        if len(items) == 2 and opening in "([" and (is_half_open or any(map(is_infinite, items))):
            return Interval(items[0], items[1], opening == "(", closing == ")")
        if is_half_open:
            raise UnreadableError("brackets")
        if opening in ("{", "\\{") and all(isinstance(item, Labelled) for item in items):
            return Sequence("several", items)
        kind = {"(": "tuple", "[": "list"}.get(opening, "set")
        return as_matrix(Sequence(kind, items))

    def _items(self, part: list[Token]) -> tuple[Node, ...]:
        """Read one item of a bracket; 1 ± 2 in a set gives two."""
        node = self.read(part)
        if isinstance(node, Sequence) and node.kind == "set" and any(t.text == "±" for t in part):
            return node.items
        return (node,)

    def _scaled(self, factor: list[Token], matrix: Node) -> Node:
        """Return a matrix times the factor before it, if any."""
        if factor and factor[-1].text == "*":
            factor = factor[:-1]
        if not factor or not isinstance(matrix, Sequence):
            return matrix
        is_sign = [t.text for t in factor] == ["-"]
        node = Apply("neg", (Number(Fraction(1)),)) if is_sign else parse_expression(factor, self.printed)
        rows = [row.items for row in matrix.items if isinstance(row, Sequence)]
        scaled = [Sequence("list", tuple(Apply("mul", (node, bare(item))) for item in row)) for row in rows]
        return Sequence("matrix", tuple(scaled))

    def _environment(self, tokens: list[Token]) -> Node:
        name = tokens[2].text if len(tokens) > 2 else ""
        end = next((i for i, t in enumerate(tokens) if t.text == "end"), 0)
        if (not name.endswith("matrix") and name != "array") or end + 4 != len(tokens) or name[0] in "vV":
            raise UnreadableError("environment")
        body = tokens[4:end]
        if name == "array" and body and body[0].text == "{":
            body = body[closing_place(body, 0) + 1 :]
        rows = [row for row in split(body, lambda t: t.text == "\\\\") if row]
        cells = [tuple(self.read(c) for c in split(row, lambda t: t.text == "&")) for row in rows]
        return matrix([Sequence("list", row) for row in cells])


def _is_clock(hours: str, minutes: str) -> bool:
    """Whether numbers around a colon may be a time of day, as 2:30 and 12:05."""
    return len(hours) <= 2 and minutes.isdigit() and len(minutes) == 2 and int(hours) <= 24 and int(minutes) < 60


def _are_different(left: Node, right: Node) -> bool:
    """Whether two sides of a printed equation are different numbers, as in 7 = 5."""
    if free_symbols(left) or free_symbols(right) or not all(map(is_scalar, (left, right))):
        return False
    return compare_numbers(left, right) == compare_numbers(right, left) == DIFFERENT


def _is_conjunction(word: str, token: Token) -> bool:
    return token.kind == "name" and token.text.lower() == word


def _magnified(node: Node, unit: str) -> tuple[Node, str]:
    """Return a number of millions and its unit as a plain number and the rest of the unit."""
    first, _, rest = unit.partition(" ")
    if first.rstrip("s") == "dozen":
        return Apply("mul", (node, Number(Fraction(12)))), rest.removeprefix("of ")
    power = MAGNITUDES.get(first.rstrip("s"))
    if power is None or free_symbols(node) or not is_scalar(node):
        return node, unit
    return Apply("mul", (node, Number(Fraction(10**power)))), rest.removeprefix("of ")


def _is_comma(token: Token) -> bool:
    return token.kind == "op" and token.text in (",", ";")


def _is_words(tokens: list[Token]) -> bool:
    """Whether tokens are words, one of them longer than a letter, with hyphens, points and round brackets at most."""
    plain = all(t.kind in ("word", "name") or t.text in ("-", "'", ".", "(", ")") for t in tokens)
    return plain and any(t.kind == "word" for t in tokens)
