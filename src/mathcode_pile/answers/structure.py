"""Read tokens as a value: relations, several values, tuples, sets, intervals, matrices, quantities, words."""

from collections.abc import Callable, Iterator
from fractions import Fraction

from mathcode_pile.answers.evaluate import approximate, evaluate
from mathcode_pile.answers.expressions import CLOSING, MAX_DEPTH, parse_expression
from mathcode_pile.answers.lexer import CONSTRUCTORS, FUNCTIONS, Token
from mathcode_pile.answers.units import UNITS
from mathcode_pile.answers.values import (
    Apply,
    Constant,
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
    Unreadable,
    free_symbols,
)

ZERO = Number(Fraction(0))
INFINITY = Constant("oo")
MINUS_INFINITY = Apply("neg", (INFINITY,))
REALS = Interval(MINUS_INFINITY, INFINITY, True, True)
EMPTY = Sequence("set", ())

_INEQUALITIES = ("<", "<=", ">", ">=")
_RELATIONS = ("=", "≈", "!=", "∈", ":", *_INEQUALITIES)
_PUNCTUATION = (".", ",", ";", ":", "→", "?")
_WORDS = {
    "true": Truth(True), "yes": Truth(True), "false": Truth(False), "no": Truth(False),
    "no solution": EMPTY, "no solutions": EMPTY, "no real solution": EMPTY, "no real solutions": EMPTY,
    "empty set": EMPTY, "emptyset": EMPTY, "varnothing": EMPTY, "the empty set": EMPTY,
    "all real numbers": REALS, "all reals": REALS, "reals": REALS, "s reals": REALS, "mathbbR": REALS,
    "complex infinity": Text("undefined"), "does not exist": Text("undefined"), "dne": Text("undefined"),
    "undefined": Text("undefined"), "not defined": Text("undefined"), "divergent": Text("diverges"),
    "the series diverges": Text("diverges"), "the series converges": Text("converges"), "convergent": Text("converges"),
}  # fmt: skip
_VERBS = frozenset("is are was were has have had does do can will equals divides".split())
_NUMERALS = "zero one two three four five six seven eight nine ten eleven twelve".split()


