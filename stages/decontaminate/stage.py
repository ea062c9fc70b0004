"""Remove documents and snippets that leak a benchmark's questions or solutions.

Not covered: a question in other words or in another language, and a question of which several numbers are changed.
"""

import json
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from mathcode_pile.core.documents import DOCUMENT, VERIFIED, record_ids
from mathcode_pile.core.engine import map_folder
from mathcode_pile.core.funnel import CoreReason, Funnel, Report
from mathcode_pile.core.scratch import hash_folder
from mathcode_pile.core.shards import read_rows, read_schema
from stages.decontaminate.leak_report import report_leaks
from stages.decontaminate.leaks import Leak, LeakFinder, by_row, cut_spans, encode_matches
from stages.decontaminate.quoted_questions import read_questions
from stages.decontaminate.reasons import Reason
from stages.decontaminate.rules import DecontaminateParams

__all__ = ["DecontaminateParams", "decontaminate"]

LEAKED = {"question": Reason.LEAKED_QUESTION, "solution": Reason.LEAKED_SOLUTION}
SNIPPET_TEXT = ["title", "conditions", "expression", "result", "code"]


@cache
def load_finder(benchmarks: Path, params: DecontaminateParams) -> LeakFinder:
    """Return the index of a folder of benchmarks. A process builds it once, and forked workers share it."""
    finder = LeakFinder(read_questions(benchmarks), params)
    finder.find(pa.array(["a text"], pa.large_string()))  # compile the kernels before workers are forked
    return finder


class Names(NamedTuple):
    """The components that params name. Folders left over from earlier runs are not read."""

    documents: list[str]
    snippets: list[str]


