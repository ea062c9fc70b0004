"""Mend what models most often forget in a program that is right otherwise, without asking again.

Names that an earlier program of the same reply defines are defined by its lines, well-known names are imported, a
letter in a program that works with sympy becomes a symbol, and an expression in the last line is printed. What nothing
uses is taken out, and an exact result is computed with exact numbers.
"""

import ast
import builtins
import re

from stages.translate.computation import Computation
from stages.translate.replies.exact import make_exact, work_out

# Where a well-known name comes from. Python's own come first, because their results have fewer forms.
_HOMES = {
    "fractions": ["Fraction"],
    "decimal": ["Decimal"],
    "collections": ["Counter", "defaultdict", "deque"],
    "itertools": [
        "accumulate", "chain", "combinations", "combinations_with_replacement", "permutations", "product",
    ],
    "functools": ["lru_cache", "reduce"],
    "math": [
        "ceil", "comb", "factorial", "floor", "gcd", "hypot", "isqrt", "lcm", "log10", "log2", "perm", "radians",
        "degrees",
    ],
    "statistics": ["mean", "median", "mode", "pstdev", "pvariance", "stdev", "variance"],
    "sympy": [
        "Abs", "Eq", "Function", "I", "Integer", "Integral", "Interval", "Limit", "Matrix", "Piecewise", "Poly",
        "Product",
        "Rational", "S", "Sum", "Symbol", "acos", "apart", "asin", "atan", "binomial", "cancel", "cos", "cosh", "cot",
        "csc", "diff", "divisors", "dsolve", "exp", "expand", "factor", "factorint", "integrate", "isprime", "limit",
        "ln", "log", "nsolve", "oo", "pi", "prime", "primerange", "sec", "series", "simplify", "sin", "sinh", "solve",
        "solveset", "sqrt", "summation", "symbols", "tan", "tanh", "together", "totient",
    ],
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}
_MODULES = {"math", "fractions", "itertools", "statistics", "sympy", "cmath"}
_ALIASES = {"np": "import numpy as np", "sp": "import sympy as sp"}
# Where a program works with sympy's objects, their functions are sympy's too.
_SYMPY = re.compile(r"\b(?:sympy|symbols|Symbol)\b")
_NUMBER = re.compile(r"\d+\.\d+|\d{2,}")  # not those of Step 1, Step 2
_REPAIRS = ["earlier", "import", "symbol", "exact", "expand", "unused", "print"]
_SHARED = {"factorial", "gcd", "lcm"}


def repair_all(computations: list[Computation]) -> list[Computation]:
    """Return the computations of one reply with their programs repaired, and with the names of the repairs.

    These are `earlier`, `import`, `symbol`, `exact`, `expand`, `unused` and `print`. A program that is not valid
    Python, or needs no repair, stays as it is.
    """
    repaired: list[Computation] = []
    earlier: list[str] = []
    for computation in computations:
        mended, done = _repair(computation.code, earlier)
        earlier.append(mended)
        mended, polished = _polish(mended, computation.result)
        done = sorted([*done, *polished], key=_REPAIRS.index)
        repaired.append(computation._replace(code=mended, repairs=" ".join(done)))
    return repaired


def _repair(code: str, earlier: list[str]) -> tuple[str, list[str]]:
    tree = _parse(code)
    if tree is None:
        return code, []
    done = []
    if printed := _print_last(tree, code):
        code = printed
    if (unknown := _unknown_names(tree) - _HOME.keys() - _ALIASES.keys() - _MODULES) and (
        statements := _define(unknown, earlier)
    ):
        code = _put_before(statements, code)
        done.append("earlier")
    if imports := _missing_imports(_unknown_names(ast.parse(code)), code):
        code = _add_imports(code, imports)
        done.append("import")
    letters = sorted(name for name in _unknown_names(ast.parse(code)) if len(name) == 1)
    if letters and _SYMPY.search(code):
        defined = f'{", ".join(letters)} = symbols("{" ".join(letters)}")'
        code = _put_before(["from sympy import symbols", defined], code)
        done.append("symbol")
    return code, [*done, "print"] if printed else done


def _polish(code: str, result: str) -> tuple[str, list[str]]:
    """Return a program with exact numbers and without what nothing uses, and the names of these repairs."""
    if _parse(code) is None:
        return code, []
    polished = _without_unused(code)
    exact, name = make_exact(polished, result)
    done = ["exact"] if exact != polished else []
    module = {"Fraction": "fractions", "Rational": "sympy"}.get(name, "")
    if module and name not in _bound_names(ast.parse(exact)):
        exact = _add_imports(exact, [f"from {module} import {name}"])
        exact = re.sub(r"\A(from \w+ import \w+)\n(?!from |import |\n)", r"\1\n\n", exact)
    if (worked_out := work_out(exact)) != exact:
        exact = _add_imports(worked_out, ["from sympy import expand"])
        done.append("expand")
    if polished != code or (polished := _without_unused(exact)) != exact:
        done.append("unused")
    return _without_unused(exact), done


