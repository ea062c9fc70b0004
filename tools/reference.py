"""Write the reference pages of the documentation from the code: parameters, columns, metrics.

A parameter's sentence stands below its field in the code. The sentences of columns and metrics are in
docs/meanings.yaml.
"""

import fnmatch
import types
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import pyarrow as pa
import yaml
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from mathcode_pile.core import documents
from mathcode_pile.core.params import SECTIONS, Section
from mathcode_pile.core.scratch import PROJECT
from tools.check import ENTRY_TYPES, TYPES
from tools.stage_params import read_stage_params

FOLDER = PROJECT / "docs" / "reference"
MEANINGS = PROJECT / "docs" / "meanings.yaml"
MADE = "<!-- Made by `python -m tools reference` from the code. Edit the code instead. -->\n\n"
_PLAIN: dict[Any, str] = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
_BOUNDS = {"gt": "> {}", "ge": "≥ {}", "lt": "< {}", "le": "≤ {}"}
# What stages add to documents.
ADDED = {
    "types": "data/annotate",
    "score_*": "data/classify",
    "component": "data/select and later",
    "matches": "data/decontaminate/contaminated",
}
SCHEMAS: dict[str, tuple[str, pa.Schema, pa.Schema | None]] = {
    "A document": ("all folders of documents, from data/fetch to data/corpus", documents.DOCUMENT, None),
    "A file": ("data/fetch, of PDFs", documents.FILE, None),
    "A snippet": ("data/translate", documents.SNIPPET, None),
    "An executed snippet": ("data/execute", documents.EXECUTED, documents.SNIPPET),
    "A verified snippet": ("data/verify, data/decontaminate", documents.VERIFIED, documents.EXECUTED),
    "A question": ("data/fetch_benchmarks", documents.QUESTION, None),
    "A dropped record": ("the folders `dropped` of each stage", documents.DROPPED, None),
}


class Table(NamedTuple):
    """A section's parameters: one page has each type of section once."""

    key: str
    """Dotted, as in YAML: `<name>` stands for any name, `[]` for an item of a list."""
    section: type[Section]


def list_tables() -> Iterator[Table]:
    """Yield every section, each type of section where it first stands."""
    seen: set[type[Section]] = set()
    for name, section in sorted({**TYPES, **ENTRY_TYPES}.items()):
        yield from _tables(name if name in TYPES else f"{name}.<name>", section, seen)


def _tables(key: str, section: type[Section], seen: set[type[Section]]) -> Iterator[Table]:
    if section in seen:
        return
    seen.add(section)
    yield Table(key, section)
    for name, field in section.model_fields.items():
        for suffix, inner in _sections_of(field.annotation):
            yield from _tables(f"{key}.{name}{suffix}", inner, seen)


def _sections_of(annotation: Any) -> Iterator[tuple[str, type[Section]]]:
    """Yield the sections that a type contains, with what stands between: `.<name>` of a mapping, `[]` of a list."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield "", annotation
        return
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (dict, Mapping):
        yield from ((f".<name>{suffix}", section) for suffix, section in _sections_of(arguments[1]))
    elif origin in (list, tuple):
        yield from ((f"[]{suffix}", section) for suffix, section in _sections_of(arguments[0]))
    elif origin in (Union, types.UnionType):
        for argument in arguments:
            yield from _sections_of(argument)
    elif origin is Annotated:
        yield from _sections_of(arguments[0])


def name_type(annotation: Any) -> str:
    """Return a type in words, for people who write YAML."""
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return name_type(arguments[0])
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys("null" if item is type(None) else name_type(item) for item in arguments))
    if origin in (list, tuple):
        return f"list of: {name_type(arguments[0])}"
    if origin in (dict, Mapping):
        return f"mapping to: {name_type(arguments[1])}"
    return "mapping" if isinstance(annotation, type) and issubclass(annotation, Section) else "any value"


def name_bounds(field: FieldInfo) -> str:
    """Return the bounds of a field's values, empty if it has none."""
    bounds = [
        form.format(value)
        for item in field.metadata
        for key, form in _BOUNDS.items()
        if (value := getattr(item, key, None)) is not None
    ]
    return ", ".join(bounds)


def name_default(field: FieldInfo) -> str:
    """Return a field's default as YAML would have it; `required` if it has none."""
    if field.default is PydanticUndefined:
        return "required" if field.default_factory is None else ""
    if isinstance(field.default, Section):
        return ""
    if field.default is None or isinstance(field.default, bool):
        return f"`{'null' if field.default is None else str(field.default).lower()}`"
    return f"`{list(field.default) if isinstance(field.default, tuple) else field.default}`"


def name_value(field: FieldInfo, keys: list[str], shipped: dict[str, Any]) -> str:
    """Return a field's default, and the value of params.yaml where that is another one.

    keys: the field's path in params.yaml; a path with `<name>` or `[]` stands for several values, which are not shown.
    shipped: the content of params.yaml.
    """
    default, value = name_default(field), shipped
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            is_in_profile = default == "required" and len(keys) == 2 and keys[0] in SECTIONS
            return "set by each profile" if is_in_profile else default
        value = value[key]
    if value == (list(field.default) if isinstance(field.default, tuple) else field.default):
        return default
    text = "" if isinstance(value, dict) else yaml.safe_dump(value, default_flow_style=True).splitlines()[0]
    if not text or len(text) > 60:
        return "see params.yaml" if default == "required" else default
    return f"`{text}` (params.yaml)" if default in ("required", "") else f"{default}; `{text}` (params.yaml)"


