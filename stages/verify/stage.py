"""Compare each snippet's output with the result its document states, and keep what is verified.

The comparison is answers/'s; here is what becomes of the snippets. A document's snippets stand side by side in
one shard, as translate writes them.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from mathcode_pile.answers import Checker, Comparison, compare_by_paper
from mathcode_pile.core.documents import DROPPED, EXECUTED, VERIFIED
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import ShardWriter, read_batches, read_schema

LABELLED = Path(__file__).with_name("labelled_pairs.jsonl")
"""Pairs of a stated result and an output, each `right`, `wrong` or `uncheckable`, by which verify is measured."""

BATCH_ROWS = 2_000


class VerifyParams(Section):
    """How a printed result is compared with the stated one, and what goes on."""

    keep: tuple[Literal["verified", "contradicted", "uncheckable"], ...] = ("verified",)
    """Verdicts whose snippets go on."""
    rule: Literal["digits", "paper"] = "digits"
    """digits: rounding judged by the digits stated. paper: the published rule, which accepts nearly all."""
    timeout_s: float = Field(default=5, gt=0)
    """Processor seconds that computer algebra may take for one pair."""
    drop_contradicted_documents: bool = True
    """Whether one contradicted snippet takes its document's others with it."""


def verify(executed: Path, out: Path, params: VerifyParams) -> Report:
    """Judge the executed snippets of a component's shards and write them to `out`."""
    key = [params.model_dump(mode="json")]
    return map_folder("verify", partial(verify_shard, params=params), executed, out, key)


def verify_shard(shard: Path, folder: Path, params: VerifyParams) -> Report:
    """Judge a shard's executed snippets; write the kept, the rejected (whole, with verdict), the dropped (reasons)."""
    report = Report()
    with (
        ShardWriter(folder / "documents.parquet", VERIFIED) as kept,
        ShardWriter(folder / "rejected.parquet", VERIFIED) as rejected,
        ShardWriter(folder / "dropped.parquet", DROPPED) as dropped,
        Checker(params.timeout_s) as checker,
    ):
        for rows in _chunks(_documents(shard)):
            judged = [row | judge_snippet(row, params, checker)._asdict() for row in rows]
            for row in judged:
                report.counts[f"verdict_{row['verdict']}"] += 1
                report.counts[f"method_{row['method']}"] += 1
            reasons = list(_reasons(judged, params))
            report.read += len(judged)
            report.kept += reasons.count("")
            report.dropped.update(reason for reason in reasons if reason)
            pairs = list(zip(judged, reasons, strict=True))
            kept.write_rows([row for row, reason in pairs if not reason])
            rejected.write_rows([row for row, reason in pairs if reason])
            dropped.write_rows([_drop(row, reason) for row, reason in pairs if reason])
    return report


def judge_snippet(row: dict[str, Any], params: VerifyParams, checker: Checker) -> Comparison:
    """Return the verdict on one executed snippet; one that did not run to its end is uncheckable."""
    if row["outcome"] != "ok":
        return Comparison("uncheckable", row["outcome"], row["result"][:300], row["error"][:300])
    if params.rule == "paper":
        return compare_by_paper(row["result"], row["stdout"])
    return checker.compare(row["result"], row["stdout"])


def _documents(shard: Path) -> Iterator[list[dict[str, Any]]]:
    """Yield the snippets of each document, whatever row groups they lie in."""
    read_schema(shard, EXECUTED.names)
    rows = (row for batch in read_batches(shard) for row in batch.to_pylist())
    seen: set[str] = set()
    for document, snippets in groupby(rows, key=lambda row: row["document_id"]):
        if document in seen:
            raise InputError(f"{shard}: the snippets of {document} do not stand side by side")
        seen.add(document)
        yield list(snippets)


def _chunks(documents: Iterable[list[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    """Gather whole documents to batches worth writing."""
    rows: list[dict[str, Any]] = []
    for snippets in documents:
        rows.extend(snippets)
        if len(rows) >= BATCH_ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


def _reasons(rows: list[dict[str, Any]], params: VerifyParams) -> Iterator[str]:
    """Yield why each row is dropped, empty where it is kept."""
    doubtful = {row["document_id"] for row in rows if row["verdict"] == "contradicted"}
    for row in rows:
        if row["verdict"] not in params.keep:
            yield row["outcome"] if row["outcome"] != "ok" else row["verdict"]
        elif params.drop_contradicted_documents and row["document_id"] in doubtful and row["verdict"] != "contradicted":
            yield "contradicted_document"
        else:
            yield ""


def _drop(row: dict[str, Any], reason: str) -> dict[str, str]:
    detail = f"{row['method']}: stated {row['stated']}, printed {row['printed']}"
    return {"id": f"{row['document_id']}#{row['position']}", "reason": reason, "detail": detail[:1000]}


def read_labelled(path: Path = LABELLED) -> list[dict[str, str]]:
    """Return the labelled pairs: kind, stated, printed and label."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def measure(pairs: list[dict[str, str]], params: VerifyParams) -> dict[str, float | int]:
    """Return the shares of labelled pairs that this rule and the paper's get wrong.

    false_accepts: wrong and uncheckable pairs called verified, of all such pairs. false_rejects: right pairs not
    called verified, of the right ones.
    """
    with Checker(params.timeout_s) as checker:
        verdicts = [checker.compare(p["stated"], p["printed"]).verdict for p in pairs]
    labels = [pair["label"] for pair in pairs]
    by_paper = [compare_by_paper(pair["stated"], pair["printed"]).verdict for pair in pairs]
    wrong_called = Counter(v for v, label in zip(verdicts, labels, strict=True) if label == "wrong")
    return {
        "labelled_pairs": len(pairs),
        **_shares("", verdicts, labels),
        "wrong_contradicted": round(wrong_called["contradicted"] / wrong_called.total(), 5),
        **_shares("paper_", by_paper, labels),
    }


def _shares(prefix: str, verdicts: list[str], labels: list[str]) -> dict[str, float]:
    accepted = Counter(label for v, label in zip(verdicts, labels, strict=True) if v == "verified")
    all_of = Counter(labels)
    bad = all_of["wrong"] + all_of["uncheckable"]
    return {
        f"{prefix}false_accepts": round((accepted["wrong"] + accepted["uncheckable"]) / bad, 5),
        f"{prefix}false_rejects": round(1 - accepted["right"] / all_of["right"], 5),
    }
