"""Map a function over shards: in local processes, or on a Ray cluster where params say so.

Each shard's result is finished on its own in the scratch folder, so an interrupted or extended run
computes only what is missing. Results never depend on the number of workers.
"""

import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, field_validator
from tqdm import tqdm

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import InputError, ParamsError, PipelineError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.lifetime import die_with_parent
from mathcode_pile.core.params import SECTIONS, Section, load
from mathcode_pile.core.shard_tasks import ShardTask, Work, run_task
from mathcode_pile.core.shards import count_shard, list_shards, shard_name

T = TypeVar("T")
R = TypeVar("R")

# So many records may fail whatever max_failed_share says: one odd record must not end a small run.
MIN_FAILED = 20


# So much input is hashed by threads of this process within seconds. More is hashed by the cluster, if there is one.
HASHED_HERE_BYTES = 8 << 30

Place = Literal["workers", "gpu", "driver"]
"""Where shards are worked on. workers: in as many processes as there are, here or on the cluster. gpu: one after the
other in this process, on a cluster in tasks that have a GPU each. driver: one after the other in this process, whatever
the engine: the work asks a model server, whose limits, key and reply cache are this process's."""


class Resources(Section):
    """What the task of one shard asks of a Ray cluster."""

    cpu: float = Field(default=1, gt=0)
    """Cores. A stage that can work on a shard with several threads or processes uses so many."""
    memory_gb: float = Field(default=0, ge=0)
    """Memory that the node must have left for it; 0: not considered."""
    gpu: float | None = Field(default=None, ge=0)
    """GPUs, which may be a share of one. By default 1 where the stage has a model in its own process, else 0."""


class EngineParams(Section):
    """How stages are spread over processes. No stage names these, so changing them reruns nothing."""

    kind: Literal["local", "ray"] = "local"
    """local: processes on this machine. ray: a Ray cluster."""
    workers: int = Field(default=0, ge=0)
    """Processes; 0 means one for each core this process may use. MATHCODE_WORKERS overrides it."""
    max_failed_share: float = Field(default=0.001, ge=0, le=1)
    """The share of a stage's records that may fail in its own code before it stops. MIN_FAILED may always fail."""
    resources: dict[str, Resources] = {}
    """By stage; only Ray reads them."""

    @field_validator("resources")
    @classmethod
    def _are_of_stages(cls, resources: dict[str, Resources]) -> dict[str, Resources]:
        if unknown := sorted(resources.keys() - SECTIONS):
            raise ValueError(f"there is no stage {unknown[0]!r}")
        return resources


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


def count_threads(stage: str, shards: int) -> int:
    """Return how many threads or processes the work on one of so many shards may use. No result may depend on this."""
    params = load("engine", EngineParams)
    if params.kind == "ray":
        return max(1, int(params.resources.get(stage, Resources()).cpu))
    cores = count_workers()
    return -(-cores // max(1, min(cores, shards)))


def map_shards(
    stage: str,
    work: Work,
    inputs: Sequence[Path],
    out: Path,
    key: Sequence[Any],
    prepare: Callable[[], object] | None = None,
    place: Place = "workers",
    companions: Sequence[Path] = (),
) -> Report:
    """Apply `work` to every input shard and gather its files in `out`; return the summed report.

    work(shard, folder) writes `documents.parquet` into folder, and any further `<name>.parquet`. The
    first becomes `out/part-00007.parquet` for the eighth input, the others `out/<name>/part-00007.parquet`.
    A shard whose file was not written has no file in the out.
    work: a function of a module, or a `partial` of one. On a cluster, every existing file or folder that it holds as a
    Path is brought to where it runs; a path in a string is not.
    key: all that the result depends on besides the shard and the code of work's module: params as
    JSON values, hashes of models and of other inputs.
    prepare: loads what the local workers share (a model), once, before they are forked.
    companions: [inputs] a second file for each shard, if any; work then gets it as its third argument.
    Raises PipelineError where a worker dies, InputError where `out` holds other shards.
    """
    module = getattr(work, "func", work).__module__
    fingerprint = scratch.hash_values(list(key), scratch.hash_code(module), scratch.hash_environment())
    home = scratch.scratch_folder("shards", stage, fingerprint)
    with scratch.locked(home):
        digests = _hash_files([*inputs, *companions], place)
        if companions:
            pairs = zip(digests, digests[len(inputs) :], strict=False)
            digests = [scratch.hash_values(*pair) for pair in pairs]
        done = [home / digest for digest in digests]
        seconds: Sequence[Path | None] = companions or [None] * len(inputs)
        tasks = {d: ShardTask(d, s, c) for d, s, c in zip(done, inputs, seconds, strict=True)}
        missing = [task for task in tasks.values() if not (task.done / "report.json").is_file()]
        fresh = Report()
        bar = tqdm(total=len(tasks), initial=len(tasks) - len(missing), unit="shard", desc=stage)
        with bar:
            for report in _run(stage, work, missing, place, prepare):
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


def _hash_files(paths: Sequence[Path], place: Place) -> list[str]:
    """Return the hash of each file's content."""
    if _is_on_ray(place) and sum(path.stat().st_size for path in paths) > HASHED_HERE_BYTES:
        from mathcode_pile.core.ray_engine import hash_files

        return hash_files(paths)
    with ThreadPoolExecutor(count_workers()) as pool:
        return list(pool.map(scratch.hash_file, paths))


def _is_on_ray(place: Place) -> bool:
    return place != "driver" and load("engine", EngineParams).kind == "ray"


def _run(
    stage: str, work: Work, tasks: Sequence[ShardTask], place: Place, prepare: Callable[[], object] | None
) -> Iterator[Report]:
    """Yield the report of each task as it ends."""
    if not tasks:
        return
    if _is_on_ray(place):
        from mathcode_pile.core.ray_engine import run_tasks

        asked = load("engine", EngineParams).resources.get(stage, Resources())
        gpu = asked.gpu if asked.gpu is not None else float(place == "gpu")
        yield from run_tasks(stage, work, tasks, {"CPU": asked.cpu, "memory": asked.memory_gb * 1e9, "GPU": gpu})
        return
    if prepare:
        prepare()
    workers = count_workers() if place == "workers" else 1
    yield from map_in_processes(partial(run_task, work), tasks, workers)


def map_in_processes(function: Callable[[T], R], items: Sequence[T], workers: int | None = None) -> Iterator[R]:
    """Yield what a function returns for each item, in the order in which they end.

    workers: processes of this machine, by default as many as count_workers says.
    Raises PipelineError where one of them dies.
    """
    workers = min(workers or count_workers(), len(items))
    if workers <= 1:
        yield from map(function, items)
        return
    # Forked, so that what the caller loaded is shared; ended with us, should we be killed.
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, context, initializer=die_with_parent) as pool:
        waiting = {pool.submit(function, item) for item in items}
        while waiting:
            ended, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in ended:
                try:
                    result = future.result()
                except BrokenProcessPool:
                    raise PipelineError("a worker was killed; most often the machine ran out of memory") from None
                except BaseException:
                    pool.shutdown(wait=False, cancel_futures=True)
                    raise
                yield result


def map_folder(stage: str, work: Work, folder: Path, out: Path, key: Sequence[Any], **options: Any) -> Report:
    """Apply map_shards to the shards of a folder."""
    return map_shards(stage, work, list_shards(folder), out, key, **options)


def say(message: str) -> None:
    """Tell the user something, on standard error, apart from a progress bar."""
    tqdm.write(message, file=sys.stderr)
