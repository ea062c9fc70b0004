"""Let a model's program compute with exact numbers where the text states an exact result: 7/16, and not 0.4375.

A quotient of whole numbers becomes a Fraction, or a Rational where the program works with sympy; so do decimals, as far
as nothing but arithmetic is done with them. What turns the printed value into a decimal is taken away.

Not covered: numpy, functions of the program itself, and values whose type depends on how the program runs.
"""

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

_DECIMAL = re.compile(r"\d\.\d|≈|\\approx")
_WHOLE_CALLS = {"comb", "perm", "factorial", "gcd", "lcm", "len", "isqrt", "floor", "ceil"}
_OF_LISTS = {"sum", "min", "max", "abs"}
# With these the value is no fraction any more, or its form is the program's own.
_INEXACT = {
    "sqrt", "exp", "log", "log2", "log10", "ln", "sin", "cos", "tan", "asin", "acos", "atan", "hypot", "radians",
    "degrees", "pow", "stdev", "pstdev", "nsolve", "round", "format",
}  # fmt: skip


# What makes unknowns, or lists and truth values of them.
_UNKNOWNS = {"symbols", "Symbol", "solve", "Matrix", "Eq", "expand", "simplify", "factor"}
_MAX_DEPTH = 10


class _Edit(NamedTuple):
    start: int
    end: int
    text: str


def make_exact(code: str, result: str) -> tuple[str, str]:
    """Return a program that computes with exact numbers, and the name that it has to import; "" if nothing changes.

    code: valid Python. result: as the document states it.
    """
    module = ast.parse(code)
    nodes = list(ast.walk(module))
    modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    is_decimal = _DECIMAL.search(result) is not None
    if "numpy" in modules or any(isinstance(node, ast.JoinedStr | ast.FunctionDef | ast.Lambda) for node in nodes):
        return code, ""
    calls = {_called(node) for node in nodes if isinstance(node, ast.Call)}
    is_symbolic = "sympy" in modules
    if not is_symbolic and (calls & _INEXACT or any(map(_is_root, nodes))):
        return code, ""
    writer = _Writer(code, "Rational" if is_symbolic else "Fraction")
    writer.read(module)
    floats = [node for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, float)]
    if is_decimal and (calls & _INEXACT or not floats or not _prints_value(module)):
        return code, ""
    edits = [*writer.divisions(nodes), *writer.decimals(floats), *writer.printed(module, is_decimal)]
    if not any(writer.name in edit.text for edit in edits) and not (edits and not is_decimal):
        return code, ""
    changed = code
    for edit in sorted(edits, reverse=True):
        changed = changed[: edit.start] + edit.text + changed[edit.end :]
    is_new = any(writer.name in edit.text for edit in edits)
    try:
        ast.parse(changed)
    except SyntaxError:
        return code, ""
    return changed, writer.name if is_new else ""


