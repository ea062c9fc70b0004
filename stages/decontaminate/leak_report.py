"""Report what leaked, and measure how many planted leaks are found and how many clean documents are flagged."""

import heapq
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from mathcode_pile.core.documents import snippet_id
from mathcode_pile.core.engine import map_in_processes
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.shards import list_shards, number_batches, read_rows
from stages.decontaminate.leaks import LeakFinder, by_row
from stages.decontaminate.plants import KINDS, plant_leaks
from stages.decontaminate.recheck import shared_share
from stages.decontaminate.rules import DecontaminateParams

# How many the report shows for each benchmark.
EXAMPLES = 5
# The report cuts the texts of its examples to this length.
EXAMPLE_CHARACTERS = 1000


def report_leaks(
    finder: LeakFinder, documents: list[Path], out: Path, params: DecontaminateParams, failed: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the report on benchmarks, planted leaks and clean text, for people, and the same as flat metrics.

    failed: ids of documents on which our code raises, so that they cannot be part of the sample.
    """
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


def _components(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    return sorted(path.name for path in folder.iterdir() if path.is_dir())


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
    leaks = by_row(finder.find(pa.array(texts, pa.large_string())))
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
