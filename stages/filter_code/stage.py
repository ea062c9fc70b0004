"""Keep code that really imports one of the mathematical packages: Python files and notebooks."""

import json
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import pyarrow as pa
from pydantic import Field

from mathcode_pile.core.documents import encode_metadata
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.funnel import Failed, Funnel, Report, attempt
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import read_schema
from stages.filter_code.imports import imported_packages
from stages.filter_code.notebooks import clean_cell, is_script, read_cells, render_notebook
from stages.filter_code.reasons import Reason
from stages.filter_code.starcoder import split_head

Layout = Literal["python", "notebook"]


class CodeSourceParams(Section):
    """How one source of code is laid out."""

    input: str
    """The folder below data/ with the code; dvc.yaml reads it."""
    layout: Layout
    """python: a file is a program. notebook: a file is a Jupyter notebook."""


class FilterCodeParams(Section):
    """Which imports make code mathematical."""

    packages: list[str] = Field(min_length=1)
    """Code is kept if it imports one of these packages."""
    sources: dict[str, CodeSourceParams]
    """The sources of code."""


class Kept(NamedTuple):  # a file that is kept
    text: str
    metadata: str
    """JSON."""


def filter_code(folder: Path, out: Path, packages: list[str], layout: Layout) -> Report:
    """Keep the documents of a folder that import one of `packages`, notebooks rendered as Markdown.

    The line of metadata before a file of StarCoder becomes metadata of the document.
    """
    work = partial(_filter_shard, packages=frozenset(packages), layout=layout)
    return map_folder("filter_code", work, folder, out, [sorted(packages), layout])


def _filter_shard(shard: Path, folder: Path, packages: frozenset[str], layout: Layout) -> Report:
    schema = read_schema(shard, ["id", "text", "metadata"])
    with Funnel.of_shard(folder, schema) as funnel:
        for batch in funnel.read(shard):
            rows, kept = [], []
            for row, (name, text, metadata) in enumerate(
                zip(*(batch[column].to_pylist() for column in ("id", "text", "metadata")), strict=True)
            ):
                judged = attempt(judge_code, text, metadata, packages, layout)
                if isinstance(judged, Failed):
                    funnel.fail(name, judged)
                elif isinstance(judged, Reason):
                    funnel.drop(name, judged)
                else:
                    rows.append(row)
                    kept.append(judged)
            taken = batch.take(pa.array(rows, pa.int64()))
            for column, values in zip(Kept._fields, zip(*kept, strict=True), strict=False):
                place = schema.get_field_index(column)
                taken = taken.set_column(place, schema.field(place), pa.array(values, schema.field(place).type))
            funnel.keep(taken)
    return funnel.report


def judge_code(content: str, metadata: str, packages: frozenset[str], layout: Layout) -> Kept | Reason:
    """Return a file as it is kept, a notebook as Markdown; the reason where it is dropped.

    A notebook in StarCoder's script layout is Python already, and stays so.
    """
    text, head = split_head(content)
    if head:
        metadata = encode_metadata(**(json.loads(metadata) | head))
    if layout == "python":
        return Kept(text, metadata) if imported_packages(text) & packages else Reason.NO_MATHEMATICAL_IMPORT
    cells = read_cells(text.lstrip())
    if cells is None and (text.lstrip().startswith("{") or not is_script(text)):
        return Reason.NOT_A_NOTEBOOK
    code = [text] if cells is None else [cell.content for cell in cells if cell.kind == "code"]
    if not any(imported_packages(content) & packages for content in code):
        return Reason.NO_MATHEMATICAL_IMPORT
    return Kept(clean_cell("code", text) if cells is None else render_notebook(cells), metadata)
