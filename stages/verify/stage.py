"""Compare each snippet's output with the result that its document states, and keep the snippets that are verified.

mathcode_pile.answers compares; this module decides what becomes of the snippets. The snippets of one document follow
each other in one shard, as translate writes them.
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
from mathcode_pile.core.documents import EXECUTED, VERIFIED, snippet_id
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Failed, Funnel, Report, attempt
from mathcode_pile.core.outcomes import Outcome
from mathcode_pile.core.params import Section
from mathcode_pile.core.program_output import is_unclean
from mathcode_pile.core.shards import read_schema
from stages.verify.reasons import Reason

LABELLED = Path(__file__).with_name("labelled_pairs.jsonl")
"""Pairs of a stated result and an output, labelled `right`, `wrong` or `uncheckable`; they measure verify."""

BATCH_ROWS = 2_000
SYMBOLIC = "symbolic"
"""The translator that reads each computation once."""
_REASONS = {reason.value: reason for reason in Reason}


class VerifyParams(Section):
    """How a printed result is compared with the stated one, and which snippets are kept."""

    keep: tuple[Literal["verified", "contradicted", "uncheckable"], ...] = ("verified",)
    """Verdicts whose snippets are kept."""
    rule: Literal["digits", "paper"] = "digits"
    """digits: the stated digits decide how far rounding may go. paper: the published rule, which accepts nearly all."""
    timeout_s: float = Field(default=5, gt=0)
    """Processor seconds that computer algebra may take for one pair."""
    on_contradiction: Literal["snippet", "chain", "document"] = "chain"
    """What one contradicted snippet drops: itself, what shares its chain or program, or all of its document."""


def verify(executed: Path, out: Path, params: VerifyParams) -> Report:
    """Judge the executed snippets of a component's shards and write them to `out`."""
    key = [params.model_dump(mode="json")]
    return map_folder("verify", partial(verify_shard, params=params), executed, out, key)


def verify_shard(shard: Path, folder: Path, params: VerifyParams) -> Report:
    """Judge a shard's executed snippets; rejected.parquet holds the dropped ones whole, with their verdict."""
    with (
        Funnel.of_shard(folder, VERIFIED, rejected=VERIFIED) as funnel,
        Checker(params.timeout_s) as checker,
    ):
        for rows in _chunks(_documents(shard, funnel)):
            judged = list(_judge(rows, params, checker, funnel))
            reasons = list(_reasons(judged, params))
            pairs = list(zip(judged, reasons, strict=True))
            funnel.keep([row for row, reason in pairs if reason is None])
            funnel.copy_aside("rejected", [row for row, reason in pairs if reason])
            for row, reason in pairs:
                part = funnel.report.part(row["translator"])
                part.read += 1
                part.counts[f"verdict_{row['verdict']}"] += 1
                if reason:
                    part.dropped[reason.value] += 1
                    funnel.drop(_id_of(row), reason, _describe(row))
                else:
                    part.kept += 1
    return funnel.report


def _judge(
    rows: list[dict[str, Any]], params: VerifyParams, checker: Checker, funnel: Funnel
) -> Iterator[dict[str, Any]]:
    """Yield each snippet with its verdict; one on which our code raises is dropped."""
    for row in rows:
        comparison = attempt(judge_snippet, row, params, checker)
        if isinstance(comparison, Failed):
            funnel.fail(_id_of(row), comparison)
        else:
            funnel.report.counts[f"verdict_{comparison.verdict}"] += 1
            funnel.report.counts[f"method_{comparison.method}"] += 1
            yield row | comparison._asdict()


def judge_snippet(row: dict[str, Any], params: VerifyParams, checker: Checker) -> Comparison:
    """Return the verdict on one executed snippet; one that did not run to its end is uncheckable."""
    outcome = Outcome(row["outcome"])
    if outcome is not Outcome.OK:
        return Comparison("uncheckable", outcome, row["result"][:300], row["error"][:300])
    if params.rule == "paper":
        return compare_by_paper(row["result"], row["stdout"])
    return checker.compare(row["result"], row["stdout"], row["expression"], row["relation"])


def _documents(shard: Path, funnel: Funnel) -> Iterator[list[dict[str, Any]]]:
    """Yield the snippets of each document, whatever row groups hold them."""
    read_schema(shard, EXECUTED.names)
    rows = (row for batch in funnel.read(shard) for row in batch.to_pylist())
    seen: set[str] = set()
    for document, snippets in groupby(rows, key=lambda row: row["document_id"]):
        if document in seen:
            raise InputError(f"{shard}: the snippets of {document} do not follow each other")
        seen.add(document)
        yield list(snippets)


def _chunks(documents: Iterable[list[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    """Gather whole documents into batches that are worth a write."""
    rows: list[dict[str, Any]] = []
    for snippets in documents:
        rows.extend(snippets)
        if len(rows) >= BATCH_ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


def _reasons(rows: list[dict[str, Any]], params: VerifyParams) -> Iterator[Reason | None]:
    """Yield why each row is dropped; None where it is kept.

    A model may translate a computation more than once, above all where it is asked for several samples. Of those that
    are verified, the first goes on.
    """
    computed: set[tuple[Any, ...]] = set()
    doubtful = {_group(row, params) for row in rows if row["verdict"] == Reason.CONTRADICTED}
    shared = Reason.CONTRADICTED_CHAIN if params.on_contradiction == "chain" else Reason.CONTRADICTED_DOCUMENT
    for row in rows:
        if row["verdict"] not in params.keep:
            yield _REASONS[row["verdict"] if row["outcome"] == Outcome.OK else row["outcome"]]
        elif _group(row, params) in doubtful and row["verdict"] != Reason.CONTRADICTED:
            yield shared
        elif row["verdict"] == Reason.VERIFIED and is_unclean(row["stdout"], row["result"]):
            yield Reason.UNCLEAN_OUTPUT
        elif row["translator"] == SYMBOLIC or row["verdict"] != Reason.VERIFIED:
            yield None
        elif _computation(row) in computed:
            yield Reason.SAME_COMPUTATION
        else:
            computed.add(_computation(row))
            yield None


def _group(row: dict[str, Any], params: VerifyParams) -> tuple[Any, ...]:
    """Return what a snippet shares with those that are dropped with it if one of them is contradicted."""
    columns = {"snippet": ["position"], "chain": ["translator", "chain"], "document": []}[params.on_contradiction]
    return (row["document_id"], *(row[column] for column in columns))


def _computation(row: dict[str, Any]) -> tuple[Any, ...]:
    """Return what the translations of one computation have in common."""
    return row["document_id"], row["translator"], row["anchor"], row["stated"]


def _id_of(row: dict[str, Any]) -> str:
    return snippet_id(row["document_id"], row["position"])


def _describe(row: dict[str, Any]) -> str:
    return f"{row['method']}: stated {row['stated']}, printed {row['printed']}"[:1000]


def read_labelled(path: Path = LABELLED) -> list[dict[str, str]]:
    """Return the labelled pairs: kind, stated, printed and label."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def measure(pairs: list[dict[str, str]], params: VerifyParams) -> dict[str, float | int]:
    """Return the shares of labelled pairs that this rule and the paper's rule get wrong.

    false_accepts: the share of wrong or uncheckable pairs that were called verified. false_rejects: the share of right
    pairs that were not.
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
