"""What becomes of executed snippets: kept, rejected with their verdict, dropped with a reason."""

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from mathcode_pile.core.documents import EXECUTED, VERIFIED
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.errors import InputError, ParamsError
from mathcode_pile.core.funnel import parse_reasons
from mathcode_pile.core.outcomes import Outcome
from mathcode_pile.core.params import parse_section
from mathcode_pile.core.shards import ShardWriter, read_rows
from stages.verify.reasons import Reason
from stages.verify.stage import VerifyParams, measure, read_labelled, verify_shard

PROJECT = Path(__file__).resolve().parents[2]


def snippet(document: str, position: int, result: str, stdout: str, outcome: str = "ok") -> dict[str, Any]:
    return {
        "document_id": document,
        "position": position,
        "title": "",
        "conditions": "",
        "expression": "",
        "result": result,
        "relation": "=",
        "code": "print()",
        "chain": position,
        "anchor": 0,
        "translator": "symbolic",
        "stdout": stdout,
        "outcome": outcome,
        "error": "" if outcome == "ok" else "it went wrong",
    }


SNIPPETS = [
    snippet("s/a", 0, "42", "42\n"),
    snippet("s/a", 1, r"\frac{1}{2}", "0.5\n"),
    snippet("s/b", 0, "42", "42\n"),
    snippet("s/b", 1, "7", "8\n"),
    snippet("s/c", 0, "5", "", "timeout"),
    snippet("s/c", 1, "x^2", "x**2\n"),
    snippet("s/d", 0, "see above", "3\n"),
]


def write(folder: Path, rows: list[dict[str, Any]]) -> Path:
    path = folder / "part-00000.parquet"
    with ShardWriter(path, EXECUTED) as shard:
        shard.write_rows(rows)
    return path


def verified(tmp_path: Path, rows: list[dict[str, Any]] = SNIPPETS, **params: Any) -> tuple[Any, Path]:
    out = tmp_path / "out"
    out.mkdir()
    return verify_shard(write(tmp_path, rows), out, VerifyParams(**params)), out


def ids(path: Path) -> list[str]:
    return [f"{row['document_id']}#{row['position']}" for row in pq.read_table(path).to_pylist()]


def test_only_verified_snippets_are_kept_and_each_other_has_a_reason(tmp_path: Path) -> None:
    report, out = verified(tmp_path, on_contradiction="document")
    assert ids(out / "documents.parquet") == ["s/a#0", "s/a#1", "s/c#1"]
    reasons = {row["id"]: row["reason"] for row in pq.read_table(out / "dropped.parquet").to_pylist()}
    assert reasons == {
        "s/b#0": "contradicted_document",
        "s/b#1": "contradicted",
        "s/c#0": "timeout",
        "s/d#0": "uncheckable",
    }
    assert report.read == 7 == report.kept + report.dropped.total()


def test_every_way_in_which_a_run_can_end_early_is_a_reason() -> None:
    assert {*Outcome} - {Outcome.OK} < {*Reason}


def test_rejected_snippets_can_be_looked_up_whole(tmp_path: Path) -> None:
    _, out = verified(tmp_path)
    table = pq.read_table(out / "rejected.parquet")
    assert table.schema.equals(VERIFIED)
    rows = {f"{r['document_id']}#{r['position']}": r for r in table.to_pylist()}
    wrong = rows["s/b#1"]
    assert (wrong["verdict"], wrong["stated"], wrong["printed"], wrong["stdout"]) == ("contradicted", "7", "8", "8\n")
    assert (rows["s/c#0"]["verdict"], rows["s/c#0"]["method"]) == ("uncheckable", "timeout")


def test_a_contradiction_costs_only_itself_where_params_say_so(tmp_path: Path) -> None:
    _, out = verified(tmp_path, on_contradiction="snippet")
    assert "s/b#0" in ids(out / "documents.parquet")


def test_a_contradiction_costs_by_default_what_shares_its_chain(tmp_path: Path) -> None:
    shared = [
        snippet("s/e", 0, "42", "42\n") | {"chain": 4},
        snippet("s/e", 1, "7", "8\n") | {"chain": 4},
        snippet("s/e", 2, "3", "3\n") | {"chain": 5},
        snippet("s/e", 3, "5", "5\n") | {"chain": 4, "translator": "another"},
    ]
    _, out = verified(tmp_path, shared)
    assert ids(out / "documents.parquet") == ["s/e#2", "s/e#3"]
    reasons = {row["id"]: row["reason"] for row in pq.read_table(out / "dropped.parquet").to_pylist()}
    assert reasons == {"s/e#0": "contradicted_chain", "s/e#1": "contradicted"}


