"""The report compares the translators over all components."""

from typing import Any

from stages.report.translators import compare_translators, explain_translators


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


def test_each_translator_has_its_counts_over_all_components() -> None:
    symbolic, model = compare_translators(METRICS)
    assert (symbolic.name, symbolic.documents, symbolic.with_snippet, symbolic.snippets) == ("symbolic", 10, 5, 12)
    assert (symbolic.verdicts["verified"], symbolic.verdicts["contradicted"], symbolic.kept) == (10, 2, 10)
    assert (dict(symbolic.dropped), dict(symbolic.skipped)) == ({"contradicted": 2}, {"too_small": 4, "ellipsis": 1})
    assert (model.kept, model.repaired, dict(model.skipped)) == (3, 3, {"not_recorded": 7})
    assert symbolic.counts() == {
        "translator": "symbolic",
        "documents": 10,
        "with_snippet": 5,
        "snippets": 12,
        "verified": 10,
        "contradicted": 2,
        "uncheckable": 0,
        "kept": 10,
        "repaired": 0,
    }


def test_each_reason_in_the_comparison_is_explained() -> None:
    found = explain_translators(compare_translators(METRICS))
    assert [(one.reason, one.stages) for one in found] == [
        ("contradicted", ["verify"]),
        ("not_recorded", ["translate"]),
        ("too_small", ["translate"]),
        ("ellipsis", ["translate"]),
    ]
    assert explain_translators([]) == []


def test_metrics_without_translators_have_no_row() -> None:
    assert compare_translators({"translate@web": {"in": 1}, "verify@web": {"in": 1}}) == []
