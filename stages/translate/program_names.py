"""Read and change the names of a program."""

import ast


def printed_name(module: ast.Module) -> str:
    """Return the name whose value a program prints, "" if it prints something else, or more."""
    calls = [node.value for node in module.body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)]
    names = [item.id if isinstance(item, ast.Name) else "" for call in calls for item in call.args]
    return names[0] if len(names) == 1 else ""


def rename(code: str, name: str, new: str) -> str:
    """Return a program with another name for one that it has; the program is valid Python."""
    own = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name) and node.id == name]
    lines = code.encode().splitlines(keepends=True)  # ast counts columns in bytes
    for node in sorted(own, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        line = lines[node.lineno - 1]
        end = node.col_offset + len(name.encode())
        lines[node.lineno - 1] = line[: node.col_offset] + new.encode() + line[end:]
    return b"".join(lines).decode()
