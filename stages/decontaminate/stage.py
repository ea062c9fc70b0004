"""Remove documents and snippets that leak a benchmark's questions or solutions; measure how many leaks are found.

Not covered: a question in other words or in another language, and a question of which several numbers are changed.
"""

import heapq
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from mathcode_pile.core.documents import DOCUMENT, VERIFIED, record_ids, snippet_id
from mathcode_pile.core.engine import map_folder, map_in_processes
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import CoreReason, Funnel, Report
from mathcode_pile.core.scratch import hash_folder
from mathcode_pile.core.shards import list_shards, number_batches, read_rows, read_schema
from stages.decontaminate.leaks import Leak, LeakFinder, cut_spans, encode_matches
from stages.decontaminate.plants import KINDS, plant_leaks
from stages.decontaminate.quoted_questions import read_questions
from stages.decontaminate.reasons import Reason
from stages.decontaminate.recheck import shared_share
from stages.decontaminate.rules import DecontaminateParams

__all__ = ["DecontaminateParams", "decontaminate"]

# How many the report shows for each benchmark.
EXAMPLES = 5
# The report cuts the texts of its examples to this length.
EXAMPLE_CHARACTERS = 1000
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
    report, metrics = report_leaks([documents / name for name in names.documents], benchmarks, out, params, failed)
    (out / "report.json").write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return total, metrics