def test_params_choose_which_verdicts_go_on(tmp_path: Path) -> None:
    _, out = verified(tmp_path, keep=["verified", "uncheckable"], on_contradiction="snippet")
    assert ids(out / "documents.parquet") == ["s/a#0", "s/a#1", "s/b#0", "s/c#0", "s/c#1", "s/d#0"]


def test_the_papers_rule_accepts_what_it_cannot_read(tmp_path: Path) -> None:
    _, out = verified(tmp_path, rule="paper", on_contradiction="snippet")
    assert ids(out / "documents.parquet") == ["s/a#0", "s/a#1", "s/b#0", "s/c#1", "s/d#0"]


def test_verdicts_and_methods_are_counted(tmp_path: Path) -> None:
    report, _ = verified(tmp_path)
    assert report.counts["verdict_verified"] == 4
    assert report.counts["verdict_contradicted"] == 1
    assert report.counts["method_numeric"] == 4
    assert report.counts["method_symbolic"] == 1


def test_a_document_torn_apart_in_a_shard_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="s/a do not follow each other"):
        verified(tmp_path, [SNIPPETS[0], SNIPPETS[2], SNIPPETS[1]])


def test_a_document_is_judged_whole_across_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mathcode_pile.core.shards.ROW_GROUP_ROWS", 3)
    monkeypatch.setattr("stages.verify.stage.BATCH_ROWS", 1)
    _, out = verified(tmp_path, on_contradiction="document")
    assert ids(out / "documents.parquet") == ["s/a#0", "s/a#1", "s/c#1"]


def test_an_unknown_verdict_or_key_in_params_is_named() -> None:
    with pytest.raises(ParamsError, match=r"verify\.keep"):
        parse_section("verify", {"keep": ["right"]}, VerifyParams)
    with pytest.raises(ParamsError, match=r"unknown key verify\.tolerance"):
        parse_section("verify", {"tolerance": 0.01}, VerifyParams)


def test_measure_counts_what_the_papers_rule_lets_in() -> None:
    pairs = [pair for pair in read_labelled() if pair["kind"] in ("integer", "decimal", "currency")]
    figures = measure(pairs, VerifyParams())
    assert figures["false_accepts"] <= 0.005 < 0.3 < figures["paper_false_accepts"]


def test_the_stage_writes_the_same_bytes_for_any_number_of_workers(
    tmp_path: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, one, many = tmp_path / "in" / "web", tmp_path / "one", tmp_path / "many" / "web"
    for index in range(3):
        rows = [row | {"document_id": f"{row['document_id']}{index}"} for row in SNIPPETS]
        with ShardWriter(source / f"part-{index:05d}.parquet", EXECUTED) as shard:
            shard.write_rows(rows)
    monkeypatch.setenv("MATHCODE_SCRATCH", str(tmp_path / "scratch"))
    monkeypatch.setenv("MATHCODE_WORKERS", "1")
    map_folder("verify", partial(verify_shard, params=VerifyParams()), source, one, [])
    monkeypatch.setenv("MATHCODE_WORKERS", "3")
    arguments = [str(source.parent), str(many.parent), "--metrics", str(tmp_path)]
    params = project / "params.yaml"
    params.write_text(
        params.read_text().replace("    filtered_openwebmath: {}\n    filtered_cc_en: {}\n", "    web: {}\n", 1)
    )
    environment = os.environ | {"PYTHONPATH": str(PROJECT)}
    subprocess.run(
        [sys.executable, "-m", "stages.verify", *arguments], check=True, env=environment, capture_output=True
    )

    files = [[(p.relative_to(out), p.read_bytes()) for p in sorted(out.rglob("*.parquet"))] for out in (one, many)]
    assert files[0] == files[1] and len(files[0]) == 9
    figures = json.loads((tmp_path / "web.json").read_text())
    assert figures["in"] == 21 == figures["kept"] + figures["dropped"]
    assert parse_reasons(figures["reasons"])["contradicted"] == 3
    assert figures["false_accepts"] <= 0.005 and figures["false_rejects"] <= 0.08 < figures["paper_false_accepts"]
    assert len(list(read_rows(many / "rejected"))) == 9


def test_a_shard_without_what_execute_adds_is_named(project: Path, tmp_path: Path) -> None:
    columns = [name for name in EXECUTED.names if name != "stdout"]
    shard = tmp_path / "part-00000.parquet"
    pq.write_table(EXECUTED.empty_table().select(columns), shard)
    with pytest.raises(InputError, match=r"part-00000\.parquet: no column 'stdout'"):
        verify_shard(shard, tmp_path / "out", parse_section("verify", {}, VerifyParams))
