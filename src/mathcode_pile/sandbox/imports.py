"""Read from a snippet's text which warm parent it needs, and whether it can run at all.

The trusted process chooses the parent by a pattern: parsing hostile text can exhaust a parser, and a wrong guess costs
only an import. Whether a snippet can run is read from its syntax tree, in the snippet's own process.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator, Sequence

from mathcode_pile.core.outcomes import Outcome

# A warm parent for each set of imports, the smallest first: the larger the parent, the slower its forks.
KINDS: dict[str, tuple[str, ...]] = {
    "bare": (),
    "light": ("math", "cmath", "fractions", "decimal", "statistics", "itertools", "collections", "functools"),
    "numpy": ("math", "fractions", "itertools", "numpy"),
    "sympy": ("math", "fractions", "itertools", "sympy"),
    "scipy": (
        "math", "fractions", "itertools", "numpy", "sympy", "scipy.optimize", "scipy.integrate", "scipy.linalg",
        "scipy.special", "scipy.stats",
    ),
}  # fmt: skip
HEAVY = {"numpy": {"numpy"}, "sympy": {"sympy", "mpmath"}, "scipy": {"numpy", "sympy", "mpmath", "scipy"}}
_IMPORT = re.compile(r"(?:^|[;:])[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import|import[ \t]+([\w., \t]+))", re.MULTILINE)


def imported_names(code: str) -> set[str]:
    """Return the top-level packages that lines of the text seem to import."""
    names: set[str] = set()
    for origin, several in _IMPORT.findall(code):
        parts = [origin] if origin else several.split(",")
        names.update(part.split()[0].partition(".")[0] for part in parts if part.strip())
    return names


def choose_kind(code: str) -> str:
    """Return the smallest warm parent that has what a snippet seems to import."""
    if "import" not in code:
        return "bare"
    names = imported_names(code)
    heavy = names & HEAVY["scipy"]
    if heavy:
        return next(kind for kind, held in HEAVY.items() if heavy <= held)
    # Most other packages need numpy, and start faster where it is loaded.
    if any(name not in sys.stdlib_module_names for name in names):
        return "numpy"
    return "light" if names else "bare"


def obstacle_finder(packages: Sequence[str]) -> Callable[[str], tuple[str, str] | None]:
    """Return a function that says what stops a snippet from running, if only `packages` may be imported."""
    known = frozenset(packages) | sys.stdlib_module_names

    def find(code: str) -> tuple[str, str] | None:
        suspicious = "input" in code or any(name not in known for name in imported_names(code))
        return next(_obstacles(ast.parse(code), known), None) if suspicious else None

    return find


def _obstacles(tree: ast.Module, known: frozenset[str]) -> Iterator[tuple[str, str]]:
    # Only statements that certainly run: none in a function, a branch or a try.
    for statement in tree.body:
        names: list[str] = []
        if isinstance(statement, ast.Import):
            names = [alias.name for alias in statement.names]
        elif isinstance(statement, ast.ImportFrom) and not statement.level:
            names = [statement.module or ""]
        for name in names:
            if name.partition(".")[0] not in known:
                yield Outcome.MISSING_MODULE, name.partition(".")[0]
        if isinstance(statement, ast.Assign | ast.Expr):
            for node in ast.walk(statement):
                if isinstance(node, ast.Lambda):
                    break
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "input":
                    yield Outcome.BLOCKED, "waits for input"


class OnlyPackages:
    """An importer that refuses all but the standard library and some packages, whatever else is installed.

    It makes outcomes the same in every environment that has these packages. It is no protection.
    """

    def __init__(self, packages: Sequence[str]) -> None:
        self.known = frozenset(packages) | sys.stdlib_module_names

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Raise ModuleNotFoundError for a top-level module that is not allowed."""
        if path is None and "." not in name and name not in self.known:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
