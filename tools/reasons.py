"""Write the types of pieces and the drop reasons of all stages into the tables of docs/pipeline.md."""

import ast
import inspect

from mathcode_pile.core.scratch import PROJECT
from stages.annotate.rules import PieceType
from stages.report.explanations import list_reasons

PAGE = PROJECT / "docs" / "pipeline.md"


def name_type(number: int) -> str:
    """Return the name of a type of piece in words: `problem and solution`."""
    return PieceType(number).name.lower().replace("_", " ")


def format_types() -> str:
    """Return the Markdown table of the types that annotate gives to pieces, with the sentences below their names."""
    (body,) = (one.body for one in ast.parse(inspect.getsource(PieceType)).body if isinstance(one, ast.ClassDef))
    said = [str(one.value.value) for one in body if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)]
    lines = ["| type | name | meaning |", "|---|---|---|"]
    lines += [f"| {kind} | {name_type(kind)} | {text} |" for kind, text in zip(PieceType, said[1:], strict=True)]
    return "\n".join(lines) + "\n"


def format_reasons() -> str:
    """Return the Markdown table of all reasons."""
    lines = ["| defined in | reason | meaning |", "|---|---|---|"]
    before = ""
    for folder, reason in list_reasons():
        shown = "" if folder == before else f"`{folder}`" if "/" in folder else folder
        lines.append(f"| {shown} | `{reason.value}` | {reason.sentence} |")
        before = folder
    return "\n".join(lines) + "\n"


TABLES = {"types": format_types, "reasons": format_reasons}
"""The tables of the page, each between a mark with its name, `<!-- types -->`, and one that ends it."""


def fill_tables(text: str) -> str:
    """Return the page with its tables as the code has them."""
    for name, format_table in TABLES.items():
        head, mark, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- /{name} -->\n")
        text = head + mark + format_table() + end + tail
    return text


def write_tables() -> None:
    """Put the tables between their marks in docs/pipeline.md."""
    PAGE.write_text(fill_tables(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
