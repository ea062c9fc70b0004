"""Tell a program that computes its result from one that only prints the stated result.

Each name is followed from its assignment to the print: what leads to the output is either computed, or made of
constants. A program is restated if all that it prints is a constant, or the stated result written as Python:
`36*pi` for `36\\pi`, or if its data are the stated result several times.

Not covered: classes, names that are set by exec or globals(), and results in words.
"""

import ast
import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

# Calls that change the form of a value and not the value.
_FORMS = {
    "print", "str", "int", "float", "round", "bool", "complex", "repr", "format", "list", "tuple", "set", "sorted",
    "Fraction", "Decimal", "Rational", "Integer", "Float", "sympify", "S", "simplify", "nsimplify", "expand", "factor",
    "N", "evalf", "latex", "pprint", "cancel", "together", "radsimp", "doit", "limit_denominator", "symbols", "Symbol",
    "Matrix", "array", "join", "strip", "dict", "Eq", "Interval", "FiniteSet", "pretty", "display",
}  # fmt: skip
# Functions that a stated value is written with.
_VALUES = {"sqrt", "cbrt", "root", "exp", "log", "ln", "pi", "E", "I", "oo", "e", "inf", "sin", "cos", "tan"}
_NUMBER = re.compile(r"\d+(?:\.\d+)?|\.\d+")
_THOUSANDS = re.compile(r"(?<=\d)(?:,|\{,\}|\\,|\\!)+(?=\d{3})")
_TIGHT_FRACTION = re.compile(r"\\[dt]?frac\s*(\d)\s*(\d)")
_MAX_DIGITS = 60


class _Origin(NamedTuple):
    """What a value is made of."""

    is_computed: bool = False
    has_operation: bool = False
    numbers: tuple[Fraction, ...] = ()
    names: frozenset[str] = frozenset()

    def join(self, other: "_Origin") -> "_Origin":
        """Return what a value made of both is made of."""
        return _Origin(
            self.is_computed or other.is_computed,
            self.has_operation or other.has_operation,
            (self.numbers + other.numbers)[:200],
            self.names | other.names,
        )


_NOTHING = _Origin()
_COMPUTED = _Origin(is_computed=True)


def is_restated(code: str, result: str) -> bool:
    """Whether a program prints its result without computing it.

    result: as the document states it, in LaTeX or plain text. A program that Python does not read is not restated.
    """
    try:
        module = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    reader = _Reader()
    try:
        reader.run(module.body)
    except RecursionError:
        return False
    if any(_repeats(node, result) for node in module.body):
        return True
    return bool(reader.printed) and all(_is_restated(origin, result) for origin in reader.printed)


def _repeats(statement: ast.stmt, result: str) -> bool:
    """Whether a statement makes data of the result, as in `numbers = [8] * 5`, whose mean is then 8."""
    value = statement.value if isinstance(statement, ast.Assign) else None
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult):
        value = value.left
    numbers = (
        {item.value for item in value.elts if isinstance(item, ast.Constant)} if isinstance(value, ast.List) else {}
    )
    return len(numbers) == 1 == len(_numbers_of(result)) and set(map(str, numbers)) == set(
        map(str, _numbers_of(result))
    )


def _is_restated(origin: _Origin, result: str) -> bool:
    if origin.is_computed:
        return False
    if not origin.has_operation:
        return True
    stated = _numbers_of(result)
    return Counter(origin.numbers) == stated or (len(stated) == 1 and stated == Counter(set(origin.numbers)))


def _numbers_of(result: str) -> Counter[Fraction]:
    text = _TIGHT_FRACTION.sub(r" \\1 \\2 ", _THOUSANDS.sub("", result))
    return Counter(Fraction(number) for number in _NUMBER.findall(text) if len(number) <= _MAX_DIGITS)