def _components(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


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
    for row, leaks in _by_row(finder.find(texts)).items():
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
    for row, leaks in _by_row(finder.find(texts)).items():
        if row not in verdicts:
            verdicts[row] = _explain(finder, leaks, texts[row].as_py())
    return verdicts


def _by_row(leaks: Sequence[Leak]) -> dict[int, list[Leak]]:
    rows: dict[int, list[Leak]] = defaultdict(list)
    for leak in leaks:
        rows[leak.row].append(leak)
    return rows


def _explain(finder: LeakFinder, leaks: Sequence[Leak], text: str) -> Verdict:
    """Return the verdict on a text. It names the worst leak: variants last, questions before solutions."""
    worst = min(leaks, key=lambda leak: (leak.rule == "variant", leak.part, -leak.coverage))
    detail = f"{finder.questions[worst.question].id} {worst.rule} {worst.coverage:.2f}"
    reason = Reason.LEAKED_VARIANT if worst.rule == "variant" else LEAKED[worst.part]
    return Verdict(reason, detail, encode_matches([finder.describe(leak, text) for leak in leaks]))


def report_leaks(
    documents: list[Path], benchmarks: Path, out: Path, params: DecontaminateParams, failed: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the report on benchmarks, planted leaks and clean text, for people, and the same as flat metrics.

    failed: ids of documents on which our code raises, so that they cannot be part of the sample.
    """
    finder = load_finder(benchmarks, params)
    found = _report_benchmarks(finder, out / "contaminated")
    sample = _sample_documents(documents, params.planted_documents, params.seed, failed)
    planted = measure_recall(finder, sample, params)
    clean = measure_precision(finder, sample, params)
    metrics: dict[str, Any] = {}
    for name, entry in found.items():
        metrics |= {f"{name}_{what}": entry[what] for what in ("questions", "questions_found", "documents")}
    metrics |= {f"recall_{kind}": entry["recall"] for kind, entry in planted.items()}
    metrics["labelled_variant"] = planted["number_changed"]["labelled_variant"] if "number_changed" in planted else None
    metrics |= {name: clean[name] for name in ("sampled", "flagged", "unexplained", "precision")}
    return {"benchmarks": found, "planted": planted, "clean": clean}, metrics


def _report_benchmarks(finder: LeakFinder, contaminated: Path) -> dict[str, Any]:
    report: dict[str, Any] = {}
    for question in finder.questions:
        entry = report.setdefault(question.benchmark, Counter(questions=0))
        entry["questions"] += 1
    touched: dict[str, dict[str, set]] = defaultdict(lambda: defaultdict(set))
    examples: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for kind in ("documents", "snippets"):
        folder = contaminated / kind
        for component in _components(folder) if folder.is_dir() else []:
            for row in read_rows(folder / component):
                identity = row["id"] if kind == "documents" else snippet_id(row["document_id"], row["position"])
                for match in json.loads(row["matches"]):
                    name = match["benchmark"]
                    touched[name][match["part"]].add(match["question_id"])
                    touched[name][kind].add(identity)
                    if len(examples[name]) < EXAMPLES:
                        examples[name].append({"component": component, "id": identity} | match)
    return {
        name: {
            "questions": entry["questions"],
            "questions_found": len(touched[name]["question"]),
            "solutions_found": len(touched[name]["solution"]),
            "documents": len(touched[name]["documents"]),
            "snippets": len(touched[name]["snippets"]),
            "examples": [_shorten(example) for example in examples[name]],
        }
        for name, entry in sorted(report.items())
    }


def _shorten(example: dict[str, Any]) -> dict[str, Any]:
    return {name: value[:EXAMPLE_CHARACTERS] if isinstance(value, str) else value for name, value in example.items()}


def _sample_documents(folders: list[Path], count: int, seed: int, left_out: Collection[str]) -> list[str]:
    """Return the texts of `count` documents of all components, chosen by a hash of their id."""
    rank = partial(_rank_documents, count=count, seed=seed, left_out=left_out)
    shards = [shard for folder in folders for shard in list_shards(folder)]
    chosen = heapq.nsmallest(count, chain.from_iterable(map_in_processes(rank, shards)))
    # The texts are read last, of the shards that have one: texts are most of the bytes of a corpus.
    texts: dict[tuple[Path, int], str] = {}
    for shard in sorted({shard for _, _, shard, _ in chosen}):
        rows = {row for _, _, place, row in chosen if place == shard}
        for start, batch in number_batches(shard, ["text"]):
            for row in rows & set(range(start, start + batch.num_rows)):
                texts[shard, row] = batch.column("text")[row - start].as_py()
    return [texts[shard, row] for _, _, shard, row in chosen]


Ranked = tuple[int, str, Path, int]  # a document's hash, its id, its shard and its row there


def _rank_documents(shard: Path, *, count: int, seed: int, left_out: Collection[str]) -> list[Ranked]:
    """Return the `count` documents of a shard with the least hashes of their ids."""
    return heapq.nsmallest(
        count,
        (
            (xxhash.xxh3_64_intdigest(name.encode(), seed), name, shard, row)
            for start, batch in number_batches(shard, ["id"])
            for row, name in enumerate(batch.column("id").to_pylist(), start)
            if name not in left_out
        ),
    )


def measure_recall(finder: LeakFinder, carriers: Sequence[str], params: DecontaminateParams) -> dict[str, Any]:
    """Return, for each kind of planted leak, how many were planted and found, the recall, and the share of variants.

    A kind that none of the questions can be rewritten to is left out.
    """
    plants = plant_leaks(finder.questions, carriers, params.min_words, params.planted_documents, params.seed)
    leaks = finder.find(pa.array([plant.text for plant in plants], pa.large_string()))
    rules = {(leak.row, leak.question): leak.rule for leak in leaks}
    planted, found, variants = Counter(plant.kind for plant in plants), Counter[str](), Counter[str]()
    for row, plant in enumerate(plants):
        rule = rules.get((row, plant.question))
        found[plant.kind] += rule is not None
        variants[plant.kind] += rule == "variant"
    return {
        kind: {
            "planted": planted[kind],
            "found": found[kind],
            "recall": round(found[kind] / planted[kind], 4),
            "labelled_variant": round(variants[kind] / max(1, found[kind]), 4),
        }
        for kind in KINDS
        if planted[kind]
    }


def measure_precision(finder: LeakFinder, texts: Sequence[str], params: DecontaminateParams) -> dict[str, Any]:
    """Return how many documents of a sample are flagged, and how many of these a second, slow check confirms.

    precision: the share of flagged documents that the slow check confirms; 1 where none is flagged.
    """
    leaks = _by_row(finder.find(pa.array(texts, pa.large_string())))
    explained, examples = 0, []
    for row, found in leaks.items():
        for leak in found:
            part = texts[row].encode()[leak.start : leak.end].decode("utf-8", "ignore")
            looked_for = finder.index.items[leak.item].text
            if shared_share(looked_for, part) >= params.min_part:
                explained += 1
                examples.append(_shorten(finder.describe(leak, texts[row])))
                break
    return {
        "sampled": len(texts),
        "flagged": len(leaks),
        "unexplained": len(leaks) - explained,
        "precision": round(explained / len(leaks), 4) if leaks else 1.0,
        "examples": examples[:EXAMPLES],
    }
