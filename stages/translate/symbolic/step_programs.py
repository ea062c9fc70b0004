"""Gather the steps of a page into programs, and write each program: given quantities, steps, the printed result."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stages.translate.symbolic.expression_writer import PYTHON_WORDS, Writer
from stages.translate.symbolic.nodes import Node, operations
from stages.translate.symbolic.number_lists import NumberLists
from stages.translate.symbolic.numeric import exact_value
from stages.translate.symbolic.program_writer import bound_symbols, choose_style, name_of_operation, write_imports
from stages.translate.symbolic.quantity_words import is_name
from stages.translate.symbolic.steps import Form, Given, Step, is_halfway, references, step_key

# Longer programs are cut: a step then takes the stated results of earlier ones as its numbers.
MAX_STEPS = 10
# Names that a program may import.
_IMPORTED = {"E", "I", "oo", "e"}
_MOST_FLOAT_DIGITS = 15
# Letters have one value in a program; words may be said of several quantities.
_LONGEST_LETTER = 2


class Program(NamedTuple):
    """The steps that lead to one result, in the order of the page."""

    steps: tuple[Step, ...]
    component: int
    """The first step of all programs that share steps with this one."""

    @property
    def last(self) -> Step:
        """Return the step whose result the program prints."""
        return self.steps[-1]

    def spots(self) -> Iterator[tuple[int, int]]:
        """Yield where the page states the given quantities."""
        for step in self.steps:
            for given in step.givens.values():
                yield given.start, given.end


def gather(steps: Sequence[Step]) -> list[Program]:
    """Return a program for each step whose value no later step uses, with all steps that lead to it."""
    by_place = {step.place: step for step in steps}
    ancestors: dict[int, frozenset[int]] = {}
    component: dict[int, int] = {}
    used: set[int] = set()
    for step in steps:
        if sum(len(ancestors[place]) + 1 for place in step.uses) >= MAX_STEPS:
            by_place[step.place] = step = step._replace(node=step.closed, givens={}, uses=())
        before = frozenset(step.uses).union(*(ancestors[place] for place in step.uses))
        ancestors[step.place] = before
        used |= before
        first = min((_root(component, place) for place in before), default=step.place)
        component[step.place] = first
        for place in before:
            component[_root(component, place)] = first
    return [
        Program(
            (*(by_place[place] for place in sorted(ancestors[step.place])), step),
            _root(component, step.place),
        )
        for step in by_place.values()
        if step.place not in used
    ]


def _root(component: dict[int, int], place: int) -> int:
    while component[place] != place:
        place = component[place]
    return place


def write_steps(steps: Sequence[Step]) -> str:
    """Return a program that computes the steps in order and prints the value of the last."""
    styles = {choose_style(step.closed, step.form.kind != "exact") for step in steps}
    style = next(style for style in ("sympy", "float", "fraction", "integer") if style in styles)
    return _StepWriter(style, steps).write()


class _StepWriter:
    """Writes one program."""

    def __init__(self, style: str, steps: Sequence[Step]) -> None:
        self.steps, self.writer = steps, Writer(style)
        bound = {name for step in steps for name in bound_symbols(step.node)}
        self.bound = sorted(bound) if style == "sympy" else []
        self.taken = {*bound, *(_python_name(name) for name in bound)}
        self.givens: list[str] = []
        self.lines: list[str] = []
        self.lists = NumberLists(self.writer, self.givens, self.taken)
        # Names of the page go before names of operations, wherever they are.
        self.wanted = {_python_name(given.name) for step in steps for given in step.givens.values()}
        self.wanted |= {_python_name(name) for step in steps for name in step.names[:1]}
        self.numbered = _number_names(steps)
        self.is_rounded_before = any(step.form.is_rounded for step in steps[:-1])

    def write(self) -> str:
        for step in self.steps[:-1]:
            self._assign(step)
        name = self._assign(self.steps[-1], is_last=True)
        self.lines.append(self._print(name, self.steps[-1].closed, self.steps[-1].form))
        return "\n".join([*write_imports(self.writer, self.bound), *self.givens, *self.lines]) + "\n"

    def _assign(self, step: Step, is_last: bool = False) -> str:
        keys = [key for key in dict.fromkeys(references(step.node)) if key in step.givens]
        for key in sorted(keys, key=lambda key: step.givens[key].start):
            if key not in self.writer.variables:
                self._give(key, step.givens[key])
        text = self.writer.write(self.lists.write(step.node))
        if not is_last and self._is_rounded(step):
            inside = f"float({text})" if self.writer.kind == "sympy" else text
            text = f"round({inside}, {step.form.digits + 2 * (step.form.kind == 'percent')})"
        if step.node.op == "ref" and text.isidentifier():
            # The step states a value again that has a name already.
            self.writer.define(step_key(step.place), text, step.node, step.closed)
            return text
        name = self._new_name(step)
        self.writer.define(step_key(step.place), name, step.node, step.closed)
        self.lines.append(f"{name} = {text}")
        return name

    def _give(self, key: str, given: Given) -> None:
        """Write a given quantity; one whose name means another value already stays a number."""
        name = self.numbered.get(key) or _python_name(given.name)
        is_free = name not in self.taken
        self.writer.define(key, name if is_free else "", given.value, given.value)
        if is_free:
            self.taken.add(name)
            self.givens.append(f"{name} = {self.writer.write(given.value)}")

    def _new_name(self, step: Step) -> str:
        word = name_of_operation(step.node)
        candidates = [*map(_python_name, step.names), *(() if word in self.wanted else (word,)), "result"]
        name = next((name for name in candidates if name not in self.taken), "")
        number = 2
        while not name:
            numbered = f"{candidates[0] if len(candidates[0]) > 2 else word}_{number}"
            name = "" if numbered in self.taken else numbered
            number += 1
        self.taken.add(name)
        return name

    def _is_rounded(self, step: Step) -> bool:
        """Whether later steps use a value that the page has rounded."""
        form, closed = step.form, step.closed
        if form.kind not in ("decimal", "percent") or not form.is_rounded:
            return False
        if not is_halfway(closed, form.digits + 2 * (form.kind == "percent")):
            return True
        # A page that rounds to the even digit, as Python does, mostly had a little less before its last step.
        value, is_exact = exact_value(closed), self.writer.kind == "fraction" and form.kind == "decimal"
        return is_exact and value is not None and round(value, form.digits) == exact_value(step.stated)

    def _print(self, name: str, closed: Node, form: Form) -> str:
        style = self.writer.kind
        number = name if style == "float" else f"float({name})"
        if form.kind == "percent":
            return f'print(f"{{{number}:.{form.digits}%}}")'
        if form.kind == "scientific":
            return f'print(f"{{{number}:.{form.digits}e}}")'
        if form.kind == "decimal":
            return self._print_decimal(name, number, closed, form)
        # sympy leaves log(128, 4) as 3 + log(2)/log(4).
        finish = form.finish or ("simplify" if "log" in operations(closed) else "")
        if finish and style == "sympy":
            return f"print({self.writer.need('sympy', finish)}({name}))"
        if style == "float" or (style == "sympy" and self.is_rounded_before):
            return f"print(round({name}, 6))"
        return f"print({name})"

    def _print_decimal(self, name: str, number: str, closed: Node, form: Form) -> str:
        style, value = self.writer.kind, exact_value(closed)
        if value is not None and abs(value) >= 10**_MOST_FLOAT_DIGITS:
            return f"print({name})"
        is_exact = not form.is_rounded and style != "float"
        # Python rounds a value halfway between two to the even digit, people round it up.
        is_halfway_between = form.is_rounded and style == "fraction" and is_halfway(closed, form.digits)
        if not self.is_rounded_before and (is_exact or is_halfway_between):
            return f"print({number})"
        return f"print(round({number}, {form.digits}))" if form.digits else f"print(round({number}))"


def _number_names(steps: Sequence[Step]) -> dict[str, str]:
    """Return names for the quantities of several steps that have one word for different values: ohms_1, ohms_2."""
    by_word: dict[str, list[str]] = {}
    for step in steps:
        for key, given in sorted(step.givens.items(), key=lambda item: item[1].start):
            keys = by_word.setdefault(re.sub(r"_\d+$", "", given.name), [])
            keys += [] if key in keys else [key]
    return {
        key: f"{word}_{number}"
        for word, keys in by_word.items()
        if len(keys) > 1 and len(word) > _LONGEST_LETTER
        for number, key in enumerate(keys, 1)
    }


def _python_name(name: str) -> str:
    """Return a name of the page as one of Python: `lambda` and `sum` get another form."""
    name = PYTHON_WORDS.get(name, name)
    return name if is_name(name) and name not in _IMPORTED else f"{name}_"
