"""The expression tree that LaTeX and plain arithmetic are read into, and questions about its form.

Not covered: evaluation. Nothing here computes a value, so wrong statements pass just as right ones do.
"""

from functools import lru_cache
from math import log2
from operator import is_
from typing import NamedTuple

from stages.translate.reasons import Reason

# A number of more bits is no result that anybody states. Python refuses to print far longer ones.
MAX_BITS = 12_000
MAX_FACTORIAL = 800
MAX_TERMS = 20_000


class UnreadableError(Exception):
    """An expression that is not translated, with the reason that is counted."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class _Fields(NamedTuple):
    op: str
    args: "tuple[Node, ...]" = ()
    value: str = ""


class Node(_Fields):
    """One operation: `op` names it, `args` are its operands, `value` a literal or a name."""

    # Found once and kept, because the same tree is asked again and again. They are no part of its equality.
    _operations: frozenset[str] | None = None
    _symbols: frozenset[str] | None = None


def with_args(node: Node, args: "tuple[Node, ...]") -> Node:
    """Return a node with other operands: the node itself, and what is known of it, if they are the same."""
    return node if all(map(is_, args, node.args)) else Node(node.op, args, node.value)


@lru_cache(4096)
def number(value: str) -> Node:
    """Return the leaf of a decimal literal."""
    return Node("num", (), value)


def walk(node: Node) -> list[Node]:
    """Return a node and all below it, each before its operands."""
    if not node.args:
        return [node]
    found, stack = [], [node]
    while stack:
        node = stack.pop()
        found.append(node)
        if node.args:
            stack.extend(reversed(node.args))
    return found


def operations(node: Node) -> frozenset[str]:
    """Return the names of all operations in a tree."""
    if node._operations is None:
        own = _only(node.op)
        node._operations = own.union(*map(operations, node.args)) if node.args else own
    return node._operations


@lru_cache(256)
def _only(op: str) -> frozenset[str]:
    return frozenset((op,))


TRIGONOMETRY = {"sin", "cos", "tan", "cot", "sec", "csc"}
CALCULUS = {"diff", "int", "limit", "sum", "prod", "det"}
BINDERS = {"sum", "prod", "int", "limit"}  # operations whose args[1] is a bound variable
_NO_SYMBOLS: frozenset[str] = frozenset()


def free_symbols(node: Node) -> frozenset[str]:
    """Return the names of unknowns, without bound variables."""
    if node._symbols is None:
        node._symbols = _find_symbols(node)
    return node._symbols


def _find_symbols(node: Node) -> frozenset[str]:
    if node.op == "sym":
        return frozenset((node.value,))
    items = node.args
    if node.op in ("sum", "prod", "limit") or (node.op == "int" and len(items) == 4):
        return (free_symbols(items[0]) - {items[1].value}).union(*map(free_symbols, items[2:]))
    return _NO_SYMBOLS.union(*map(free_symbols, items))


def is_integer(node: Node) -> bool:
    """Whether a node is an integer literal, perhaps negative."""
    if node.op == "neg":
        return is_integer(node.args[0])
    return node.op == "num" and node.value.isdigit()


def integer(node: Node) -> int:
    """Return the value of an integer literal."""
    return -integer(node.args[0]) if node.op == "neg" else int(node.value)


def is_decimal(node: Node) -> bool:
    """Whether a tree contains a decimal."""
    if node.op == "num":
        return not node.value.isdigit()
    return any(map(is_decimal, node.args))


def is_rational(node: Node) -> bool:
    """Whether a node is an integer, a decimal or a fraction of integers."""
    if node.op == "neg":
        return node.args[0].op != "neg" and is_rational(node.args[0])
    if node.op == "num":
        return True
    return node.op == "div" and is_integer(node.args[0]) and is_integer(node.args[1])


def is_value(node: Node) -> bool:
    """Whether a node is a number in a finished form: 3/4, 2 sqrt(3), 1 + sqrt(5), 9 pi, 2 - 3i."""
    if is_rational(node):
        return True
    if node.op == "neg":
        return is_value(node.args[0])
    if node.op in ("pi", "e", "imaginary", "infinity"):
        return True
    if node.op == "matrix":
        return all(is_value(entry) for row in node.args for entry in row.args)
    if node.op in ("sqrt", "root", "ln"):
        return is_rational(node.args[-1])
    if node.op == "pow":
        base, exponent = node.args
        return (is_rational(base) or base.op in ("pi", "e")) and is_rational(exponent)
    if node.op == "add" and node.value == "mixed":
        return True
    if node.op in ("mul", "add"):
        return sum(is_rational(item) for item in node.args) <= 1 and all(map(is_value, node.args))
    if node.op == "div":
        return is_value(node.args[0]) and is_integer(node.args[1]) and node.args[0].op != "div"
    return False


def is_trivial(node: Node) -> bool:
    """Whether an expression has nothing to compute: a number, a constant, a name."""
    if node.op == "neg":
        return is_trivial(node.args[0])
    return node.op in ("num", "sym", "pi", "e", "imaginary", "infinity", "matrix")


def bits(node: Node) -> float:
    """Return an upper bound for the bits of an expression's value. Raises UnreadableError if it is absurd."""
    if node.op == "num" and len(node.value) < 300:
        return _bits_of_literal(node.value)
    if node.op == "mod" and node.args[0].op == "pow" and all(map(is_integer, node.args[0].args)):
        return bits(node.args[1])  # pow(a, b, n) never computes a ** b
    inner = [bits(item) for item in node.args]
    if node.op == "num":
        size = MAX_BITS + 1.0
    elif node.op == "pow":
        size = _power_bits(node, inner)
    elif node.op in ("fact", "binom"):
        size = _factorial_bits(inner[0])
    elif node.op in ("mul", "div"):
        size = sum(inner)
    elif node.op == "mod":
        size = inner[1]
    elif node.op in ("sum", "prod"):
        size = _range_bits(node, inner)
    else:
        size = max(inner, default=4.0) + len(inner)
    if size > MAX_BITS:
        raise UnreadableError(Reason.TOO_LARGE)
    return size


@lru_cache(4096)
def _bits_of_literal(digits: str) -> float:
    return log2(max(2.0, float(digits)))


def _power_bits(node: Node, inner: list[float]) -> float:
    if inner[1] > (6 if free_symbols(node.args[0]) else 16):
        raise UnreadableError(Reason.TOO_LARGE)
    return inner[0] * 2 ** inner[1]


def _factorial_bits(size: float) -> float:
    if size > log2(MAX_FACTORIAL):
        raise UnreadableError(Reason.TOO_LARGE)
    return float(size * 2**size)


def _range_bits(node: Node, inner: list[float]) -> float:
    low, high = node.args[2], node.args[3]
    if operations(node.args[0]) & BINDERS:
        raise UnreadableError(Reason.NESTED_SERIES)
    if is_integer(low) and is_integer(high):
        count = integer(high) - integer(low) + 1
        if not 0 < count <= MAX_TERMS:
            raise UnreadableError(Reason.TOO_MANY_TERMS)
        if count > 100 and operations(node.args[0]) & {"sqrt", "root", "fact", "binom", "log", "ln"}:
            raise UnreadableError(Reason.TOO_MANY_TERMS)
        return inner[0] * count if node.op == "prod" else inner[0] + log2(count + 1)
    return inner[0] + 64
