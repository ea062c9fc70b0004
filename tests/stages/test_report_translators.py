"""The report compares the translators over all components, with examples."""

import json
from pathlib import Path
from typing import Any

from mathcode_pile.core.documents import VERIFIED
from mathcode_pile.core.shards import ShardWriter, shard_name
from stages.report.stage import write_report
from stages.report.translators import compare_translators


def translated(documents: int, kept: int, snippets: int, skipped: str = "", **more: int) -> dict[str, Any]:
    counts = {"in": documents, "kept": kept, "dropped": documents - kept, "reasons": "", "snippets": snippets}
    return counts | {"skipped": skipped} | more


def verified(kept: int, contradicted: int) -> dict[str, Any]:
    counts = {"in": kept + contradicted, "kept": kept, "dropped": contradicted}
    verdicts = {"verdict_verified": kept, "verdict_contradicted": contradicted}
    return counts | {"reasons": f"contradicted {contradicted}"} | verdicts


METRICS: dict[str, dict[str, Any]] = {
    "translate@web": {
        "in": 9,
        "symbolic": translated(9, 4, 10, "too_small 3"),
        "a model": translated(9, 2, 5, "not_recorded 7", repaired_import=2, repaired_print=1),
    },
    "translate@books": {"in": 1, "symbolic": translated(1, 1, 2, "too_small 1, ellipsis 1")},
    "verify@web": {"in": 15, "symbolic": verified(8, 2), "a model": verified(3, 2)},
    "verify@books": {"in": 2, "symbolic": verified(2, 0)},
}


def write_snippets(folder: Path) -> None:
    blank = dict.fromkeys(VERIFIED.names, "") | {"chain": 0, "anchor": 0, "verdict": "verified"}
    rows = [
        blank
        | {"document_id": f"d/{n}", "position": 0, "title": f"Title {n}", "code": "print(1 < 2)", "translator": name}
        for n, name in enumerate(["symbolic"] * 8 + ["a model"])
    ]
    with ShardWriter(folder / "web" / shard_name(0), VERIFIED) as shard:
        shard.write_rows(rows)


def test_each_translator_has_its_counts_over_all_components_and_examples(tmp_path: Path) -> None:
    write_snippets(tmp_path)
    symbolic, model = compare_translators(METRICS, tmp_path)
    assert (symbolic.name, symbolic.documents, symbolic.with_snippet, symbolic.snippets) == ("symbolic", 10, 5, 12)
    assert (symbolic.verdicts["verified"], symbolic.verdicts["contradicted"], symbolic.kept) == (10, 2, 10)
    assert (dict(symbolic.dropped), dict(symbolic.skipped)) == ({"contradicted": 2}, {"too_small": 4, "ellipsis": 1})
    assert (model.kept, model.repaired, dict(model.skipped)) == (3, 3, {"not_recorded": 7})
    assert [example["title"] for example in symbolic.examples] == ["Title 1", "Title 3", "Title 5"]
    assert [example["title"] for example in model.examples] == ["Title 8"]


def test_the_page_shows_both_side_by_side_and_escapes_their_code(tmp_path: Path) -> None:
    for name, values in METRICS.items():
        path = tmp_path / "metrics" / f"{name.replace('@', '/')}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values | {"kept": values["in"], "dropped": 0}), encoding="utf-8")
    write_snippets(tmp_path / "data" / "decontaminate" / "snippets")
    write_report(tmp_path / "metrics", tmp_path / "data", tmp_path / "out", "sample")
    page = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "The translators, side by side" in page and "not_recorded 7" in page
    assert "print(1 &lt; 2)" in page


def test_metrics_without_translators_have_no_row(tmp_path: Path) -> None:
    assert compare_translators({"translate@web": {"in": 1}, "verify@web": {"in": 1}}, tmp_path / "none") == []
