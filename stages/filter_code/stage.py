"""Keep code that really imports one of the mathematical packages: Python files and notebooks.

Imports are read from the syntax tree; from tokens where a file does not parse (Python 2, magics,
broken files). A package named in a string or a comment does not count.
"""

import ast
import json
import re
import tokenize
import warnings
from collections.abc import Iterator
from functools import partial
from operator import length_hint
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
from pydantic import Field

from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.funnel import Failed, Funnel, Report, attempt
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import read_schema
from stages.filter_code.reasons import Reason

Layout = Literal["python", "notebook"]

# Above this the parser needs gigabytes; the tokens are read line by line.
MAX_PARSED_CHARACTERS = 4_000_000
# Each restart may read to the end of the file; a file is read so many times over at most.
MAX_READINGS = 5


class CodeSourceParams(Section):
    """How one source of code is laid out."""

    input: str
    layout: Layout


class FilterCodeParams(Section):
    """Which imports make code mathematical."""

    packages: list[str] = Field(min_length=1)
    sources: dict[str, CodeSourceParams]


class Cell(NamedTuple):  # one cell of a notebook
    kind: Literal["text", "code", "output"]
    content: str


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


def read_cells(text: str) -> list[Cell] | None:
    """Return the cells of a notebook in any of three layouts; None where it is none of them.

    .ipynb JSON (formats 3 and 4), StarCoder's structured layout with <jupyter_...> markers, and
    StarCoder's script layout (a script with `# In[3]:` marks is one code cell).
    """
    if text.lstrip()[:1] == "{":
        return _read_ipynb(text)
    if "<jupyter_" in text:
        return list(_read_structured(text))
    # A script needs a line that could be code.
    return [Cell("code", text)] if re.search(r"^\s*(#|import |from |\w+ *[=(.])", text, re.MULTILINE) else None


def _read_ipynb(text: str) -> list[Cell] | None:
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        return None
    cells = notebook.get("cells")
    if cells is None:
        sheets = notebook.get("worksheets")
        if not isinstance(sheets, list):
            return None
        cells = [c for sheet in sheets if isinstance(sheet, dict) for c in _listed(sheet.get("cells"))]
    found: list[Cell] = []
    for cell in cells if isinstance(cells, list) else []:
        if not isinstance(cell, dict):
            continue
        content = _joined(cell.get("source", cell.get("input", "")))
        if cell.get("cell_type") == "code":
            found.append(Cell("code", content))
            found += [Cell("output", shown) for o in _listed(cell.get("outputs")) if (shown := _output_text(o))]
        elif cell.get("cell_type") in ("markdown", "heading", "raw"):
            found.append(Cell("text", content))
    return [cell for cell in found if cell.content.strip()]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _joined(value: Any) -> str:
    return "".join(str(part) for part in value) if isinstance(value, list) else value if isinstance(value, str) else ""


def _output_text(output: Any) -> str:
    if not isinstance(output, dict):
        return ""
    data = output.get("data")
    return _joined(output.get("text") or (data.get("text/plain") if isinstance(data, dict) else ""))


def _read_structured(text: str) -> Iterator[Cell]:
    kinds: dict[str, Literal["text", "code", "output"]] = {"text": "text", "code": "code", "output": "output"}
    parts = re.split(r"<jupyter_(start|text|code|output|empty_output)>", text)
    for marker, content in zip(parts[1::2], parts[2::2], strict=True):
        if marker in kinds and content.strip():
            yield Cell(kinds[marker], content.strip("\n"))


def render_notebook(cells: list[Cell]) -> str:
    """Return a notebook as Markdown: text as it is, code and output fenced."""
    opened = {"text": "", "code": "```python\n", "output": "```output\n"}
    parts = []
    for cell in cells:
        content = cell.content.strip("\n")
        parts.append(opened[cell.kind] + content + ("" if cell.kind == "text" else "\n```"))
    return "\n\n".join(parts)


def filter_code(folder: Path, out: Path, packages: list[str], layout: Layout) -> Report:
    """Keep the documents of a folder that import one of `packages`, notebooks rendered as Markdown."""
    work = partial(_filter_shard, packages=frozenset(packages), layout=layout)
    return map_folder("filter_code", work, folder, out, [sorted(packages), layout])


def _filter_shard(shard: Path, folder: Path, packages: frozenset[str], layout: Layout) -> Report:
    schema = read_schema(shard, ["id", "text"])
    index = schema.get_field_index("text")
    with Funnel.of_shard(folder, schema) as funnel:
        for batch in funnel.read(shard):
            rows, texts = [], []
            for row, (name, text) in enumerate(zip(batch["id"].to_pylist(), batch["text"].to_pylist(), strict=True)):
                judged = attempt(judge_code, text, packages, layout)
                if isinstance(judged, Failed):
                    funnel.fail(name, judged)
                elif isinstance(judged, Reason):
                    funnel.drop(name, judged)
                else:
                    rows.append(row)
                    texts.append(judged)
            kept = batch.take(pa.array(rows, pa.int64()))
            funnel.keep(kept.set_column(index, schema.field(index), pa.array(texts, pa.large_string())))
    return funnel.report


def judge_code(text: str, packages: frozenset[str], layout: Layout) -> str | Reason:
    """Return a file's text as it goes on, a notebook as Markdown; the reason where it is dropped."""
    if layout == "python":
        return text if imported_packages(text) & packages else Reason.NO_MATHEMATICAL_IMPORT
    cells = read_cells(text)
    if cells is None:
        return Reason.NOT_A_NOTEBOOK
    code = [cell.content for cell in cells if cell.kind == "code"]
    if not any(imported_packages(content) & packages for content in code):
        return Reason.NO_MATHEMATICAL_IMPORT
    if len(cells) == 1 and cells[0].kind == "code":
        return text
    return render_notebook(cells)