def _without_unused(code: str) -> str:
    """Return a program without the imports that nothing uses, and the numbers given a name that nothing uses.

    A comment on a line of its own with a number that the program does not have says nothing about it, and goes too.
    """
    tree = ast.parse(code)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    lines = code.split("\n")
    for node in reversed(tree.body):
        if node.lineno != node.end_lineno or ";" in lines[node.lineno - 1]:
            continue
        if isinstance(node, ast.ImportFrom | ast.Import):
            kept = [name for name in node.names if (name.asname or name.name).partition(".")[0] in {*used, "*"}]
            line = ast.unparse(type(node)(**{**vars(node), "names": kept})) if kept else ""
            replaced = [line] if kept else []
            if len(kept) < len(node.names):
                lines[node.lineno - 1 : node.lineno] = replaced
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.id if isinstance(target, ast.Name) else "" for target in node.targets]
            if all(name and name not in used for name in names):
                del lines[node.lineno - 1]
    numbers = {number for line in lines if not line.lstrip().startswith("#") for number in _NUMBER.findall(line)}
    if '"""' not in code and "'''" not in code:
        lines = [line for line in lines if not line.startswith("#") or numbers.issuperset(_NUMBER.findall(line))]
    return "\n".join(lines).strip("\n")


def _parse(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _unknown_names(tree: ast.Module) -> set[str]:
    """Return the names that a program uses and nothing in it can have defined."""
    nodes = list(ast.walk(tree))
    if any(isinstance(node, ast.ImportFrom) and any(a.name == "*" for a in node.names) for node in nodes):
        return set()  # a star may have imported them
    used = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return used - _bound_names(tree) - set(dir(builtins))


def _define(names: set[str], earlier: list[str]) -> list[str]:
    """Return what the last earlier program that defines all the names needs to define them; empty if none does."""
    for code in reversed(earlier):
        tree = _parse(code)
        if tree and names <= _bound_names(tree):
            needed, kept = set(names), list[str]()
            for statement in reversed(tree.body):
                module = ast.Module([statement], [])
                if not _prints(statement) and needed & _bound_names(module):
                    needed |= {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
                    kept.append(ast.get_source_segment(code, statement) or "")
            return kept[::-1]
    return []


def _join_imports(lines: list[str]) -> list[str]:
    """Return the lines of imports with one for each module: its names in the order of the lines."""
    names: dict[str, list[str]] = {}
    for line in lines:
        start, _, imported = line.partition(" import ") if "(" not in line else (line, "", "")
        names.setdefault(start, []).extend(name.strip() for name in imported.split(",") if name.strip())
    return [f"{start} import {', '.join(dict.fromkeys(own))}" if own else start for start, own in names.items()]


def _put_before(statements: list[str], code: str) -> str:
    """Return a program that begins with earlier statements: imports first, each once."""
    own = []
    for node in ast.parse(code).body:
        if not isinstance(node, ast.Import | ast.ImportFrom):
            break
        own.append(node)
    imports = [line for line in statements if line.startswith(("import ", "from "))]
    imports += [ast.get_source_segment(code, node) or "" for node in own]
    rest = "\n".join(code.splitlines()[own[-1].end_lineno or 0 :] if own else code.splitlines()).strip("\n")
    defined = [line for line in statements if not line.startswith(("import ", "from "))]
    return "\n".join([*_join_imports(imports), *([""] if imports else []), *defined, rest])


def _add_imports(code: str, lines: list[str]) -> str:
    """Return a program with further imports, each joined to its own line about the module where it has one."""
    for line in reversed(lines):
        start, _, names = line.partition(" import ")
        own = re.search(rf"^{re.escape(start)} import [\w, ]+$", code, re.MULTILINE) if names else None
        code = f"{code[: own.end()].rstrip()}, {names}{code[own.end() :]}" if own else f"{line}\n{code}"
    return code


def _prints(node: ast.AST) -> bool:
    return any(
        isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "print"
        for inner in ast.walk(node)
    )


def _missing_imports(unknown: set[str], code: str) -> list[str]:
    """Return the lines that import the well-known ones among a program's unknown names."""
    is_symbolic = bool(_SYMPY.search(code))
    lines: dict[str, list[str]] = {}
    for name in sorted(unknown):
        if name in _ALIASES:
            lines[_ALIASES[name]] = []
        elif name in _MODULES:
            lines[f"import {name}"] = []
        elif is_symbolic and name in _SHARED:
            lines.setdefault("from sympy import", []).append(name)
        elif name in _HOME:
            lines.setdefault(f"from {_HOME[name]} import", []).append(name)
    return [f"{line} {', '.join(names)}" if names else line for line, names in sorted(lines.items())]


def _bound_names(tree: ast.Module) -> set[str]:
    """Return every name that a program binds anywhere."""
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
    return bound


def _print_last(tree: ast.Module, code: str) -> str:
    """Return the program with its last expression printed; empty where something prints already, or nothing can."""
    if _prints(tree) or not tree.body:
        return ""
    last = tree.body[-1]
    if isinstance(last, ast.Assign) and len(last.targets) == 1 and isinstance(last.targets[0], ast.Name):
        return f"{code.rstrip()}\nprint({last.targets[0].id})"
    if not isinstance(last, ast.Expr) or isinstance(last.value, ast.Constant):  # a constant: quoted text, no result
        return ""
    lines = code.encode().splitlines(keepends=True)  # ast counts columns in bytes
    before = b"".join(lines[: last.lineno - 1]) + lines[last.lineno - 1][: last.col_offset]
    return f"{before.decode()}print({ast.get_source_segment(code, last.value)})"