class _Reader:
    """Follows names through a program without running it."""

    def __init__(self) -> None:
        self.names: dict[str, _Origin] = {}
        self.functions: dict[str, ast.FunctionDef | ast.Lambda] = {}
        self.printed: list[_Origin] = []
        self.depth = 0

    def run(self, statements: Sequence[ast.stmt], under: _Origin = _NOTHING) -> None:
        """Follow statements; under: what decides whether they run."""
        for statement in statements:
            self._statement(statement, under)

    def _statement(self, statement: ast.stmt, under: _Origin) -> None:
        if isinstance(statement, ast.FunctionDef):
            self.functions[statement.name] = statement
        elif isinstance(statement, ast.Assign):
            if isinstance(statement.value, ast.Lambda):
                for target in statement.targets:
                    self.functions[ast.unparse(target)] = statement.value
            self._assign(statement, under)
        elif isinstance(statement, ast.AnnAssign | ast.AugAssign) and statement.value:
            origin = self.origin(statement.value).join(under)
            if isinstance(statement, ast.AugAssign):
                origin = origin.join(self.origin(statement.target))._replace(has_operation=True)
            self._set(statement.target, origin)
        elif isinstance(statement, ast.Expr):
            self._expression(statement.value, under)
        elif isinstance(statement, ast.For):
            self._set(statement.target, self.origin(statement.iter))
            self._repeat(statement.body, under)
        elif isinstance(statement, ast.While):
            self._repeat(statement.body, under.join(self.origin(statement.test)))
        elif isinstance(statement, ast.If):
            self._branch(statement, under)
        elif isinstance(statement, ast.With):
            self.run(statement.body, under)
        elif isinstance(statement, ast.Try):
            self.run([*statement.body, *statement.orelse, *statement.finalbody], under)
            for handler in statement.handlers:
                self._branch_body(handler.body, under)

    def _branch(self, statement: ast.If, under: _Origin) -> None:
        inside = under.join(self.origin(statement.test)._replace(numbers=()))
        before = dict(self.names)
        self.run(statement.body, inside)
        after, self.names = self.names, before
        self.run(statement.orelse, inside)
        for name, origin in after.items():
            self.names[name] = origin.join(self.names[name]) if name in self.names else origin

    def _branch_body(self, statements: Sequence[ast.stmt], under: _Origin) -> None:
        before = dict(self.names)
        self.run(statements, under)
        self.names = {name: origin.join(before.get(name, _NOTHING)) for name, origin in self.names.items()}

    def _repeat(self, statements: Sequence[ast.stmt], under: _Origin) -> None:
        """Follow a loop twice: what its end sets, its start may use."""
        for _ in range(2):
            self.run(statements, under)

    def _assign(self, statement: ast.Assign, under: _Origin) -> None:
        for target in statement.targets:
            pairs = [(target, statement.value)]
            left, right = (getattr(side, "elts", []) for side in (target, statement.value))
            if left and len(left) == len(right):
                pairs = list(zip(left, right, strict=True))
            for part, origin in [(part, self.origin(value).join(under)) for part, value in pairs]:
                self._set(part, origin)

    def _set(self, target: ast.expr, origin: _Origin) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = origin
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self._set(item, origin)
        elif isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
            name = target.value
            old = self.origin(name)
            self._set(name, old.join(origin)) if isinstance(name, ast.Name) else None

    def _expression(self, value: ast.expr, under: _Origin) -> None:
        if not isinstance(value, ast.Call):
            return
        name = _called(value)
        if name in ("print", "pprint", "display"):
            self._print(value, under)
        elif isinstance(value.func, ast.Attribute) and isinstance(value.func.value, ast.Name):
            # values.append(x) changes the list.
            owner = value.func.value.id
            if owner in self.names and name in ("append", "extend", "add", "update", "insert"):
                self.names[owner] = self._all(value.args).join(self.names[owner]).join(under)
        else:
            self.origin(value)

    def _print(self, call: ast.Call, under: _Origin) -> None:
        items = [item for item in call.args if not _is_label(item)]
        if items:
            self.printed.append(self._all(items).join(under))
        elif call.args and (under.is_computed or under.has_operation):
            # A word that a computed condition chose.
            self.printed.append(_COMPUTED)

    def _all(self, values: Sequence[ast.expr]) -> _Origin:
        joined = _NOTHING
        for value in values:
            joined = joined.join(self.origin(value))
        return joined

    def origin(self, value: ast.expr) -> _Origin:
        """Return what an expression is made of."""
        if isinstance(value, ast.Constant):
            return _Origin(numbers=_constant(value.value))
        if isinstance(value, ast.Name):
            return self.names.get(value.id, _Origin(names=frozenset({value.id})))
        if isinstance(value, ast.BinOp):
            return self._operation(value)
        if isinstance(value, ast.Call):
            return self._call(value)
        if isinstance(value, ast.Compare | ast.BoolOp):
            inside = self._all([node for node in ast.iter_child_nodes(value) if isinstance(node, ast.expr)])
            return inside._replace(is_computed=True)
        if isinstance(value, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            return _COMPUTED
        if isinstance(value, ast.FormattedValue):
            return self.origin(value.value)
        if isinstance(value, ast.JoinedStr):
            parts = [part.value for part in value.values if isinstance(part, ast.FormattedValue)]
            return self._all(parts) if parts else _NOTHING
        if isinstance(value, ast.Subscript | ast.Attribute | ast.Starred):
            return self.origin(value.value)
        if isinstance(value, ast.IfExp):
            return self._all([value.test, value.body, value.orelse])
        return self._all([node for node in ast.iter_child_nodes(value) if isinstance(node, ast.expr)])

    def _operation(self, value: ast.BinOp) -> _Origin:
        left, right = self.origin(value.left), self.origin(value.right)
        neutral = {ast.Add: 0, ast.Sub: 0, ast.Mult: 1, ast.Div: 1, ast.Pow: 1, ast.FloorDiv: 1}.get(type(value.op))
        # x + 0, 1 * x, x ** 1 compute nothing.
        if neutral is not None and right == _Origin(numbers=(Fraction(neutral),)):
            return left
        if isinstance(value.op, ast.Add | ast.Mult) and left == _Origin(numbers=(Fraction(neutral or 0),)):
            return right
        joined = left.join(right)
        is_computed = joined.is_computed or isinstance(value.op, ast.Mod | ast.FloorDiv)
        return joined._replace(is_computed=is_computed, has_operation=True)

    def _call(self, call: ast.Call) -> _Origin:
        name = _called(call)
        arguments = self._all([*call.args, *(keyword.value for keyword in call.keywords if keyword.arg != "ndigits")])
        if isinstance(call.func, ast.Attribute):
            arguments = arguments.join(self._owner(call.func.value))
        if name in self.functions:
            return self._own_function(self.functions[name], call)
        if name == "round":
            return self.origin(call.args[0]) if call.args else arguments
        if name == "int" and len(call.args) > 1:
            return _COMPUTED  # reads a number in another base
        if name == "Fraction" or name == "Rational":
            return arguments._replace(has_operation=arguments.has_operation or len(call.args) > 1)
        if name in _VALUES:
            return arguments._replace(has_operation=True)
        if name in ("solve", "solveset", "nsolve") and call.args and self._states_value(call.args[0]):
            return arguments._replace(is_computed=False)
        return arguments if name in _FORMS else arguments._replace(is_computed=True)

    def _owner(self, value: ast.expr) -> _Origin:
        """Return what the object of a method is made of; a module is made of nothing."""
        if isinstance(value, ast.Name) and value.id not in self.names:
            return _NOTHING
        return self.origin(value)

    def _states_value(self, equation: ast.expr) -> bool:
        """Whether an equation only says what its unknown is: Eq(x, 5)."""
        if isinstance(equation, ast.Call) and _called(equation) == "Eq" and len(equation.args) == 2:
            left, right = (self.origin(side) for side in equation.args)
            return not (left.has_operation or right.has_operation or left.is_computed or right.is_computed)
        return False

    def _own_function(self, function: ast.FunctionDef | ast.Lambda, call: ast.Call) -> _Origin:
        """Return what a function of the program returns for these arguments."""
        if self.depth > 3:
            return _COMPUTED
        parameters = [item.arg for item in function.args.args]
        inner = _Reader()
        inner.functions, inner.depth = self.functions, self.depth + 1
        inner.names = dict(self.names)
        for parameter, argument in zip(parameters, call.args, strict=False):
            inner.names[parameter] = self.origin(argument)
        if isinstance(function, ast.Lambda):
            return inner.origin(function.body)
        inner.run(function.body)
        self.printed += inner.printed
        returned = [node for node in ast.walk(function) if isinstance(node, ast.Return) and node.value]
        branches = any(isinstance(node, ast.If | ast.For | ast.While) for node in ast.walk(function))
        found = inner._all([node.value for node in returned if node.value])
        return found._replace(is_computed=True) if branches and parameters else found


def _called(call: ast.Call) -> str:
    """Return the name of a called function, without the module or the object before it."""
    if isinstance(call.func, ast.Attribute):
        return call.func.attr
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _is_label(value: ast.expr) -> bool:
    """Whether a printed text says no number: "Area:"."""
    return isinstance(value, ast.Constant) and isinstance(value.value, str) and not _NUMBER.search(value.value)


def _constant(value: object) -> tuple[Fraction, ...]:
    if isinstance(value, bool) or value is None:
        return ()
    if isinstance(value, int | float):
        text = repr(value)
    elif isinstance(value, str):
        text = value
    else:
        return ()
    return tuple(Fraction(number) for number in _NUMBER.findall(text)[:50] if len(number) <= _MAX_DIGITS)