def decontaminate(
    documents: Path, snippets: Path, benchmarks: Path, out: Path, params: DecontaminateParams, names: Names
) -> tuple[Report, dict[str, Any]]:
    """Write clean records to out/documents and out/snippets, leaking ones to out/contaminated; return the counts.

    documents, snippets: a folder for each component that `names` names. Raises InputError where one is missing.
    """
    key = [params.model_dump(), hash_folder(benchmarks)]
    prepare = partial(load_finder, benchmarks, params)
    total = Report()
    failed: set[str] = set()  # ids of documents
    for component in names.documents:
        work = partial(clear_documents, benchmarks=benchmarks, params=params)
        place = out / "documents" / component
        total += map_folder("decontaminate", work, documents / component, place, ["documents", *key], prepare=prepare)
        _set_aside(place, out / "contaminated" / "documents" / component)
        failed |= set(_failed_ids(place))
    for component in names.snippets:
        leaked = _leaked_ids(out / "contaminated" / "documents" / component)
        gone = dict.fromkeys(leaked, Reason.LEAKED_DOCUMENT)
        gone |= dict.fromkeys(_failed_ids(out / "documents" / component), Reason.FAILED_DOCUMENT)
        clear = partial(clear_snippets, benchmarks=benchmarks, params=params, gone=gone)
        place = out / "snippets" / component
        total += map_folder(
            "decontaminate", clear, snippets / component, place, ["snippets", *key, gone], prepare=prepare
        )
        _set_aside(place, out / "contaminated" / "snippets" / component)
    finder, folders = load_finder(benchmarks, params), [documents / name for name in names.documents]
    report, metrics = report_leaks(finder, folders, out, params, failed)
    (out / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return total, metrics


def _set_aside(place: Path, aside: Path) -> None:
    shutil.rmtree(aside, ignore_errors=True)
    if (place / "contaminated").is_dir():
        aside.parent.mkdir(parents=True, exist_ok=True)
        (place / "contaminated").rename(aside)


def _leaked_ids(folder: Path) -> list[str]:
    return [row["id"] for row in read_rows(folder, ["id"])] if folder.is_dir() else []


def _failed_ids(folder: Path) -> list[str]:
    dropped = folder / "dropped"
    rows = read_rows(dropped, ["id", "reason"]) if dropped.is_dir() else iter(())
    return [row["id"] for row in rows if row["reason"] == CoreReason.FAILED]


def clear_documents(shard: Path, folder: Path, benchmarks: Path, params: DecontaminateParams) -> Report:
    """Write a shard's clean documents, its dropped ones, and the contaminated ones with their matches."""
    finder = load_finder(benchmarks, params)
    judge = partial(_judge_documents, finder=finder)
    return _clear(shard, folder, DOCUMENT.names, judge)


def clear_snippets(
    shard: Path, folder: Path, benchmarks: Path, params: DecontaminateParams, gone: Mapping[str, Reason]
) -> Report:
    """Write a shard's snippets as clear_documents does; gone: the reason for each document whose snippets go."""
    judge = partial(_judge_snippets, finder=load_finder(benchmarks, params), gone=gone)
    return _clear(shard, folder, VERIFIED.names, judge)


class Verdict(NamedTuple):  # on a record that is not clean
    reason: Reason
    detail: str
    matches: str
    """The JSON of what it matched."""
    rest: str | None = None
    """The text that is kept of it; None where the whole record is dropped."""


Verdicts = dict[int, Verdict]  # by the row in a batch; clean rows have none


def _clear(shard: Path, folder: Path, needed: list[str], judge: Callable[[pa.RecordBatch], Verdicts]) -> Report:
    schema = read_schema(shard, needed)
    aside = schema.append(pa.field("matches", pa.string(), nullable=False))  # JSON
    with Funnel.of_shard(folder, schema, contaminated=aside) as funnel:
        for batch in funnel.read(shard):
            for part, verdicts in funnel.apply(judge, batch):
                _write_part(funnel, part, verdicts, aside)
    return funnel.report


def _write_part(funnel: Funnel, batch: pa.RecordBatch, verdicts: Verdicts, aside: pa.Schema) -> None:
    if not verdicts:
        funnel.keep(batch)
        return
    touched = sorted(verdicts)
    rows = batch.take(pa.array(touched))
    matches = pa.array([verdicts[row].matches for row in touched], pa.string())
    funnel.copy_aside("contaminated", pa.RecordBatch.from_arrays([*rows.columns, matches], schema=aside))
    gone = set()
    for row, identity in zip(touched, record_ids(rows), strict=True):
        verdict = verdicts[row]
        if verdict.rest is None:
            gone.add(row)
            funnel.drop(identity, verdict.reason, verdict.detail)
        else:
            funnel.report.counts["cut"] += 1
    funnel.keep(_keep_rows(batch, verdicts, gone))


def _keep_rows(batch: pa.RecordBatch, verdicts: Verdicts, gone: Collection[int]) -> pa.RecordBatch:
    if len(gone) < len(verdicts):
        place = batch.schema.get_field_index("text")
        texts = batch.column(place).to_pylist()
        for row, verdict in verdicts.items():
            texts[row] = texts[row] if verdict.rest is None else verdict.rest
        batch = batch.set_column(place, batch.schema.field(place), pa.array(texts, batch.schema.field(place).type))
    return batch.take(pa.array([row for row in range(batch.num_rows) if row not in gone], pa.int64()))


def _judge_documents(batch: pa.RecordBatch, finder: LeakFinder) -> Verdicts:
    texts = batch.column("text")
    verdicts: Verdicts = {}
    for row, leaks in by_row(finder.find(texts)).items():
        text = texts[row].as_py()
        rest = cut_spans(text, leaks) if finder.params.remove == "span" else None
        if rest is not None and (not rest.strip() or finder.find(pa.array([rest], pa.large_string()))):
            rest = None  # nothing is left, or the paragraphs around the cut leak when they are joined
        verdicts[row] = _explain(finder, leaks, text)._replace(rest=rest)
    return verdicts


def _judge_snippets(batch: pa.RecordBatch, finder: LeakFinder, gone: Mapping[str, Reason]) -> Verdicts:
    verdicts: Verdicts = {}
    for row, document in enumerate(batch.column("document_id").to_pylist()):
        if document in gone:
            verdicts[row] = Verdict(gone[document], document, "[]")
    texts = pc.binary_join_element_wise(
        *(batch.column(c).cast(pa.large_string()) for c in SNIPPET_TEXT), pa.scalar("\n", pa.large_string())
    )
    for row, leaks in by_row(finder.find(texts)).items():
        if row not in verdicts:
            verdicts[row] = _explain(finder, leaks, texts[row].as_py())
    return verdicts


def _explain(finder: LeakFinder, leaks: Sequence[Leak], text: str) -> Verdict:
    """Return the verdict on a text. It names the worst leak: variants last, questions before solutions."""
    worst = min(leaks, key=lambda leak: (leak.rule == "variant", leak.part, -leak.coverage))
    detail = f"{finder.questions[worst.question].id} {worst.rule} {worst.coverage:.2f}"
    reason = Reason.LEAKED_VARIANT if worst.rule == "variant" else LEAKED[worst.part]
    return Verdict(reason, detail, encode_matches([finder.describe(leak, text) for leak in leaks]))
