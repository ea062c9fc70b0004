"""Read tokens as a value: relations, several values, tuples, sets, intervals, matrices, quantities, words."""

from fractions import Fraction

from mathcode_pile.answers.builders import (
    EMPTY,
    REALS,
    as_matrix,
    bare,
    construct,
    half_line,
    intersection,
    is_infinite,
    matrix,
    without,
)
from mathcode_pile.answers.expression_parser import MAX_DEPTH, parse_expression
from mathcode_pile.answers.lexer import Token
from mathcode_pile.answers.token_lists import (
    INEQUALITIES,
    RELATIONS,
    closing_place,
    is_derivative,
    is_name,
    set_builder,
    split,
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
)
from mathcode_pile.answers.vocabulary import CONSTRUCTORS

ZERO = Number(Fraction(0))
_WORDS: dict[str, Node] = {
    "true": Truth(True), "yes": Truth(True), "false": Truth(False), "no": Truth(False),
    "no solution": EMPTY, "no solutions": EMPTY, "no real solution": EMPTY, "no real solutions": EMPTY,
    "empty set": EMPTY, "emptyset": EMPTY, "varnothing": EMPTY, "the empty set": EMPTY,
    "all real numbers": REALS, "all reals": REALS, "reals": REALS, "s reals": REALS, "mathbbR": REALS,
    "complex infinity": Text("undefined"), "does not exist": Text("undefined"), "dne": Text("undefined"),
    "undefined": Text("undefined"), "not defined": Text("undefined"), "divergent": Text("diverges"),
    "the series diverges": Text("diverges"), "the series converges": Text("converges"), "convergent": Text("converges"),
}  # fmt: skip
_NUMERALS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]


