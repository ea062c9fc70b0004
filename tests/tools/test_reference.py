"""The reference pages are made from the code, and nothing in them lacks its sentence."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from mathcode_pile.core.scratch import PROJECT
from stages.evaluate.evaluate_params import Task
from tools.reference import (
    ADDED,
    FOLDER,
    SCHEMAS,
    explain_metric,
    format_pages,
    list_tables,
    name_bounds,
    name_default,
    name_type,
    name_value,
    read_meanings,
)
from tools.stage_params import read_stage_params

FIELDS = [(table.key, name, field) for table in list_tables() for name, field in table.section.model_fields.items()]
CODE = re.compile(r"^\*\*`([^`]+)`", re.MULTILINE)


@pytest.mark.parametrize(("key", "name", "field"), FIELDS, ids=[f"{key}.{name}" for key, name, _ in FIELDS])
def test_every_parameter_has_a_sentence(key: str, name: str, field: Any) -> None:
    assert field.description and field.description.strip().endswith((".", "?")), (
        f"{key}.{name} has no docstring below it"
    )


def test_every_column_has_a_sentence_and_no_sentence_is_left_over() -> None:
    columns = {field.name for _, schema, _ in SCHEMAS.values() for field in schema} | ADDED.keys()
    assert columns | {"bounds", "tokens"} == read_meanings()["columns"].keys()


def _keys(values: dict[str, Any]) -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _keys(value)
        else:
            yield key


@pytest.mark.parametrize("path", sorted((PROJECT / "metrics").rglob("*.json")), ids=lambda path: path.name)
def test_every_metric_has_a_sentence(path: Path) -> None:
    stage = path.relative_to(PROJECT / "metrics").parts[0].removesuffix(".json")
    keys = set(_keys(json.loads(path.read_text(encoding="utf-8"))))
    assert {key for key in keys if explain_metric(stage, key) is None} == set()
    # The row `*` is for the scores alone.
    rest = read_meanings()["metrics"].get(stage, {}).get("*", "")
    scores = {key.removesuffix("_program") for key in keys if explain_metric(stage, key) == rest}
    assert scores <= {*get_args(Task)}


@pytest.mark.parametrize("name", format_pages())
def test_the_pages_are_those_that_the_code_gives(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == format_pages()[name], "run `python -m tools reference`"


def test_types_and_bounds_are_in_words() -> None:
    fields = {f"{key}.{name}": field for key, name, field in FIELDS}
    assert name_type(fields["deduplicate.priority"].annotation) == "list of: text"
    assert name_bounds(fields["deduplicate.min_similarity"]) == "> 0, ≤ 1"
    assert name_type(fields["verify.on_contradiction"].annotation) == "`snippet` or `chain` or `document`"


def test_a_default_is_that_of_the_code_with_the_value_of_params_beside_it() -> None:
    fields = {(key, name): field for key, name, field in FIELDS}
    shipped = {"execute": {"timeout_s": 10, "packages": ["numpy"]}, "corpus": {"translated": {"form": "page"}}}

    def value_of(key: str, name: str) -> str:
        return name_value(fields[key, name], [*key.split("."), name], shipped)

    assert value_of("execute", "timeout_s") == "`10` (params.yaml)"
    assert value_of("execute", "packages").endswith("; `[numpy]` (params.yaml)")
    assert value_of("corpus", "title") == "set by each profile"
    assert value_of("corpus.translated", "context_characters") == "`2000`"
    assert value_of("fetch.<name>.origins[]", "limits") == name_default(fields["fetch.<name>.origins[]", "limits"])


def test_the_stages_that_read_a_section_are_those_of_dvc_yaml() -> None:
    stages = read_stage_params(PROJECT)
    assert {"verify", "translate.components"} == set(stages["verify"])
    assert [name for name, keys in stages.items() if "mixture" in keys] == ["pack", "pretrain"]


def test_messages_that_the_documentation_explains_are_those_of_the_program() -> None:
    page = (PROJECT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    code = "\n".join(
        path.read_text(encoding="utf-8")
        for folder in ("src", "stages", "tools")
        for path in (PROJECT / folder).rglob("*")
        if path.suffix in (".py", ".sh")
    )
    code = re.sub(r'"\s*\n\s*f?"', "", code)
    words = [message for message in CODE.findall(page) if message not in ("dvc repro",)]
    assert len(words) > 8
    assert [message for message in words if message not in code] == []
