"""Write the documents that are kept and name those that are dropped, shard by shard, as clusters.py decided."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathcode_pile.core.engine import map_shards
from mathcode_pile.core.funnel import Funnel, Report
from stages.deduplicate.clusters import FAILED, KEPT, REASONS, Decisions
from stages.deduplicate.ids import Ids
from stages.deduplicate.signatures import Signed, similarity

# A document that a shard loses: its row in the shard, and why.
DECIDED = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
    ]
)


def write_decisions(
    folder: Path, signed: Signed, decisions: Decisions, ids: Ids, failures: Mapping[str, str]
) -> list[Path]:
    """Write the documents that each shard loses to a file (DECIDED) each; return the files in the shards' order.

    failures: the error of each document that failed, by its id.
    """
    gone = np.flatnonzero(decisions.outcome != KEPT)
    survivors = decisions.survivor[gone]
    names = ids.read(survivors).cast(pa.string())
    percent = np.rint(100 * similarity(signed, gone, survivors)).astype(np.int64)
    detail = pc.binary_join_element_wise("of", names, pa.array(percent).cast(pa.string()), "percent", " ")
    is_failed = pa.array(decisions.outcome[gone] == FAILED)
    errors = pa.array([failures[name] for name in names.filter(is_failed).to_pylist()], pa.string())
    detail = pc.replace_with_mask(detail, is_failed, errors)
    reason = pa.array([None, *(one.value for one in REASONS.values())]).take(pa.array(decisions.outcome[gone]))
    paths = []
    for shard in range(len(signed.bounds) - 1):
        start = signed.bounds[shard]
        first, last = np.searchsorted(gone, [start, signed.bounds[shard + 1]])
        columns = [pa.array(gone[first:last] - start), reason[first:last], detail[first:last]]
        paths.append(folder / f"decisions-{shard:05d}.parquet")
        pq.write_table(pa.Table.from_arrays(columns, schema=DECIDED), paths[-1])
    return paths


def write_component(shards: list[Path], decisions: list[Path], out: Path) -> Report:
    """Write a component's shards without the documents that the decisions (one DECIDED file a shard) name."""
    if not shards:
        (out / "dropped").mkdir(parents=True, exist_ok=True)
        return Report()
    return map_shards("deduplicate", write_shard, shards, out, ["written"], companions=decisions)


def write_shard(shard: Path, folder: Path, decisions: Path) -> Report:
    """Write one shard's documents that are kept, and name those that are dropped."""
    decided = pq.read_table(decisions, schema=DECIDED)
    rows = decided.column("row").to_numpy()
    reasons = {reason.value: reason for reason in REASONS.values()}
    start = 0
    with Funnel.of_shard(folder, pq.read_schema(shard)) as funnel:
        for batch in funnel.read(shard):
            first, last = np.searchsorted(rows, [start, start + batch.num_rows])
            gone = rows[first:last] - start
            is_kept = np.ones(batch.num_rows, dtype=bool)
            is_kept[gone] = False
            funnel.keep(batch.filter(pa.array(is_kept)))
            named = decided.slice(first, last - first)
            names = batch.column("id").take(pa.array(gone)).to_pylist()
            for name, reason, detail in zip(
                names, named["reason"].to_pylist(), named["detail"].to_pylist(), strict=True
            ):
                funnel.drop(name, reasons[reason], detail)
            start += batch.num_rows
    return funnel.report