class _Writer:
    """Finds the changes of one program."""

    def __init__(self, code: str, name: str) -> None:
        self.code, self.name = code, name
        self.whole: set[str] = set()
        self.counts: set[str] = set()  # those that are not negative
        self.lists: set[str] = set()
        starts = [0]
        for line in code.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        self.starts, self.lines = starts, code.splitlines(keepends=True)

    def read(self, module: ast.Module) -> None:
        """Find the names that stand for whole numbers, and for lists of them."""
        unsure: set[str] = set()
        for statement in module.body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                for name, value in _pairs(statement.targets[0], statement.value):
                    if name in self.whole | self.lists | unsure:
                        unsure.add(name)
                    elif self._is_whole(value):
                        self.whole.add(name)
                        self.counts |= {name} if _is_count(value) else set()
                    elif isinstance(value, ast.List | ast.Tuple) and all(map(self._is_whole, value.elts)):
                        self.lists.add(name)
            elif not isinstance(statement, ast.Import | ast.ImportFrom | ast.Expr):
                inside = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
                unsure |= inside
        self.whole -= unsure
        self.counts -= unsure
        self.lists -= unsure

    def _is_whole(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Constant):
            return type(node.value) is int
        if isinstance(node, ast.Name):
            return node.id in self.whole
        if isinstance(node, ast.UnaryOp):
            return self._is_whole(node.operand)
        if isinstance(node, ast.BinOp):
            if isinstance(node.op, ast.Pow):
                is_count = getattr(node.right, "id", "") in self.counts or _is_count(node.right)
                return is_count and self._is_whole(node.left)
            is_closed = isinstance(node.op, ast.Add | ast.Sub | ast.Mult | ast.FloorDiv | ast.Mod)
            return is_closed and self._is_whole(node.left) and self._is_whole(node.right)
        if isinstance(node, ast.Call) and _called(node) in _OF_LISTS and len(node.args) == 1:
            return isinstance(node.args[0], ast.Name) and node.args[0].id in self.lists
        return isinstance(node, ast.Call) and _called(node) in _WHOLE_CALLS and self.name == "Fraction"

    def _place(self, line: int, column: int) -> int:
        return self.starts[line - 1] + len(self.lines[line - 1].encode()[:column].decode())

    def span(self, node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._place(node.lineno, node.col_offset), self._place(node.end_lineno, node.end_col_offset)

    def divisions(self, nodes: list[ast.AST]) -> Iterator[_Edit]:
        """Yield the changes of a / b to Fraction(a, b), where both are whole numbers."""
        for node in nodes:
            if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
                continue
            if self._is_whole(node.left) and self._is_whole(node.right):
                (start, end), left, right = self.span(node), self.span(node.left), self.span(node.right)
                if self._is_grouped(start, end):
                    start, end = start - 1, end + 1
                yield _Edit(start, left[0], f"{self.name}(")
                yield _Edit(left[1], right[0], ", ")
                yield _Edit(right[1], end, ")")

    def _is_grouped(self, start: int, end: int) -> bool:
        """Whether the parentheses around an expression only group it, as in x**(1/2)."""
        is_inside = self.code[start - 1 : start] == "(" and self.code[end : end + 1] == ")"
        return is_inside and not re.search(r"[\w\])]\Z", self.code[max(0, start - 2) : start - 1])

    def decimals(self, floats: list[ast.Constant]) -> Iterator[_Edit]:
        """Yield the changes of 0.05 to Fraction("0.05")."""
        for node in floats:
            start, end = self.span(node)
            if re.fullmatch(r"\d*\.?\d+", self.code[start:end]):
                yield _Edit(start, end, f'{self.name}("{self.code[start:end]}")')

    def printed(self, module: ast.Module, is_decimal: bool) -> Iterator[_Edit]:
        """Yield the changes of what is printed: float(x) and x.evalf() to x, or x to float(x) for a decimal."""
        for call in _prints(module):
            for item in call.args:
                start, end = self.span(item)
                inner = _without_float(item)
                if inner is not None and not is_decimal:
                    inside = self.span(inner)
                    yield _Edit(start, inside[0], "")
                    yield _Edit(inside[1], end, "")
                elif inner is None and is_decimal:
                    yield _Edit(start, start, "float(")
                    yield _Edit(end, end, ")")


def _is_count(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) is int


def _is_root(node: ast.AST) -> bool:
    """Whether a node is a power such as 27**(2/3), which is no fraction."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Pow)
        and not isinstance(node.right, ast.Constant | ast.Name)
    )


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for part, item in zip(target.elts, value.elts, strict=True):
            yield from _pairs(part, item)
    elif isinstance(target, ast.Name):
        yield target.id, value


def _prints(module: ast.Module) -> Iterator[ast.Call]:
    for statement in module.body:
        value = statement.value if isinstance(statement, ast.Expr) else None
        if isinstance(value, ast.Call) and _called(value) == "print":
            yield value


def _prints_value(module: ast.Module) -> bool:
    """Whether a program prints one value that is computed by arithmetic alone."""
    prints = list(_prints(module))
    is_plain = all(
        isinstance(statement, ast.Import | ast.ImportFrom | ast.Assign | ast.Expr) for statement in module.body
    )
    kinds = ast.List | ast.Tuple | ast.Dict | ast.comprehension | ast.Compare
    has_data = any(isinstance(node, kinds) for node in ast.walk(module))
    return is_plain and not has_data and len(prints) == 1 and len(prints[0].args) == 1


def _without_float(node: ast.expr) -> ast.expr | None:
    """Return what float(x), N(x) or x.evalf() is of; None for anything else."""
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("evalf", "n") and not node.args:
        return node.func.value
    return _without_float(node.args[0]) or node.args[0] if _called(node) in ("float", "N") and node.args else None


def work_out(code: str) -> str:
    """Return a program that prints expand(x) for x, a power or a product of sums of roots, which sympy leaves as it is.

    code: valid Python. A program with unknowns, whose expressions may have to stay as they are, is not changed.
    """
    module = ast.parse(code)
    names = {node.id for node in ast.walk(module) if isinstance(node, ast.Name)}
    values = {name: value for item in module.body if isinstance(item, ast.Assign) for name, value in _assigned(item)}
    prints = list(_prints(module))
    if not names & {"sqrt", "I"} or not re.search(r"^from sympy import ", code, re.MULTILINE) or names & _UNKNOWNS:
        return code
    if len(prints) != 1 or len(prints[0].args) != 1 or not _has_open_product(prints[0].args[0], values):
        return code
    writer = _Writer(code, "expand")
    start, end = writer.span(prints[0].args[0])
    return f"{code[:start]}expand({code[start:end]}){code[end:]}"


def _assigned(statement: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    for target in statement.targets:
        yield from _pairs(target, statement.value)


def _has_open_product(node: ast.expr, values: dict[str, ast.expr], depth: int = 0) -> bool:
    """Whether a value is a whole power of a sum, a product of two sums, or a sum of these."""
    node = _value(node, values)
    if depth > _MAX_DEPTH or not isinstance(node, ast.BinOp):
        return False
    sides = [_value(node.left, values), _value(node.right, values)]
    is_sum = [isinstance(side, ast.BinOp) and isinstance(side.op, ast.Add | ast.Sub) for side in sides]
    if isinstance(node.op, ast.Pow):
        return is_sum[0] and isinstance(sides[1], ast.Constant) and type(sides[1].value) is int
    if isinstance(node.op, ast.Mult) and all(is_sum):
        return True
    is_open = any(_has_open_product(side, values, depth + 1) for side in sides)
    return isinstance(node.op, ast.Add | ast.Sub) and is_open


def _value(node: ast.expr, values: dict[str, ast.expr]) -> ast.expr:
    """Return what a name stands for."""
    return values.get(node.id, node) if isinstance(node, ast.Name) else node
