"""Tell whether two programs compute the same from the same numbers, whatever they call them."""

import ast
import copy

_MAX_NODES = 500


def computed_of(code: str) -> str:
    """Return what a program prints, written with its numbers in place of names; "" if it is not made of assignments.

    `n = 6`, `k = 4`, `print(comb(n, k))` gives `comb(6, 4)`. A long one gives "" too.
    """
    try:
        module = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ""
    values: dict[str, ast.expr] = {}
    printed: list[str] = []
    for statement in module.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], _Inline(values).visit(copy.deepcopy(statement.value))
            if not isinstance(target, ast.Name) or sum(1 for _ in ast.walk(value)) > _MAX_NODES:
                return ""
            values[target.id] = value
        elif isinstance(statement, ast.Expr):
            printed.append(ast.unparse(_Inline(values).visit(copy.deepcopy(statement.value))))
        elif not isinstance(statement, ast.Import | ast.ImportFrom):
            return ""
    return "\n".join(printed)


class _Inline(ast.NodeTransformer):
    """Puts the values of names in their place."""

    def __init__(self, values: dict[str, ast.expr]) -> None:
        self.values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Return the value of a name that is read."""
        return copy.deepcopy(self.values.get(node.id, node)) if isinstance(node.ctx, ast.Load) else node