class Structure:
    """Reads tokens. printed: whether they come from a program's output, where Python's notation goes first."""

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
            return self.read(arrow[-1])
        for separator, joined in (("or", "or"), ("and", "and")):
            parts = split(tokens, lambda t, s=separator: t.kind == "name" and t.text.lower() == s)  # type: ignore[misc]
            if len(parts) == 1 and self.printed:
                parts = split_logical(tokens, "|" if separator == "or" else "&")
            if len(parts) > 1:
                return self._join(parts, joined)
        parts = split(tokens, lambda t: t.kind == "op" and t.text in (",", ";"))
        if len(parts) > 1:
            return self._join(parts, "comma")
        return self._relation(tokens)

    def _join(self, parts: list[list[Token]], joined: str) -> Node:
        found: list[Node] = []
        for part in parts:
            if strip(part):
                node = self.read(part)
                # 1, 2, and 3
                if joined == "and" and isinstance(node, Sequence) and node.kind == "several":
                    found.extend(node.items)
                else:
                    found.append(node)
        if not found:
            raise UnreadableError("nothing")
        if len(found) == 1:
            return found[0]
        if all(isinstance(n, Interval | UnionOf) for n in found):
            if joined == "or":
                return UnionOf(tuple(p for n in found for p in (n.parts if isinstance(n, UnionOf) else (n,))))
            if all(isinstance(n, Interval) for n in found):
                return intersection([n for n in found if isinstance(n, Interval)])
        labels = [n.label for n in found if isinstance(n, Labelled)]
        same = len(labels) == len(found) and len(set(labels)) == 1
        # x = 2, 3: the label is meant for all.
        continued = bool(labels) and isinstance(found[0], Labelled) and len(labels) == 1
        if (same or continued) and not any(isinstance(n, Labelled) and n.equation for n in found):
            found = [n.value if isinstance(n, Labelled) else n for n in found]
            return Sequence("several", tuple(found), any_order=True)
        return Sequence("several", tuple(found), any_order=joined == "or")

    def _relation(self, tokens: list[Token]) -> Node:
        places = [i for i, t in top_level(tokens) if t.kind == "op" and t.text in RELATIONS]
        if not places:
            return self._union(tokens)
        operators = [tokens[i].text for i in places]
        parts = [tokens[a + 1 : b] for a, b in zip([-1, *places], [*places, len(tokens)], strict=True)]
        if any(operator in INEQUALITIES for operator in operators):
            return self._inequality(operators, parts)
        if operators == ["!="]:
            return Relation("!=", self._union(parts[0]), self._union(parts[1]))
        if operators == [":"] and all(len(p) == 1 and p[0].kind == "number" for p in parts):
            return Apply("div", (parse_expression(parts[0], self.printed), parse_expression(parts[1], self.printed)))
        if operators.count(":") > 1:
            raise UnreadableError("ratio")
        return self._equation(operators, parts)

    def _inequality(self, operators: list[str], parts: list[list[Token]]) -> Node:
        if not all(operator in INEQUALITIES for operator in operators):
            # x = 3 > 2 says too many things.
            raise UnreadableError("several_relations")
        nodes = [self._union(strip(part)) for part in parts]
        if len(nodes) == 2:
            left, right = nodes
            if isinstance(left, Symbol) and not free_symbols(right):
                return half_line(operators[0], right)
            if isinstance(right, Symbol) and not free_symbols(left):
                return half_line(operators[0].translate(str.maketrans("<>", "><")), left)
            return Relation(operators[0], left, right)
        low, middle, high = nodes if len(nodes) == 3 else (ZERO, ZERO, ZERO)
        if isinstance(middle, Symbol) and operators[0][0] == operators[1][0]:
            opens = [len(operator) == 1 for operator in operators]
            if operators[0][0] == ">":
                low, high, opens = high, low, opens[::-1]
            return Interval(bare(low), bare(high), *opens)
        raise UnreadableError("several_relations")

    def _equation(self, operators: list[str], parts: list[list[Token]]) -> Node:
        last = self._union(strip(parts[-1]))
        if "≈" in operators and not isinstance(last, Quantity):
            last = Quantity(last, "", True)
        elif "≈" in operators and isinstance(last, Quantity):
            last = Quantity(last.value, last.unit, True)
        first = strip(parts[0])
        label = "".join(t.text for t in first if t.text != "_")
        if not first:
            return last
        if operators[0] == ":" or is_name(first) or is_derivative(first):
            return Labelled(label, last)
        try:
            left = self._union(first)
        except UnreadableError:
            # An integral names its value; a differential equation does not.
            is_equation = any(t.text in ("+", "-") for _, t in top_level(first[1:]))
            return Labelled(label, last, is_equation)
        if isinstance(left, Symbol) or not free_symbols(left) or not isinstance(left, Apply):
            return Labelled(label if isinstance(left, Symbol) else "", last)
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
        if (
            len(parts) == 2
            and parts[0]
            and all(t.kind in ("number", "word") or t.text == "-" for t in parts[0] + parts[1])
        ):
            return PlusMinus(bare(self.read(parts[0])), bare(self.read(parts[1])))
        pair = [
            self._quantity([Token("op", sign, t.spaced) if t.text == "±" else t for t in tokens]) for sign in ("+", "-")
        ]
        return Sequence("set", tuple(pair))

    def _quantity(self, tokens: list[Token]) -> Node:
        if not tokens:
            raise UnreadableError("nothing")
        approximate_ = tokens[0].text in ("~", "≈")
        tokens = tokens[1:] if approximate_ else tokens
        money = [t for t in tokens if t.text == "$"]
        if money:
            if len(money) > 1:
                raise UnreadableError("several_amounts")
            tokens = [t for t in tokens if t.text != "$"]
        body, unit = split_unit(tokens)
        if not body:
            return self._value(tokens)
        node = self._value(body)
        if unit and len(tokens) == len(body) + 1 and free_symbols(node):
            # R C: a formula, not so many coulombs.
            return self._value(tokens)
        if isinstance(node, Text) and unit:
            raise UnreadableError("words")
        unit = unit or ("dollar" if money else "")
        return Quantity(node, unit, approximate_) if unit or approximate_ else node

    def _value(self, tokens: list[Token]) -> Node:
        if tokens and tokens[0].kind == "command" and tokens[0].text == "begin":
            return self._environment(tokens)
        name = " ".join(t.text for t in tokens if t.text not in (".", "'", "(", ")", '"'))
        known: Node | None = _WORDS.get(name) or _WORDS.get(name.lower())
        if known is not None:
            return known
        if name.lower() in _NUMERALS:
            return Number(Fraction(_NUMERALS.index(name.lower())))
        constructed = self._constructor(tokens)
        if constructed is not None:
            return constructed
        if tokens and tokens[0].kind == "open" and closing_place(tokens, 0) == len(tokens) - 1:
            inner = self._bracket(tokens)
            if inner is not None:
                return inner
        try:
            return parse_expression(tokens, self.printed)
        except UnreadableError as reason:
            if (
                all(t.kind in ("word", "name") or t.text in ("-", "'", ".", "(", ")") for t in tokens)
                and len(tokens) <= 6
            ) and any(t.kind == "word" for t in tokens):
                return Text(" ".join(t.text for t in tokens if t.text not in ("'", ".", "(", ")")).lower())
            raise reason

    def _constructor(self, tokens: list[Token]) -> Node | None:
        """Matrix([...]), Interval.open(0, 1), FiniteSet(1, 2), Eq(x, 2) and the like."""
        start = next((i for i, t in enumerate(tokens) if t.text == "("), None)
        if not start or closing_place(tokens, start) != len(tokens) - 1:
            return None
        names = [t.text.lower() for t in tokens[:start] if t.text != "."]
        if (
            any(t.kind not in ("name", "word") and t.text != "." for t in tokens[:start])
            or names[-1] not in CONSTRUCTORS
        ):
            return None
        inner = tokens[start + 1 : -1]
        arguments = [self.read(part) for part in split(inner, lambda t: t.text == ",") if part]
        return construct(names, arguments)

    def _bracket(self, tokens: list[Token]) -> Node | None:
        """The value of (...), [...] or {...}; None where the brackets only group."""
        opening, closing = tokens[0].text, tokens[-1].text
        inner = tokens[1:-1]
        if not inner:
            return EMPTY if opening in ("{", "\\{", "[") else Sequence("tuple", ())
        if opening in ("{", "\\{"):
            builder = set_builder(inner)
            if builder:
                return self.read(builder)
        parts = [part for part in split(inner, lambda t: t.kind == "op" and t.text in (",", ";")) if part]
        trailing = inner[-1].text == ","
        if len(parts) == 1 and not trailing and opening in ("(", "{"):
            return (
                self.read(inner)
                if opening == "(" or any(t.kind == "open" or t.text in RELATIONS for t in inner)
                else None
            )
        items = tuple(item for part in parts for item in self._items(part))
        mixed = (opening, closing) in (("(", "]"), ("[", ")"))
        if len(items) == 2 and opening in "([" and (mixed or any(is_infinite(i) for i in items)):
            return Interval(items[0], items[1], opening == "(", closing == ")")
        if mixed:
            raise UnreadableError("brackets")
        if opening in ("{", "\\{") and all(isinstance(item, Labelled) for item in items):
            return Sequence("several", items)
        kind = {"(": "tuple", "[": "list"}.get(opening, "set")
        return as_matrix(Sequence(kind, items))

    def _items(self, part: list[Token]) -> tuple[Node, ...]:
        """One item of a bracket; 1 ± 2 in a set is two."""
        node = self.read(part)
        if isinstance(node, Sequence) and node.kind == "set" and any(t.text == "±" for t in part):
            return node.items
        return (node,)

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
