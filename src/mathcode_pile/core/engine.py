"""Map a function over shards: in local processes, or on a Ray cluster where params say so.

Each shard's result is finished on its own in the scratch folder, so an interrupted or extended run
computes only what is missing. Results never depend on the number of workers.
"""

import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from tqdm import tqdm

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import InputError, ParamsError, PipelineError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.lifetime import die_with_parent
from mathcode_pile.core.params import Section, load
from mathcode_pile.core.shards import count_shard, list_shards, shard_name

# So many records may fail whatever max_failed_share says: one odd record must not end a small run.
MIN_FAILED = 20


class EngineParams(Section):
    """How stages are spread over processes. No stage names these, so changing them reruns nothing."""

    kind: Literal["local", "ray"] = "local"
    workers: int = Field(default=0, ge=0)
    """Processes; 0 means one for each core this process may use. MATHCODE_WORKERS overrides it."""
    max_failed_share: float = Field(default=0.001, ge=0, le=1)
    """The share of a stage's records that may fail in its own code before it stops. MIN_FAILED may always fail."""


def write_metrics(path: Path, report: Report | None = None, **values: Any) -> None:
    """Write a stage's metrics file: the report's counts, then further values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metrics = (report.to_metrics() if report else {}) | values
    path.write_text(json.dumps(metrics, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def count_workers() -> int:
    """Return how many processes a stage may use."""
    given = os.environ.get("MATHCODE_WORKERS") or str(load("engine", EngineParams).workers)
    if not given.isdigit():
        raise ParamsError(f"MATHCODE_WORKERS must be a number, got {given!r}")
    asked = int(given)
    return asked if asked > 0 else len(os.sched_getaffinity(0))


Work = Callable[[Path, Path], Report]


def map_shards(
    stage: str,
    work: Work,
    inputs: Sequence[Path],
    out: Path,
    key: Sequence[Any],
    prepare: Callable[[], object] | None = None,
    workers: int | None = None,
) -> Report:
    """Apply `work` to every input shard and gather its files in `out`; return the summed report.

    work(shard, folder) writes `documents.parquet` into folder, and any further `<name>.parquet`. The
    first becomes `out/part-00007.parquet` for the eighth input, the others `out/<name>/part-00007.parquet`.
    A shard whose file was not written has no file in the out.
    key: all that the result depends on besides the shard and the code of work's module: params as
    JSON values, hashes of models and of other inputs.
    prepare: loads what the workers share (a model), once, before they are forked.
    workers: processes at most; count_workers() unless given. A stage that asks a model passes 1, because several
    workers would share one server's limits and the same GPUs.
    Raises PipelineError where a worker dies, InputError where `out` holds other shards.
    """
    module = getattr(work, "func", work).__module__
    fingerprint = scratch.hash_values(list(key), scratch.hash_code(module), scratch.hash_environment())
    home = scratch.scratch_folder("shards", stage, fingerprint)
    with scratch.locked(home):
        done = [home / scratch.hash_file(shard) for shard in inputs]
        missing = {d: s for s, d in zip(inputs, done, strict=True) if not (d / "report.json").is_file()}
        fresh = Report()
        bar = tqdm(total=len(inputs), initial=len(inputs) - len(missing), unit="shard", desc=stage)
        with bar:
            if missing:
                if prepare:
                    prepare()
                for report in _run(work, list(missing.items()), workers):
                    fresh += report
                    bar.update()
                    if fresh.failed > MIN_FAILED:
                        refuse_failures(stage, fresh, sum(map(count_shard, inputs)))
        out.mkdir(parents=True, exist_ok=True)
        total = Report()
        targets = {}
        for index, folder in enumerate(done):
            for file in sorted(folder.glob("*.parquet")):
                targets[(out if file.stem == "documents" else out / file.stem) / shard_name(index)] = file
            total += Report.from_json((folder / "report.json").read_text(encoding="utf-8"))
        refuse_failures(stage, total)
        _refuse_others(out, targets)
        for target, file in targets.items():
            scratch.link(file, target)
    return total


def refuse_failures(stage: str, report: Report, records: int | None = None) -> None:
    """Raise PipelineError where more records failed in a stage's own code than engine.max_failed_share allows.

    Otherwise name the first that failed on the terminal.
    records: how many the whole run has. Give it if the report covers only a part of the run; nothing is printed then.
    """
    share = load("engine", EngineParams).max_failed_share
    total = report.read if records is None else records
    if report.failed > max(MIN_FAILED, share * total):
        raise PipelineError(
            f"{stage}: its own code failed on {report.failed} of {total} records, more than engine.max_failed_share "
            f"({share:g}) allows; the first: {report.first_failure}"
        )
    if report.failed and records is None:
        say(f"{stage}: {report.failed} records dropped as failed; the first: {report.first_failure}")


def _refuse_others(out: Path, targets: Collection[Path]) -> None:
    """Raise InputError if the folder has shards of an earlier run, which would be taken for this run's."""
    for place in sorted({out} | {target.parent for target in targets}):
        for shard in sorted(place.glob("part-*.parquet")):
            if shard not in targets:
                raise InputError(f"{shard}: not a shard of this run; empty {out} or give another folder")


def _run(work: Work, tasks: list[tuple[Path, Path]], most: int | None) -> Iterator[Report]:
    workers = min(most or count_workers(), len(tasks))
    if load("engine", EngineParams).kind == "ray":
        yield from _run_on_ray(work, tasks)
    elif workers == 1:
        for done, shard in tasks:
            yield _run_one(work, done, shard)
    else:
        # Forked, so that what `prepare` loaded is shared; ended with us, should we be killed.
        context = multiprocessing.get_context("fork")
        with ProcessPoolExecutor(workers, context, initializer=die_with_parent) as pool:
            waiting = {pool.submit(_run_one, work, done, shard) for done, shard in tasks}
            while waiting:
                ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for future in ended:
                    try:
                        report = future.result()
                    except BrokenProcessPool:
                        raise PipelineError("a worker was killed; most often the machine ran out of memory") from None
                    except BaseException:
                        pool.shutdown(wait=False, cancel_futures=True)
                        raise
                    yield report


def _run_one(work: Work, done: Path, shard: Path) -> Report:
    with scratch.atomic_folder(done) as folder:
        report = work(shard, folder)
        (folder / "report.json").write_text(report.to_json(), encoding="utf-8")
    return report


def _run_on_ray(work: Work, tasks: list[tuple[Path, Path]]) -> Iterator[Report]:
    try:
        import ray
    except ImportError:
        raise PipelineError("engine.kind is ray, which is not installed: pip install ray==2.60.0") from None
    ray.init(ignore_reinit_error=True, log_to_driver=True)
    run = ray.remote(_run_one)
    waiting = [run.remote(work, done.resolve(), shard.resolve()) for done, shard in tasks]
    while waiting:
        ended, waiting = ray.wait(waiting)
        yield from ray.get(ended)


def map_folder(stage: str, work: Work, folder: Path, out: Path, key: Sequence[Any], **options: Any) -> Report:
    """Apply map_shards to the shards of a folder."""
    return map_shards(stage, work, list_shards(folder), out, key, **options)


def say(message: str) -> None:
    """Tell the user something, on standard error, apart from a progress bar."""
    tqdm.write(message, file=sys.stderr)
