"""Run every snippet of a shard in the sandbox; each gets an outcome, none is dropped.

Not covered: snippets in other languages than Python.
"""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import PositiveFloat, PositiveInt

from mathcode_pile.core.documents import EXECUTED, SNIPPET
from mathcode_pile.core.engine import count_workers, map_folder
from mathcode_pile.core.errors import InputError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.params import Section
from mathcode_pile.core.shards import ShardWriter, list_shards, read_batches, read_schema
from mathcode_pile.sandbox import PACKAGES, Limits, Result, Sandbox

OUTCOMES = (
    "ok",
    "does_not_compile",
    "exception",
    "timeout",
    "memory",
    "output_limit",
    "killed",
    "blocked",
    "missing_module",
)
UNSTABLE = "unstable"
# Snippets handed to the sandbox at once: enough that its lanes never run dry, few enough to hold.
BLOCK = 2000


class ExecuteParams(Section):
    """What a snippet may use, and how strictly it is kept in."""

    timeout_s: PositiveFloat
    """Seconds of computing; one that waits instead is ended after twice as long."""
    memory_mb: PositiveInt
    """Beyond what the warm parent holds."""
    output_bytes: PositiveInt
    disk_mb: PositiveInt
    isolation: Literal["full", "none"]
    packages: tuple[str, ...] = PACKAGES
    """What snippets may import besides the standard library."""
    runs: Literal[1, 2] = 1
    """2: run each twice, and say in `error` where the output differed."""

    def limits(self) -> Limits:
        """Return the limits of one snippet."""
        return Limits(self.timeout_s, self.memory_mb, self.output_bytes, self.disk_mb)


def open_sandbox(params: ExecuteParams, lanes: int = 1) -> Sandbox:
    """Return the sandbox that the params ask for."""
    return Sandbox(params.limits(), lanes=lanes, isolation=params.isolation, packages=params.packages)


def execute_folder(folder: Path, out: Path, params: ExecuteParams) -> tuple[Report, list[str]]:
    """Execute the snippets of a folder's shards; return the report and the sandbox's layers.

    Raises PipelineError before anything runs where the machine cannot isolate and the params ask for it.
    """
    with open_sandbox(params) as sandbox:
        layers = sandbox.layers
    cores, shards = count_workers(), len(list_shards(folder))
    # Fewer shards than cores: each worker runs several snippets at once instead. No result depends on it.
    lanes = -(-cores // min(cores, shards)) if shards else 1
    work = partial(execute_shard, params=params, lanes=lanes)
    report = map_folder("execute", work, folder, out, key=[params.model_dump()])
    return report, layers


def execute_shard(shard: Path, folder: Path, params: ExecuteParams, lanes: int = 1) -> Report:
    """Execute the snippets of one shard; extra columns are kept.

    Raises InputError where a column is missing or holds nothing.
    """
    schema = _executed_schema(shard)
    report = Report()
    with open_sandbox(params, lanes) as sandbox, ShardWriter(folder / "documents.parquet", schema) as writer:
        for group in read_batches(shard):
            for start in range(0, group.num_rows, BLOCK):
                batch = group.slice(start, BLOCK)
                codes = batch.column("code")
                if codes.null_count:
                    raise InputError(f"{shard}: row {report.read + codes.is_null().index(True).as_py()} has no code")
                results = _run_all(sandbox, codes.to_pylist(), params.runs)
                writer.write(_append(batch, results, schema))
                report += _count(results)
    return report


def _executed_schema(shard: Path) -> pa.Schema:
    given = read_schema(shard, SNIPPET.names)
    extra = [field for field in given.remove_metadata() if field.name not in EXECUTED.names]
    return pa.schema([*EXECUTED, *extra])


def _run_all(sandbox: Sandbox, codes: list[str], runs: int) -> list[Result]:
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


def _count(results: list[Result]) -> Report:
    counts = Counter(f"outcome_{result.outcome}" for result in results)
    counts[UNSTABLE] = sum(result.error.startswith(UNSTABLE) for result in results)
    return Report(read=len(results), kept=len(results), counts=+counts)


def outcome_counts(report: Report) -> dict[str, int]:
    """Return how many snippets had each outcome, those that none had included."""
    return {f"outcome_{outcome}": report.counts[f"outcome_{outcome}"] for outcome in OUTCOMES}
