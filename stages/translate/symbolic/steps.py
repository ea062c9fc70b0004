"""One step of a program: an expression with something to compute, and the value that the page states for it."""

from functools import lru_cache
from typing import NamedTuple

from stages.translate.symbolic.nodes import Node
from stages.translate.symbolic.numeric import exact_value
from stages.translate.symbolic.terms import Term


class Side(NamedTuple):
    """A term of a chain that could be read."""

    term: Term
    node: Node


class Spot(NamedTuple):
    """Where a chain is in its page."""

    place: int
    start: int
    end: int
    sentence_start: int
    sentence_end: int
    sentence: str
    is_alone: bool
    """Whether the words around it are said of this chain: no other one is in the same formula."""


class Given(NamedTuple):
    """A quantity whose value the page states, and what the page calls it."""

    name: str
    value: Node
    """Without letters."""
    start: int
    end: int
    """Where the page states it, in characters."""


class Form(NamedTuple):
    """How a result is printed: in the form in which the page states it, never with its value."""

    kind: str  # exact, decimal, percent or scientific
    digits: int = 0
    """Behind the decimal point."""
    is_rounded: bool = False
    """Whether the value has more digits than the page states."""
    finish: str = ""
    """What sympy does before: simplify, expand or factor."""


class Step(NamedTuple):
    """A computation of a page that may be one of several in a program."""

    place: int
    """The number of its chain within the page."""
    names: tuple[str, ...]
    """What the page may call its value, the best first: a letter, or words."""
    node: Node
    """What is computed; a `ref` stands for a given quantity or an earlier step, its value is a key of `givens`."""
    closed: Node
    """The same without names: all values as the page states them."""
    givens: dict[str, Given]
    uses: tuple[int, ...]
    """The places of the steps that its expression refers to."""
    form: Form
    expression: str  # LaTeX, as the page writes it
    result: str
    relation: str
    stated: Node


def step_key(place: int) -> str:
    """Return the key by which expressions refer to the step of a place."""
    return f"step {place}"


def given_key(name: str, value: Node) -> str:
    """Return the key by which expressions refer to a given quantity."""
    return f"{name} = {value.value if value.op == 'num' else value}"


@lru_cache(1024)
def refer(key: str) -> Node:
    """Return the node that stands for a given quantity or a step."""
    return Node("ref", (), key)


def references(node: Node) -> list[str]:
    """Return the keys that an expression refers to, in order."""
    if node.op == "ref":
        return [node.value]
    return [key for item in node.args for key in references(item)]


def has_digits(node: Node, digits: int) -> bool:
    """Whether a value is exact with so many digits behind the decimal point."""
    value = exact_value(node)
    return value is not None and (value * 10**digits).denominator == 1


def is_halfway(node: Node, digits: int) -> bool:
    """Whether a value is exactly between two roundings: people round it up, Python to the even digit."""
    value = exact_value(node)
    return value is not None and (value * 10**digits).denominator == 2