class Structure:
    """Reads tokens. printed: whether they come from a program's output, where Python's notation goes first."""

    def __init__(self, printed: bool) -> None:
        self.printed = printed
        self.depth = 0

    def read(self, tokens: list[Token]) -> Node:
        """Return the value of tokens. Raises Unreadable."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unreadable("too_deep")
        tokens = _strip(tokens)
        if not tokens:
            raise Unreadable("nothing")
        node = self._several(tokens)
        self.depth -= 1
        return node

    def _several(self, tokens: list[Token]) -> Node:
        arrow = _split(tokens, lambda t: t.text == "→")
        if len(arrow) > 1:
            return self.read(arrow[-1])
        for separator, joined in (("or", "or"), ("and", "and")):
            parts = _split(tokens, lambda t, s=separator: t.kind == "name" and t.text.lower() == s)  # type: ignore[misc]
            if len(parts) == 1 and self.printed:
                parts = _split_logical(tokens, "|" if separator == "or" else "&")
            if len(parts) > 1:
                return self._join(parts, joined)
        parts = _split(tokens, lambda t: t.kind == "op" and t.text in (",", ";"))
        if len(parts) > 1:
            return self._join(parts, "comma")
        return self._relation(tokens)

    def _join(self, parts: list[list[Token]], joined: str) -> Node:
        found: list[Node] = []
        for part in parts:
            if _strip(part):
                node = self.read(part)
                # 1, 2, and 3
                if joined == "and" and isinstance(node, Sequence) and node.kind == "several":
                    found.extend(node.items)
                else:
                    found.append(node)
        if not found:
            raise Unreadable("nothing")
        if len(found) == 1:
            return found[0]
        if all(isinstance(n, Interval | UnionOf) for n in found):
            if joined == "or":
                return UnionOf(tuple(p for n in found for p in (n.parts if isinstance(n, UnionOf) else (n,))))
            if all(isinstance(n, Interval) for n in found):
                return _intersection([n for n in found if isinstance(n, Interval)])
        labels = [n.label for n in found if isinstance(n, Labelled)]
        same = len(labels) == len(found) and len(set(labels)) == 1
        # x = 2, 3: the label is meant for all.
        continued = bool(labels) and isinstance(found[0], Labelled) and len(labels) == 1
        if (same or continued) and not any(isinstance(n, Labelled) and n.equation for n in found):
            found = [n.value if isinstance(n, Labelled) else n for n in found]
            return Sequence("several", tuple(found), any_order=True)
        return Sequence("several", tuple(found), any_order=joined == "or")

    def _relation(self, tokens: list[Token]) -> Node:
        places = [i for i, t in _top_level(tokens) if t.kind == "op" and t.text in _RELATIONS]
        if not places:
            return self._union(tokens)
        operators = [tokens[i].text for i in places]
        parts = [tokens[a + 1 : b] for a, b in zip([-1, *places], [*places, len(tokens)], strict=True)]
        if any(operator in _INEQUALITIES for operator in operators):
            return self._inequality(operators, parts)
        if operators == ["!="]:
            return Relation("!=", self._union(parts[0]), self._union(parts[1]))
        if operators == [":"] and all(len(p) == 1 and p[0].kind == "number" for p in parts):
            return Apply("div", (parse_expression(parts[0], self.printed), parse_expression(parts[1], self.printed)))
        return self._equation(operators, parts)

    def _inequality(self, operators: list[str], parts: list[list[Token]]) -> Node:
        if not all(operator in _INEQUALITIES for operator in operators):
            # x = 3 > 2 says too many things.
            raise Unreadable("several_relations")
        nodes = [self._union(_strip(part)) for part in parts]
        if len(nodes) == 2:
            left, right = nodes
            if isinstance(left, Symbol) and not free_symbols(right):
                return _half_line(operators[0], right)
            if isinstance(right, Symbol) and not free_symbols(left):
                return _half_line(operators[0].translate(str.maketrans("<>", "><")), left)
            return Relation(operators[0], left, right)
        low, middle, high = nodes if len(nodes) == 3 else (ZERO, ZERO, ZERO)
        if isinstance(middle, Symbol) and operators[0][0] == operators[1][0]:
            opens = [len(operator) == 1 for operator in operators]
            if operators[0][0] == ">":
                low, high, opens = high, low, opens[::-1]
            return Interval(_bare(low), _bare(high), *opens)
        raise Unreadable("several_relations")

    def _equation(self, operators: list[str], parts: list[list[Token]]) -> Node:
        last = self._union(_strip(parts[-1]))
        if "≈" in operators and not isinstance(last, Quantity):
            last = Quantity(last, "", True)
        elif "≈" in operators and isinstance(last, Quantity):
            last = Quantity(last.value, last.unit, True)
        first = _strip(parts[0])
        label = "".join(t.text for t in first if t.text != "_")
        if not first:
            return last
        if operators[0] == ":" or _is_name(first) or _is_derivative(first):
            return Labelled(label, last)
        try:
            left = self._union(first)
        except Unreadable:
            return Labelled(label, last)
        if isinstance(left, Symbol) or not free_symbols(left) or not isinstance(left, Apply):
            return Labelled(label if isinstance(left, Symbol) else "", last)
        return Labelled("", last, len(parts) == 2, left)

    def _union(self, tokens: list[Token]) -> Node:
        parts = _split(tokens, lambda t: t.text == "∪")
        if len(parts) > 1:
            return UnionOf(tuple(self.read(part) for part in parts))
        parts = _split(tokens, lambda t: t.text == "∖")
        if len(parts) == 2:
            return _without(self.read(parts[0]), self.read(parts[1]))
        if any(t.text == "±" for t in tokens):
            return self._plus_minus(tokens)
        return self._quantity(_strip(tokens))

    def _plus_minus(self, tokens: list[Token]) -> Node:
        parts = _split(tokens, lambda t: t.text == "±")
        if len(parts) == 2 and parts[0] and all(t.kind in ("number", "word") or t.text == "-" for t in parts[0] + parts[1]):
            return PlusMinus(_bare(self.read(parts[0])), _bare(self.read(parts[1])))
        pair = [
            self._quantity([Token("op", sign, t.spaced) if t.text == "±" else t for t in tokens]) for sign in ("+", "-")
        ]
        return Sequence("set", tuple(pair))

    def _quantity(self, tokens: list[Token]) -> Node:
        if not tokens:
            raise Unreadable("nothing")
        approximate_ = tokens[0].text in ("~", "≈")
        tokens = tokens[1:] if approximate_ else tokens
        money = [t for t in tokens if t.text == "$"]
        if money:
            if len(money) > 1:
                raise Unreadable("several_amounts")
            tokens = [t for t in tokens if t.text != "$"]
        body, unit = _split_unit(tokens)
        if not body:
            return self._value(tokens)
        node = self._value(body)
        if isinstance(node, Text) and unit:
            raise Unreadable("words")
        unit = unit or ("dollar" if money else "")
        return Quantity(node, unit, approximate_) if unit or approximate_ else node

    def _value(self, tokens: list[Token]) -> Node:
        if tokens and tokens[0].kind == "command" and tokens[0].text == "begin":
            return self._environment(tokens)
        name = " ".join(t.text for t in tokens if t.text not in (".", "'", "(", ")", '"'))
        known = _WORDS.get(name) or _WORDS.get(name.lower())
        if known is not None:
            return known
        if name.lower() in _NUMERALS:
            return Number(Fraction(_NUMERALS.index(name.lower())))
        constructed = self._constructor(tokens)
        if constructed is not None:
            return constructed
        if tokens and tokens[0].kind == "open" and _closing(tokens, 0) == len(tokens) - 1:
            inner = self._bracket(tokens)
            if inner is not None:
                return inner
        try:
            return parse_expression(tokens, self.printed)
        except Unreadable as reason:
            if all(t.kind in ("word", "name") or t.text in ("-", "'", ".", "(", ")") for t in tokens) and len(tokens) <= 6:
                if any(t.kind == "word" for t in tokens):
                    return Text(" ".join(t.text for t in tokens if t.text not in ("'", ".", "(", ")")).lower())
            raise reason

    def _constructor(self, tokens: list[Token]) -> Node | None:
        """Matrix([...]), Interval.open(0, 1), FiniteSet(1, 2), Eq(x, 2) and the like."""
        start = next((i for i, t in enumerate(tokens) if t.text == "("), None)
        if not start or _closing(tokens, start) != len(tokens) - 1:
            return None
        names = [t.text.lower() for t in tokens[:start] if t.text != "."]
        if any(t.kind not in ("name", "word") and t.text != "." for t in tokens[:start]) or names[-1] not in CONSTRUCTORS:
            return None
        inner = tokens[start + 1 : -1]
        arguments = [self.read(part) for part in _split(inner, lambda t: t.text == ",") if part]
        return _construct(names, arguments)

    def _bracket(self, tokens: list[Token]) -> Node | None:
        """The value of (...), [...] or {...}; None where the brackets only group."""
        opening, closing = tokens[0].text, tokens[-1].text
        inner = tokens[1:-1]
        if not inner:
            return EMPTY if opening in ("{", "\\{", "[") else Sequence("tuple", ())
        if opening in ("{", "\\{"):
            builder = _set_builder(inner)
            if builder:
                return self.read(builder)
        parts = [part for part in _split(inner, lambda t: t.kind == "op" and t.text in (",", ";")) if part]
        trailing = inner[-1].text == ","
        if len(parts) == 1 and not trailing and opening in ("(", "{"):
            return self.read(inner) if opening == "(" or any(t.kind == "open" or t.text in _RELATIONS for t in inner) else None
        items = tuple(self.read(part) for part in parts)
        mixed = (opening, closing) in (("(", "]"), ("[", ")"))
        if len(items) == 2 and opening in "([" and (mixed or any(_is_infinite(i) for i in items)):
            return Interval(items[0], items[1], opening == "(", closing == ")")
        if mixed:
            raise Unreadable("brackets")
        if opening in ("{", "\\{") and all(isinstance(item, Labelled) for item in items):
            return Sequence("several", items)
        kind = {"(": "tuple", "[": "list"}.get(opening, "set")
        return as_matrix(Sequence(kind, items))

    def _environment(self, tokens: list[Token]) -> Node:
        name = tokens[2].text if len(tokens) > 2 else ""
        end = next((i for i, t in enumerate(tokens) if t.text == "end"), 0)
        if not name.endswith("matrix") and name != "array" or end + 4 != len(tokens) or name[0] in "vV":
            raise Unreadable("environment")
        body = tokens[4:end]
        if name == "array" and body and body[0].text == "{":
            body = body[_closing(body, 0) + 1 :]
        rows = [row for row in _split(body, lambda t: t.text == "\\\\") if row]
        cells = [tuple(self.read(c) for c in _split(row, lambda t: t.text == "&")) for row in rows]
        return _matrix([Sequence("list", row) for row in cells])


def as_matrix(node: Node) -> Node:
    """Return a list of lists of equal length as a matrix, other values as they are."""
    if isinstance(node, Sequence) and node.kind == "list" and node.items:
        rows = [item for item in node.items if isinstance(item, Sequence) and item.kind == "list"]
        if len(rows) == len(node.items) and len({len(r.items) for r in rows}) == 1:
            return Sequence("matrix", tuple(rows))
    return node


def _matrix(rows: list[Sequence]) -> Node:
    if not rows or len({len(row.items) for row in rows}) != 1:
        raise Unreadable("matrix")
    return Sequence("matrix", tuple(rows))


def _construct(names: list[str], arguments: list[Node]) -> Node:
    kind = names[-1]
    if "matrix" in kind or kind == "array":
        inner = arguments[0] if arguments else None
        if not isinstance(inner, Sequence):
            raise Unreadable("matrix")
        if "matrix" in kind and inner.kind == "list":
            return _matrix([Sequence("list", (item,)) for item in inner.items])
        return inner
    if kind in ("interval", "open", "lopen", "ropen"):
        opens = [kind in ("open", "lopen"), kind in ("open", "ropen")]
        for index, argument in enumerate(arguments[2:4]):
            opens[index] = argument == Truth(True)
        if len(arguments) < 2:
            raise Unreadable("interval")
        low, high = arguments[0], arguments[1]
        return Interval(low, high, opens[0] or _is_infinite(low), opens[1] or _is_infinite(high))
    if kind == "union":
        return UnionOf(tuple(arguments))
    if kind in ("or", "and") and all(isinstance(a, Interval) for a in arguments):
        intervals = [a for a in arguments if isinstance(a, Interval)]
        return UnionOf(tuple(intervals)) if kind == "or" else _intersection(intervals)
    if kind == "finiteset":
        return Sequence("set", tuple(arguments))
    if kind in ("set", "frozenset", "list", "tuple"):
        inner = arguments[0] if arguments else EMPTY
        if not isinstance(inner, Sequence):
            raise Unreadable("constructor")
        return Sequence({"frozenset": "set"}.get(kind, kind), inner.items)
    if kind == "eq" and len(arguments) == 2:
        left, right = arguments
        if isinstance(left, Symbol):
            return Labelled(left.name, right)
        return Labelled("", right, True, left)
    if kind in ("float", "int", "float64", "float32", "int64", "int32", "mpf", "decimal", "integer", "str_", "s", "bool_"):
        if len(arguments) == 1:
            return arguments[0]
    if kind in ("mpc", "complex") and len(arguments) == 2:
        return Apply("add", (arguments[0], Apply("mul", (arguments[1], Constant("i")))))
    if kind in ("complex", "complex128") and len(arguments) == 1:
        return arguments[0]
    raise Unreadable("constructor")


def _half_line(operator: str, bound: Node) -> Node:
    is_open = len(operator) == 1
    bound = _bare(bound)
    if operator[0] == "<":
        return Interval(MINUS_INFINITY, bound, True, is_open or _is_infinite(bound))
    return Interval(bound, INFINITY, is_open or _is_infinite(bound), True)


def _intersection(intervals: list[Interval]) -> Node:
    low, low_open, high, high_open = intervals[0].low, intervals[0].low_open, intervals[0].high, intervals[0].high_open
    for other in intervals[1:]:
        if _order(other.low) > _order(low) or (_order(other.low) == _order(low) and other.low_open):
            low, low_open = other.low, other.low_open
        if _order(other.high) < _order(high) or (_order(other.high) == _order(high) and other.high_open):
            high, high_open = other.high, other.high_open
    return Interval(low, high, low_open, high_open)


def _order(node: Node) -> float:
    value = approximate(evaluate(_bare(node)))
    try:
        return float(value)
    except TypeError:
        raise Unreadable("interval") from None


def _without(whole: Node, removed: Node) -> Node:
    if not isinstance(whole, Interval) or not isinstance(removed, Sequence) or removed.kind != "set":
        raise Unreadable("set_difference")
    points = sorted(removed.items, key=_order)
    edges = [whole.low, *points, whole.high]
    opens = [True] * (len(edges) * 2)
    opens[0], opens[-1] = whole.low_open, whole.high_open
    return UnionOf(tuple(Interval(a, b, opens[0] if a is whole.low else True, opens[-1] if b is whole.high else True)
                         for a, b in zip(edges, edges[1:], strict=False)))  # fmt: skip


def _bare(node: Node) -> Node:
    return _bare(node.value) if isinstance(node, Quantity | Labelled) else node


def _is_infinite(node: Node) -> bool:
    return node in (INFINITY, MINUS_INFINITY)


def _is_name(tokens: list[Token]) -> bool:
    """Whether the left side only names the value: f(3), P(A), AB, \\sin\\theta, a_1, the area."""
    if any(t.kind == "word" for t in tokens):
        return True
    if tokens[0].kind not in ("name", "command"):
        return False
    rest = [t for t in tokens[1:] if t.text not in ("_", "{", "}", "'")]
    if rest and rest[0].text == "(" and tokens[0].text.lower() not in FUNCTIONS:
        return _closing(rest, 0) == len(rest) - 1
    if tokens[0].text.lower() in FUNCTIONS:
        return len([t for t in rest if t.text not in ("(", ")")]) <= 1
    # AB, ABC: the names of points
    return all(t.kind == "name" and len(t.text) == 1 and t.text.isupper() for t in tokens)


def _is_derivative(tokens: list[Token]) -> bool:
    return [t.text for t in tokens[:3]] in (["frac", "{", "d"], ["frac", "{", "partial"])


def _set_builder(inner: list[Token]) -> list[Token] | None:
    """The condition of {x | condition}."""
    place = next((i for i, t in _top_level(inner) if t.text in ("|", ":")), None)
    if place is None or not 0 < place <= 4 or inner[0].kind != "name":
        return None
    condition = inner[place + 1 :]
    has_relation = any(t.text in (*_INEQUALITIES, "=") for _, t in _top_level(condition))
    return condition if has_relation else None


def _split_unit(tokens: list[Token]) -> tuple[list[Token], str]:
    """Split `42 cm` and `3 red apples` into the value and its unit."""
    if not any(t.kind in ("number", "command") for t in tokens) or tokens[0].text == "begin":
        return tokens, ""
    for start in range(1, len(tokens)):
        tail = tokens[start:]
        if tokens[start].kind not in ("word", "name") or tokens[start - 1].text in ("*", "^", "**", "+", "-", "_", "("):
            continue
        body = tokens[: start - 1] if tokens[start - 1].text == "/" else tokens[:start]
        joined = "".join(t.text for t in tail if t.text not in ("{", "}", "(", ")", "'"))
        if joined in UNITS and (tail[0].spaced or tail[0].kind == "word"):
            return body, joined
        if tokens[start].kind == "word" and _is_phrase(tail):
            if len(tail) <= 8 and len([t for t in tail if t.kind == "word"]) >= len(tail) / 3:
                return body, " ".join(t.text for t in tail if t.text not in "{}").lower()
    return tokens, ""


def _is_phrase(tokens: list[Token]) -> bool:
    """Whether the tokens can be a unit of several words: square units, cm^2, red apples."""
    brackets = [t.text for t in tokens if t.kind in ("open", "close")]
    if tokens[0].text.lower() in _VERBS or brackets not in ([], ["(", ")"], ["{", "}"]):
        return False
    return all(
        t.kind in ("word", "name")
        or t.text in ("/", "^", "-", "(", ")", "{", "}")
        or (t.text in ("2", "3") and tokens[i - 1].text in ("^", "{"))
        for i, t in enumerate(tokens)
    )


def _strip(tokens: list[Token]) -> list[Token]:
    start, end = 0, len(tokens)
    while start < end and tokens[start].text in (*_PUNCTUATION, "=") and tokens[start].kind == "op":
        start += 1
    while start < end and tokens[end - 1].text in (*_PUNCTUATION, "=") and tokens[end - 1].kind == "op":
        end -= 1
    return tokens[start:end]


def _closing(tokens: list[Token], start: int) -> int:
    depth = 0
    for index in range(start, len(tokens)):
        if tokens[index].kind == "open":
            depth += 1
        elif tokens[index].kind == "close":
            depth -= 1
            if depth == 0:
                return index
    raise Unreadable("unbalanced")


def _top_level(tokens: list[Token]) -> Iterator[tuple[int, Token]]:
    depth = 0
    environments = 0
    for index, token in enumerate(tokens):
        if token.kind == "close":
            depth -= 1
            if depth < 0:
                raise Unreadable("unbalanced")
        elif token.kind == "command" and token.text in ("begin", "end"):
            environments += 1 if token.text == "begin" else -1
        elif depth == 0 and environments == 0:
            yield index, token
        if token.kind == "open":
            depth += 1
    if depth:
        raise Unreadable("unbalanced")


def _split(tokens: list[Token], is_separator: Callable[[Token], bool]) -> list[list[Token]]:
    places = [i for i, t in _top_level(tokens) if is_separator(t)]
    return [tokens[a + 1 : b] for a, b in zip([-1, *places], [*places, len(tokens)], strict=True)]


def _split_logical(tokens: list[Token], sign: str) -> list[list[Token]]:
    """Split (x < 1) | (x > 2), where the sign stands between brackets."""
    places = [
        i for i, t in _top_level(tokens) if t.text == sign and 0 < i < len(tokens) - 1
        and tokens[i - 1].text == ")" and tokens[i + 1].text == "("
    ]  # fmt: skip
    return [tokens[a + 1 : b] for a, b in zip([-1, *places], [*places, len(tokens)], strict=True)]
