"""Describe the clusters found, so that a person can judge the parameters."""

from typing import Any

import numpy as np

from mathcode_pile.core.shards import read_batches
from stages.deduplicate.clusters import NEAR, REASONS, Decisions, Rows
from stages.deduplicate.ids import Ids
from stages.deduplicate.inputs import Inputs
from stages.deduplicate.signatures import DeduplicateParams, Signed, similarity

EXAMPLES = 20
_EXAMPLE_CHARACTERS = 200


def describe_clusters(
    inputs: Inputs, signed: Signed, decisions: Decisions, ids: Ids, params: DeduplicateParams
) -> dict[str, Any]:
    """Return the number and sizes of the clusters, the share of pairs that LSH finds by similarity, and examples."""
    gone = decisions.duplicates()
    survivors, sizes = np.unique(decisions.survivor[gone], return_counts=True)
    shard_of = np.searchsorted(signed.bounds, np.arange(len(decisions.outcome)), side="right") - 1
    component_of = np.array([inputs.components.index(name) for name in inputs.component], dtype=np.int16)[shard_of]
    size_values, size_counts = np.unique(sizes + 1, return_counts=True)
    return {
        "clusters": len(survivors),
        "largest_cluster": int(sizes.max()) + 1 if len(sizes) else 0,
        "across_components": int((component_of[gone] != component_of[decisions.survivor[gone]]).sum()),
        "sizes": {str(size): int(count) for size, count in zip(size_values, size_counts, strict=True)},
        "least_similarity_estimated": round(params.least_equal / params.shingle_minima, 4),
        "found_by_similarity": {str(s / 20): round(params.found_share(s / 20), 4) for s in range(6, 21)},
        "examples": _examples(inputs, signed, decisions, ids, gone, survivors, sizes),
    }


def _examples(
    inputs: Inputs, signed: Signed, decisions: Decisions, ids: Ids, gone: Rows, survivors: Rows, sizes: Rows
) -> list[dict[str, Any]]:
    """Return examples from the largest clusters, then near duplicates spread over all: the pair and its similarity."""
    largest = survivors[np.lexsort((survivors, -sizes))][: EXAMPLES // 2]
    near = gone[decisions.outcome[gone] == NEAR]
    spread = near[np.unique(np.linspace(0, len(near) - 1, EXAMPLES // 2).astype(np.int64))] if len(near) else near
    order = np.argsort(decisions.survivor[gone], kind="stable")
    firsts = gone[order[np.searchsorted(decisions.survivor[gone][order], largest)]]
    pairs = [(int(row), int(decisions.survivor[row])) for row in dict.fromkeys([*firsts.tolist(), *spread.tolist()])]
    rows = np.unique(np.array(pairs, dtype=np.int64).reshape(-1))
    names = dict(zip(rows.tolist(), ids.read(rows).to_pylist(), strict=True)) if len(rows) else {}
    starts = _text_starts(inputs, signed, rows)
    count = dict(zip(survivors.tolist(), sizes.tolist(), strict=True))
    return [
        {
            "stays": names[survivor],
            "goes": names[row],
            "reason": REASONS[int(decisions.outcome[row])],
            "similarity": round(float(similarity(signed, np.array([row]), np.array([survivor]))[0]), 3),
            "cluster": count[survivor] + 1,
            "stays_text": starts[survivor],
            "goes_text": starts[row],
        }
        for row, survivor in pairs
    ]


def _text_starts(inputs: Inputs, signed: Signed, rows: Rows) -> dict[int, str]:
    """Return the first characters of some documents' texts."""
    found: dict[int, str] = {}
    for index, shard in enumerate(inputs.shards):
        first, last = np.searchsorted(rows, [signed.bounds[index], signed.bounds[index + 1]])
        if last == first:
            continue
        start = int(signed.bounds[index])
        for batch in read_batches(shard, ["text"]):
            for row in rows[(rows >= start) & (rows < start + batch.num_rows)].tolist():
                found[row] = batch.column("text")[row - start].as_py()[:_EXAMPLE_CHARACTERS]
            start += batch.num_rows
    return found
