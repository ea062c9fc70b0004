"""Every drop reason is defined once, explained, and found in the source by the word that metrics print."""

import json
from pathlib import Path

import pytest
from conftest import ROOT

from mathcode_pile.core.funnel import parse_reasons
from stages.report.explanations import list_reasons
from tools.reasons import PAGE, TABLES, fill_tables, format_types

METRICS = sorted((ROOT / "metrics").rglob("*.json"))


def test_the_page_on_the_pipeline_has_the_tables_of_the_enumerations() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(text.count(f"<!-- {name} -->\n") == text.count(f"<!-- /{name} -->\n") == 1 for name in TABLES)
    assert fill_tables(text) == text, "run `python -m tools reasons`"


def test_every_type_of_a_piece_has_its_name_and_its_own_sentence() -> None:
    rows = [row.strip("| ").split(" | ") for row in format_types().splitlines()[2:]]
    assert [row[0] for row in rows] == [str(number) for number in range(1, 8)]
    assert rows[1][1] == "concept or theory" and rows[1][2].startswith("Explains, defines, proves")
    assert len({row[2] for row in rows}) == 7


def test_every_reason_has_a_sentence() -> None:
    for place, reason in list_reasons():
        assert reason.sentence[0].isupper() or reason.sentence.startswith("vLLM"), (place, reason)
        assert reason.sentence.endswith("."), (place, reason)
        assert reason.value == reason.name.lower(), (place, reason)


@pytest.mark.parametrize("path", METRICS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_reason_in_the_metrics_is_one_of_the_enumerations(path: Path) -> None:
    metrics = json.loads(path.read_text(encoding="utf-8"))
    known = {reason.value for _, reason in list_reasons()}
    assert set(parse_reasons(metrics.get("reasons", ""))) | set(parse_reasons(metrics.get("skipped", ""))) <= known
