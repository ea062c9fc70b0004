"""Follow each name of a program from its assignment to the print, without running the program.

Not covered: classes, names that are set by exec or globals().
"""

import ast
from collections.abc import Sequence
from fractions import Fraction

from stages.translate.origin import (
    COMPUTED,
    FORMS,
    NOTHING,
    NUMBER,
    SYMBOLS,
    VALUES,
    WORK,
    Origin,
    is_decimal,
    numbers_of,
)


def find_printed(module: ast.Module, *, skips_loops: bool = False) -> list[Origin]:
    """Return what each print of a program prints is made of.

    skips_loops: as if no while loop ran, because its condition may be false at once.
    Raises RecursionError where the program is nested too deeply.
    """
    reader = _Reader(skips_loops)
    reader.run(module.body)
    return reader.printed


class _Reader:
    """Follows names through a program without running it."""

    def __init__(self, skips_loops: bool = False) -> None:
        self.skips_loops = skips_loops
        self.names: dict[str, Origin] = {}
        self.functions: dict[str, ast.FunctionDef | ast.Lambda] = {}
        self.printed: list[Origin] = []
        self.depth = 0

    def run(self, statements: Sequence[ast.stmt], under: Origin = NOTHING) -> None:
        """Follow statements; under: what decides whether they run."""
        for statement in statements:
            self._statement(statement, under)

    def _statement(self, statement: ast.stmt, under: Origin) -> None:
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
        elif isinstance(statement, ast.While) and not self.skips_loops:
            self._repeat(statement.body, under.join(self.origin(statement.test)))
        elif isinstance(statement, ast.If):
            self._branch(statement, under)
        elif isinstance(statement, ast.With):
            self.run(statement.body, under)
        elif isinstance(statement, ast.Try):
            self.run([*statement.body, *statement.orelse, *statement.finalbody], under)
            for handler in statement.handlers:
                self._branch_body(handler.body, under)

    def _branch(self, statement: ast.If, under: Origin) -> None:
        inside = under.join(self.origin(statement.test)._replace(numbers=()))
        before = dict(self.names)
        self.run(statement.body, inside)
        after, self.names = self.names, before
        self.run(statement.orelse, inside)
        for name, origin in after.items():
            self.names[name] = origin.join(self.names[name]) if name in self.names else origin

    def _branch_body(self, statements: Sequence[ast.stmt], under: Origin) -> None:
        before = dict(self.names)
        self.run(statements, under)
        self.names = {name: origin.join(before.get(name, NOTHING)) for name, origin in self.names.items()}

    def _repeat(self, statements: Sequence[ast.stmt], under: Origin) -> None:
        """Follow a loop twice: what its end sets, its start may use."""
        for _ in range(2):
            self.run(statements, under)

    def _assign(self, statement: ast.Assign, under: Origin) -> None:
        for target in statement.targets:
            pairs = [(target, statement.value)]
            left, right = (getattr(side, "elts", []) for side in (target, statement.value))
            if left and len(left) == len(right):
                pairs = list(zip(left, right, strict=True))
            for part, origin in [(part, self.origin(value).join(under)) for part, value in pairs]:
                self._set(part, origin)

    def _set(self, target: ast.expr, origin: Origin) -> None:
        if isinstance(target, ast.Name):
            self.names[target.id] = origin
        elif isinstance(target, ast.Tuple | ast.List):
            for item in target.elts:
                self._set(item, origin)
        elif isinstance(target, ast.Subscript | ast.Attribute | ast.Starred):
            name = target.value
            old = self.origin(name)
            self._set(name, old.join(origin)) if isinstance(name, ast.Name) else None

    def _expression(self, value: ast.expr, under: Origin) -> None:
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

    def _print(self, call: ast.Call, under: Origin) -> None:
        items = [item for item in call.args if not _is_label(item)]
        if items:
            self.printed.append(self._all(items).join(under))
        elif call.args and (under.is_computed or under.has_operation):
            # A word that a computed condition chose.
            self.printed.append(COMPUTED)

    def _all(self, values: Sequence[ast.expr]) -> Origin:
        joined = NOTHING
        for value in values:
            joined = joined.join(self.origin(value))
        return joined

    def origin(self, value: ast.expr) -> Origin:
        """Return what an expression is made of."""
        if isinstance(value, ast.Constant):
            return Origin(numbers=numbers_of(value.value))
        if isinstance(value, ast.Name):
            return self.names.get(value.id, NOTHING)
        if isinstance(value, ast.BinOp):
            return self._operation(value)
        if isinstance(value, ast.Call):
            return self._call(value)
        if isinstance(value, ast.Compare | ast.BoolOp):
            inside = self._all([node for node in ast.iter_child_nodes(value) if isinstance(node, ast.expr)])
            # x > 3 is a formula; 5 > 3 is worked out.
            is_typed = isinstance(value, ast.Compare) and inside.is_formula
            return inside._replace(is_computed=inside.is_computed or not is_typed, has_operation=True)
        if isinstance(value, ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp):
            return COMPUTED
        if isinstance(value, ast.FormattedValue):
            return self.origin(value.value)
        if isinstance(value, ast.JoinedStr):
            parts = [part.value for part in value.values if isinstance(part, ast.FormattedValue)]
            return self._all(parts) if parts else NOTHING
        if isinstance(value, ast.Subscript | ast.Attribute | ast.Starred):
            return self.origin(value.value)
        if isinstance(value, ast.IfExp):
            return self._all([value.test, value.body, value.orelse])
        return self._all([node for node in ast.iter_child_nodes(value) if isinstance(node, ast.expr)])

    def _operation(self, value: ast.BinOp) -> Origin:
        left, right = self.origin(value.left), self.origin(value.right)
        neutral = {ast.Add: 0, ast.Sub: 0, ast.Mult: 1, ast.Div: 1, ast.Pow: 1, ast.FloorDiv: 1}.get(type(value.op))
        # x + 0, 1 * x, x ** 1 compute nothing.
        if neutral is not None and right == Origin(numbers=(Fraction(neutral),)):
            return left
        if isinstance(value.op, ast.Add | ast.Mult) and left == Origin(numbers=(Fraction(neutral or 0),)):
            return right
        joined = left.join(right)
        is_computed = joined.is_computed or isinstance(value.op, ast.Mod | ast.FloorDiv)
        return joined._replace(is_computed=is_computed, has_operation=True)

    def _call(self, call: ast.Call) -> Origin:
        name = _called(call)
        arguments = self._all([*call.args, *(keyword.value for keyword in call.keywords if keyword.arg != "ndigits")])
        if isinstance(call.func, ast.Attribute):
            arguments = arguments.join(self._owner(call.func.value))
        if name in self.functions:
            return self._own_function(self.functions[name], call)
        if name == "round":
            return self.origin(call.args[0]) if call.args else arguments
        if name == "int" and len(call.args) > 1:
            return COMPUTED  # reads a number in another base
        if name in SYMBOLS:
            return Origin(is_formula=True)
        if name == "Fraction" or name == "Rational":
            is_quotient = len(call.args) > 1 and not is_decimal(call.args)
            return arguments._replace(has_operation=arguments.has_operation or is_quotient)
        if name in VALUES:
            return arguments._replace(has_operation=True)
        if name in ("solve", "solveset", "nsolve") and call.args and self._states_value(call.args[0]):
            return arguments._replace(is_computed=False)
        if name in WORK and arguments.is_formula:
            return arguments._replace(is_worked=True)
        return arguments if name in FORMS else arguments._replace(is_computed=True)

    def _owner(self, value: ast.expr) -> Origin:
        """Return what the object of a method is made of; a module is made of nothing."""
        if isinstance(value, ast.Name) and value.id not in self.names:
            return NOTHING
        return self.origin(value)

    def _states_value(self, equation: ast.expr) -> bool:
        """Whether an equation only says what its unknown is: Eq(x, 5) or x - 5."""
        sides: list[ast.expr] = []
        if isinstance(equation, ast.Call) and _called(equation) == "Eq" and len(equation.args) == 2:
            sides = equation.args
        elif isinstance(equation, ast.BinOp) and isinstance(equation.op, ast.Sub):
            sides = [equation.left, equation.right]
        return bool(sides) and not any(origin.has_operation or origin.is_computed for origin in map(self.origin, sides))

    def _own_function(self, function: ast.FunctionDef | ast.Lambda, call: ast.Call) -> Origin:
        """Return what a function of the program returns for these arguments."""
        if self.depth > 3:
            return COMPUTED
        parameters = [item.arg for item in function.args.args]
        inner = _Reader(self.skips_loops)
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
    return isinstance(value, ast.Constant) and isinstance(value.value, str) and not NUMBER.search(value.value)
