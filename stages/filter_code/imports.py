"""Find the packages that Python source imports.

Imports are read from the syntax tree; from tokens where a file does not parse (Python 2, magics, broken files). A
package named in a string or a comment does not count.
"""

import ast
import re
import tokenize
import warnings
from collections.abc import Iterator
from operator import length_hint

# Above this the parser needs gigabytes; the tokens are read line by line.
MAX_PARSED_CHARACTERS = 4_000_000
# Each restart may read to the end of the file; a file is read so many times over at most.
MAX_READINGS = 5


def imported_packages(source: str) -> set[str]:
    """Return the top-level names of the packages that Python source imports, relative imports excluded."""
    if len(source) <= MAX_PARSED_CHARACTERS:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # invalid escapes in the parsed file
                tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            pass
        else:
            return set(_imports_of_tree(tree))
    return set(_imports_of_tokens(source))


def _imports_of_tree(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]


def _imports_of_tokens(source: str) -> Iterator[str]:
    """Read import statements from tokens; a line that has none to give (a magic) is passed over."""
    lines = source.splitlines(keepends=True)
    start = read = 0
    while start < len(lines):
        if read > MAX_READINGS * len(lines):
            yield from _imports_of_lines(lines[start:])
            return
        statement: list[str] = []
        reached = start
        waiting = iter(lines[start:])
        try:
            for token in tokenize.generate_tokens(waiting.__next__):
                if token.type in (tokenize.NEWLINE, tokenize.ENDMARKER) or token.string in (";", ":"):
                    yield from _imports_of_statement(statement)
                    statement = []
                    if token.type == tokenize.NEWLINE:
                        reached = start + token.end[0]
                elif token.type in (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING):
                    statement.append(token.string)
            return
        except (tokenize.TokenError, SyntaxError, StopIteration):
            yield from _imports_of_statement(statement)
            read += len(lines) - start - length_hint(waiting)
            start = max(reached, start) + 1


def _imports_of_lines(lines: list[str]) -> Iterator[str]:
    """Read import statements line by line, where a file is too broken for tokens."""
    for line in lines:
        for statement in line.split(";"):
            yield from _imports_of_statement(re.findall(r"\w+|[.,]", statement.split("#")[0]))


def _imports_of_statement(tokens: list[str]) -> Iterator[str]:
    if len(tokens) >= 2 and tokens[0] == "import":
        is_name = True
        for token in tokens[1:]:
            if is_name and token.isidentifier():
                yield token
            is_name = token == ","
    elif len(tokens) >= 4 and tokens[0] == "from" and tokens[1].isidentifier() and "import" in tokens[2:]:
        yield tokens[1]
