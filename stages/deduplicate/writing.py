"""Write the documents that stay and name those that go, shard by shard, from decisions made elsewhere."""

from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mathcode_pile.core.documents import DROPPED
from mathcode_pile.core.engine import map_shards
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.scratch import hash_file, hash_values
from mathcode_pile.core.shards import ShardWriter, read_batches
from stages.deduplicate.clusters import EXACT, KEPT, NEAR, REASONS, Decisions
from stages.deduplicate.ids import Ids
from stages.deduplicate.signatures import Signed, similarity

# What a shard loses: the row within it, and why.
DECIDED = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
    ]
)


def write_decisions(folder: Path, signed: Signed, decisions: Decisions, ids: Ids) -> list[Path]:
    """Write what each shard loses to a file (DECIDED) each; return them in the order of the shards."""
    gone = np.flatnonzero(decisions.outcome != KEPT)
    survivors = decisions.survivor[gone]
    names = ids.read(survivors)
    percent = np.rint(100 * similarity(signed, gone, survivors)).astype(np.int64)
    detail = pc.binary_join_element_wise(
        "of", names.cast(pa.string()), pa.array(percent).cast(pa.string()), "percent", " "
    )
    reason = pa.array([None, REASONS[EXACT], REASONS[NEAR]]).take(pa.array(decisions.outcome[gone]))
    paths = []
    for shard in range(len(signed.bounds) - 1):
        start = signed.bounds[shard]
        first, last = np.searchsorted(gone, [start, signed.bounds[shard + 1]])
        columns = [pa.array(gone[first:last] - start), reason[first:last], detail[first:last]]
        paths.append(folder / f"decisions-{shard:05d}.parquet")
        pq.write_table(pa.Table.from_arrays(columns, schema=DECIDED), paths[-1])
    return paths


def write_component(shards: list[Path], decisions: list[Path], out: Path) -> Report:
    """Write a component's shards without what their decisions (DECIDED, one file a shard) name."""
    if not shards:
        (out / "dropped").mkdir(parents=True, exist_ok=True)
        return Report()
    where = {str(shard.resolve()): str(path.resolve()) for shard, path in zip(shards, decisions, strict=True)}
    key = [hash_values([hash_file(path) for path in decisions])]
    return map_shards("deduplicate", partial(write_shard, where=where), shards, out, key)


def write_shard(shard: Path, folder: Path, *, where: dict[str, str]) -> Report:
    """Write one shard's documents that stay, and its dropped ones by name."""
    decided = pq.read_table(where[str(shard.resolve())], schema=DECIDED)
    rows = decided.column("row").to_numpy()
    report = Report()
    start = 0
    with (
        ShardWriter(folder / "documents.parquet", pq.read_schema(shard)) as kept,
        ShardWriter(folder / "dropped.parquet", DROPPED) as dropped,
    ):
        for batch in read_batches(shard):
            first, last = np.searchsorted(rows, [start, start + batch.num_rows])
            gone = rows[first:last] - start
            stays = np.ones(batch.num_rows, dtype=bool)
            stays[gone] = False
            kept.write(batch.filter(pa.array(stays)))
            named = decided.slice(first, last - first).combine_chunks()
            columns = [batch.column("id").take(pa.array(gone)).cast(pa.string())]
            columns += [named.column(name).combine_chunks() for name in ("reason", "detail")]
            dropped.write(pa.Table.from_arrays(columns, schema=DROPPED))
            start += batch.num_rows
            report.read += batch.num_rows
            report.kept += int(stays.sum())
    for reason, count in zip(
        *np.unique(decided.column("reason").to_numpy(zero_copy_only=False), return_counts=True), strict=True
    ):
        report.dropped[str(reason)] = int(count)
    return report
