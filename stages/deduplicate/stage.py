"""Remove exact and near duplicates, within and across components, always with the same result.

Exact duplicates have the same text, apart from white space. Near duplicates have MinHash signatures of word
n-grams that share an LSH bucket and have a high enough estimated similarity, and
nearly the same numbers. Of a cluster, this stage keeps the
document whose component is first in `priority`, then the one with most words, then the one with the lowest id.
It drops a near duplicate only if the document itself, not a neighbour of its neighbour, resembles one that is kept.
Memory depends on the number of documents, not on the text: see memory_bytes. The signatures are in a file.
Not covered: a short document inside a long one, translations, reworded text.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mathcode_pile.core.engine import say
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.scratch import working_folder
from mathcode_pile.core.shards import count_shard
from stages.deduplicate.cluster_report import describe_clusters
from stages.deduplicate.clusters import decide
from stages.deduplicate.ids import Ids
from stages.deduplicate.inputs import Inputs, list_inputs
from stages.deduplicate.reasons import Reason
from stages.deduplicate.signatures import (
    DeduplicateParams,
    load_signatures,
    memory_bytes,
    minima_bytes,
    read_failures,
    sign_shards,
)
from stages.deduplicate.writing import write_component, write_decisions


def deduplicate(selected: Path, out: Path, components: Mapping[str, str], params: DeduplicateParams) -> dict[str, Any]:
    """Write each component's documents without duplicates to out/<component>; return the stage's metrics.

    components: the component of each source; a source is a folder of `selected`. Each of them gets a folder.
    Raises InputError where a source is missing, ParamsError where a component has no priority.
    """
    inputs = list_inputs(selected, components, params.priority)
    with working_folder("deduplicate") as scratch:
        signatures = scratch / "signatures"
        counts = [count_shard(shard) for shard in inputs.shards]
        needed, on_disk = memory_bytes(sum(counts)), minima_bytes(sum(counts), params)
        say(
            f"deduplicate: {sum(counts):,} documents need {needed / 1e9:.2f} GB of memory and {on_disk / 1e9:.2f} GB "
            "of disk, which is read fastest where it fits into memory too"
        )
        sign_shards(inputs.shards, signatures, params)
        signed = load_signatures(signatures, counts, params)
        ids = Ids(signatures, signed.bounds)
        _refuse_repeated(inputs, ids, counts)
        place = np.array([params.priority.index(name) for name in inputs.component], dtype=np.int16)
        decisions = decide(signed, np.repeat(place, counts), params, ids.rank)
        paths = write_decisions(scratch, signed, decisions, ids, dict(read_failures(signatures)))
        report = Report()
        by_component: dict[str, Any] = {}
        for name in inputs.components:
            chosen = [index for index, component in enumerate(inputs.component) if component == name]
            written = write_component([inputs.shards[i] for i in chosen], [paths[i] for i in chosen], out / name)
            report += written
            by_component |= _count(name, written)
        clusters = describe_clusters(inputs, signed, decisions, ids, params)
    (out / "clusters.json").write_text(json.dumps(clusters, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    totals = {name: clusters[name] for name in ("clusters", "largest_cluster", "across_components")}
    return report.to_metrics() | totals | by_component


def _refuse_repeated(inputs: Inputs, ids: Ids, counts: list[int]) -> None:
    """Raise InputError where two shards begin with the same document, because ids must be unique."""
    starts = np.concatenate([[0], np.cumsum(counts)])[:-1]
    filled = [index for index, count in enumerate(counts) if count]
    seen: dict[str, int] = {}
    for index, first in zip(filled, ids.read(starts[filled]).to_pylist(), strict=True):
        if first in seen:
            raise InputError(f"{inputs.shards[index]}: document {first} is in {inputs.shards[seen[first]]} too")
        seen[first] = index


def _count(component: str, report: Report) -> dict[str, int]:
    counts = {f"{component}_in": report.read, f"{component}_kept": report.kept}
    return counts | {f"{component}_{reason}": report.dropped[reason] for reason in Reason}
