"""Return the values that a statement can mean where its notation has two readings.

A logarithm without a base has base e or ten, and lg has base ten or two.
"""

from collections.abc import Callable
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from itertools import product
from typing import Any

from mathcode_pile.answers.values import Apply, Node, Number
from mathcode_pile.answers.vocabulary import BASES


def readings(node: Node) -> list[Node]:
    """Return the values that a stated one can mean, the likeliest first; mostly it is the only one."""
    found = [name for name in BASES if _mentions(node, f"any_{name}")]
    choices = product(*(BASES[name] for name in found))
    return [_with_bases(node, dict(zip(found, bases, strict=True))) for bases in choices] if found else [node]


def _mentions(value: Any, function: str) -> bool:
    if isinstance(value, tuple):
        return any(_mentions(item, function) for item in value)
    if not is_dataclass(value):
        return False
    is_it = isinstance(value, Apply) and value.function == function
    return is_it or any(_mentions(getattr(value, field.name), function) for field in fields(value))


def _with_bases(node: Node, bases: dict[str, int | None]) -> Node:
    def choose(apply: Apply) -> Node:
        name = apply.function.removeprefix("any_")
        if name == apply.function or name not in bases:
            return apply
        base = bases[name]
        return Apply("log", (*apply.arguments, *([Number(Fraction(base))] if base else [])))

    replaced: Node = _map(node, choose)
    return replaced


def _map(value: Any, choose: Callable[[Apply], Node]) -> Any:
    """Return a value with each of its functions replaced."""
    if isinstance(value, tuple):
        return tuple(_map(item, choose) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    mapped = replace(value, **{field.name: _map(getattr(value, field.name), choose) for field in fields(value)})
    return choose(mapped) if isinstance(mapped, Apply) else mapped