def format_parameters() -> str:
    """Return the page of all parameters."""
    stages = read_stage_params(PROJECT)
    shipped = yaml.safe_load((PROJECT / "params.yaml").read_text(encoding="utf-8"))
    lines = [
        MADE + "# Parameters",
        "",
        "Values stand in params.yaml (the method) or in profiles/*.yaml (sizes, models and addresses). An unknown key",
        "or a wrong value is an error that names it. When a value changes, `dvc repro` runs the stages named here,",
        "and then those that read what they wrote; `python -m tools affected KEY` lists all of them.",
        "",
        "The default is what counts where neither params.yaml nor the profile names the key. Where params.yaml has",
        "another value, it is named too.",
    ]
    places: dict[type[Section], str] = {}
    for key, section in list_tables():
        kind = section.model_fields.get("kind")
        is_origin = kind is not None and key.endswith("[]")
        title = f"{key}, kind {' or '.join(get_args(kind.annotation))}" if kind and is_origin else key
        places[section] = title
        lines += ["", f"## {title}", "", " ".join((section.__doc__ or "").split()), ""]
        if key.removesuffix(".<name>") in SECTIONS:
            named = sorted(name for name, keys in stages.items() if any(_reads(key, item) for item in keys))
            read_by = f"Read by: {', '.join(f'`{name}`' for name in named) or 'no stage'}."
            example = f" All that follow: `python -m tools affected {key}`." if named and key in shipped else ""
            lines += [read_by + example, ""]
        lines += ["| parameter | type | default | meaning |", "|---|---|---|---|"]
        for name, field in section.model_fields.items():
            kind_of = name_type(field.annotation) + (f", {bounds}" if (bounds := name_bounds(field)) else "")
            before = [places[inner] for _, inner in _sections_of(field.annotation) if inner in places]
            meaning = f"{field.description or ''}{_see(before)}"
            value = name_value(field, [*key.split("."), name], shipped)
            lines.append(f"| `{name}` | {_cell(kind_of)} | {_cell(value)} | {_cell(meaning)} |")
    return "\n".join(lines) + "\n"


def _see(places: list[str]) -> str:
    return f" See {places[0].partition(',')[0]}." if places else ""


def _reads(section: str, key: str) -> bool:
    """Whether a stage that depends on a key reads a part of a section."""
    return key.split(".")[0] == section.split(".")[0]


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


@cache
def read_meanings() -> dict[str, Any]:
    """Return the sentences of docs/meanings.yaml: of columns, and of metrics by stage."""
    meanings: dict[str, Any] = yaml.safe_load(MEANINGS.read_text(encoding="utf-8"))
    return meanings


def format_columns() -> str:
    """Return the page of all columns."""
    meaning = read_meanings()["columns"]
    lines = [MADE + "# Columns", "", "Every folder of documents or snippets holds Parquet files with these columns."]
    for title, (place, schema, base) in SCHEMAS.items():
        lines += ["", f"## {title}", "", f"In {place}.", ""]
        if base is not None:
            lines += [f"All columns of {_title_of(base)}, and:", ""]
        lines += ["| column | type | meaning |", "|---|---|---|"]
        for field in schema:
            if base is None or field.name not in base.names:
                lines.append(f"| `{field.name}` | {field.type} | {_cell(meaning[field.name])} |")
    lines += ["", "## What stages add to documents", "", "| column | in | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {place} | {_cell(meaning[name])} |" for name, place in ADDED.items()]
    return "\n".join(lines) + "\n"


def format_metrics() -> str:
    """Return the page of all metrics."""
    lines = [
        MADE + "# Metrics",
        "",
        "Each stage writes what it counted to metrics/<stage>.json, or to a file for each source or component in",
        "metrics/<stage>/. A * stands for the name of a component, a benchmark, a reason or the like; of several rows",
        "that fit a name, the first one counts. `reasons` and other counts by name are text: `name count, name count`.",
    ]
    for stage, meanings in read_meanings()["metrics"].items():
        lines += ["", f"## {'Every stage' if stage == '*' else stage}", "", "| metric | meaning |", "|---|---|"]
        lines += [f"| `{key}` | {_cell(sentence)} |" for key, sentence in meanings.items()]
    return "\n".join(lines) + "\n"


def explain_metric(stage: str, key: str) -> str | None:
    """Return the sentence of a stage's metric, None if it has none."""
    metrics = read_meanings()["metrics"]
    known = metrics["*"] | metrics.get(stage, {})
    return next((sentence for pattern, sentence in known.items() if fnmatch.fnmatchcase(key, pattern)), None)


def _title_of(schema: pa.Schema) -> str:
    return next(title.lower() for title, (_, other, _) in SCHEMAS.items() if other is schema)


def write_pages() -> None:
    """Write the reference pages."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in format_pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def format_pages() -> dict[str, str]:
    """Return each reference page by its file's name."""
    return {"parameters.md": format_parameters(), "columns.md": format_columns(), "metrics.md": format_metrics()}
