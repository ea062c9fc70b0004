"""Run every snippet of a shard in the sandbox; each gets an outcome, and none is dropped for it.

Not covered: snippets in other languages than Python.
"""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import PositiveFloat, PositiveInt

from mathcode_pile.core.documents import DROPPED, EXECUTED, SNIPPET
from mathcode_pile.core.engine import count_threads, map_folder
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Funnel, Report
from mathcode_pile.core.outcomes import Outcome
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import LazyShard, ShardWriter, list_shards, number_batches, read_schema
from mathcode_pile.sandbox import PACKAGES, Limits, Result, Sandbox

UNSTABLE = "unstable"
# Snippets given to the sandbox at once: enough to keep its lanes busy, few enough to hold in memory.
BLOCK = 2000


class ExecuteParams(Section):
    """What a snippet may use, and how strictly it is isolated."""

    timeout_s: PositiveFloat
    """Seconds of computing; a snippet that only waits is ended after twice as long."""
    memory_mb: PositiveInt
    """Memory beyond what the sandbox's warm parent holds."""
    output_bytes: PositiveInt
    """The most that a snippet may print."""
    disk_mb: PositiveInt
    """The most that a snippet may write into its own folder."""
    isolation: Literal["full", "none"]
    """full: refuse to run where the machine cannot isolate snippets. none: run anyway, at your own risk."""
    packages: tuple[str, ...] = PACKAGES
    """What snippets may import besides the standard library."""
    runs: Literal[1, 2] = 1
    """2: run each twice, and say in `error` that the output differed."""

    def limits(self) -> Limits:
        """Return the limits of one snippet."""
        return Limits(self.timeout_s, self.memory_mb, self.output_bytes, self.disk_mb)


def open_sandbox(params: ExecuteParams, lanes: int = 1) -> Sandbox:
    """Return the sandbox that the params ask for."""
    return Sandbox(params.limits(), lanes=lanes, isolation=params.isolation, packages=params.packages)


def execute_folder(folder: Path, out: Path, params: ExecuteParams) -> tuple[Report, list[str]]:
    """Execute the snippets of a folder's shards; return the report and the sandbox's layers.

    Raises PipelineError before any snippet runs if the params ask for isolation and the machine cannot give it.
    """
    with open_sandbox(params) as sandbox:
        layers = sandbox.layers
    # With fewer shards than cores, each worker runs several snippets at once.
    lanes = count_threads("execute", len(list_shards(folder)))
    work = partial(execute_shard, params=params, lanes=lanes)
    report = map_folder("execute", work, folder, out, key=[params.model_dump()])
    return report, layers


def execute_shard(shard: Path, folder: Path, params: ExecuteParams, lanes: int = 1) -> Report:
    """Execute the snippets of one shard; further columns are kept.

    Raises InputError where a column is missing or a snippet has no code.
    """
    schema = _executed_schema(shard)
    # Only our own code's failure drops a snippet, so most shards have no file of drops.
    funnel = Funnel(ShardWriter(folder / "documents.parquet", schema), LazyShard(folder / "dropped.parquet", DROPPED))
    with open_sandbox(params, lanes) as sandbox, funnel:
        for first, group in number_batches(shard):
            funnel.count_read(group.num_rows)
            for start in range(0, group.num_rows, BLOCK):
                batch = group.slice(start, BLOCK)
                _refuse_missing_code(batch, shard, first + start)
                for part, results in funnel.apply(partial(_run_all, sandbox, params.runs), batch):
                    funnel.keep(_append(part, results, schema))
                    _count(results, funnel.report.counts)
    return funnel.report


def _refuse_missing_code(batch: pa.RecordBatch, shard: Path, first: int) -> None:
    codes = batch.column("code")
    if codes.null_count:
        raise InputError(f"{shard}: row {first + codes.is_null().index(True).as_py()} has no code")


def _executed_schema(shard: Path) -> pa.Schema:
    given = read_schema(shard, SNIPPET.names)
    extra = [field for field in given.remove_metadata() if field.name not in EXECUTED.names]
    return pa.schema([*EXECUTED, *extra])


def _run_all(sandbox: Sandbox, runs: int, batch: pa.RecordBatch) -> list[Result]:
    codes = batch.column("code").to_pylist()
    results = sandbox.run_all(codes)
    if runs == 2:
        again = sandbox.run_all(codes)
        return [_compare(first, second) for first, second in zip(results, again, strict=True)]
    return results


def _compare(first: Result, second: Result) -> Result:
    # The second run's output is not kept, so the mark itself is the same in every run.
    return first if first == second else first._replace(error=f"{UNSTABLE}: a second run differed")


def _append(batch: pa.RecordBatch, results: list[Result], schema: pa.Schema) -> pa.RecordBatch:
    columns: dict[str, Any] = {
        "stdout": pa.array([r.stdout for r in results], pa.string()),
        "outcome": pa.array([r.outcome for r in results], pa.string()),
        "error": pa.array([r.error for r in results], pa.string()),
    }
    arrays = [columns[f.name] if f.name in columns else batch.column(f.name).cast(f.type) for f in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _count(results: list[Result], counts: Counter[str]) -> None:
    counts.update(f"outcome_{result.outcome}" for result in results)
    if unstable := sum(result.error.startswith(UNSTABLE) for result in results):
        counts[UNSTABLE] += unstable


def outcome_counts(report: Report) -> dict[str, int]:
    """Return how many snippets had each outcome, outcomes without a snippet included."""
    return {f"outcome_{outcome}": report.counts[f"outcome_{outcome}"] for outcome in Outcome}
