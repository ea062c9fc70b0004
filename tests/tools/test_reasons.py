"""Every drop reason is defined once, explained, and found in the source by the word that metrics print."""

import json
from pathlib import Path

import pytest
from conftest import ROOT

from mathcode_pile.core.funnel import parse_reasons
from stages.report.explanations import list_reasons
from tools.reasons import MARKS, PAGE, format_table

METRICS = sorted((ROOT / "metrics").rglob("*.json"))


def test_the_page_on_the_pipeline_has_the_table_of_the_enumerations() -> None:
    table = PAGE.read_text(encoding="utf-8").partition(MARKS[0])[2].partition(MARKS[1])[0]
    assert table == format_table(), "run `python -m tools reasons`"


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
