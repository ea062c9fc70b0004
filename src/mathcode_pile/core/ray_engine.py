"""Map a function over shards on a Ray cluster, which may have been started elsewhere, by another user.

The job ships the project's code, and each task refuses other code than the driver's (ray_worker). Where nodes see the
driver's files, at the same paths, they read and write them in place. Where one does not, the content of the files
travels through Ray's object store: a shard with its task, its result with the answer.
"""

import os
import pickle
import shutil
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

from mathcode_pile.core import scratch
from mathcode_pile.core.engine import say
from mathcode_pile.core.errors import PipelineError, first_line
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.ray_worker import (
    Job,
    Sent,
    Unseen,
    WorkPickler,
    do_hashes,
    do_task,
    installed_packages,
    mark,
    read_content,
    write_content,
)
from mathcode_pile.core.shard_tasks import ShardTask, Work

T = TypeVar("T")

NOT_INSTALLED = "engine.kind is ray, which is not installed; requirements.lock has it: run `make setup`"
# Variables of the driver's environment that travel: where models are found, and the key to them.
TRAVELLING = ("HF_",)
# A task is repeated so often where its worker or node dies.
RETRIES = 3
# Files that one task hashes.
HASHED_AT_ONCE = 16
# The cluster may have grown or shrunk after so many seconds.
COUNT_EVERY_S = 5


def run_tasks(stage: str, work: Work, tasks: Sequence[ShardTask], asked: Mapping[str, float]) -> Iterator[Report]:
    """Yield the report of each task as it ends; its result is then in the scratch folder.

    asked: what a task asks of its node, by Ray's name: CPU, GPU, memory (bytes).
    Raises PipelineError as the work does, or where a node runs other code or its workers die.
    """
    ray = _connect()
    with _make_job(ray, stage, work) as (job, held):
        remote = _remote(ray, do_task, asked)
        travels = False

        def submit(task: ShardTask) -> Any:
            task = task._replace(done=task.done.absolute(), shard=task.shard.absolute())
            if task.companion:
                task = task._replace(companion=task.companion.absolute())
            content = {file.name: file.read_bytes() for file in task.files} if travels else None
            marks = [one for path in task.files for one in mark(path)]
            return remote.remote(job, task, marks, content)

        waiting = deque(tasks)
        for task, answer in _windowed(ray, stage, waiting, submit, asked):
            if isinstance(answer, Unseen):
                if not travels:
                    say(f"{stage}: not all nodes see this folder, so shards travel through Ray's object store")
                    travels = True
                    job = job._replace(sent=[ray.put({str(path): read_content(path) for path in held})])
                waiting.append(task)
            elif isinstance(answer, Sent):
                with scratch.atomic_folder(task.done) as folder:
                    write_content(folder, answer.files)
                yield answer.report
            else:
                yield answer


def hash_files(paths: Sequence[Path]) -> list[str]:
    """Return the hash of each file's content, computed by the nodes where they see the files."""
    ray = _connect()
    with _make_job(ray, "hash", scratch.hash_file) as (job, _):
        asked = {"CPU": 1.0}
        remote = _remote(ray, do_hashes, asked)
        starts = deque(range(0, len(paths), HASHED_AT_ONCE))
        hashes = [""] * len(paths)

        def batch(start: int) -> list[Path]:
            return [path.absolute() for path in paths[start : start + HASHED_AT_ONCE]]

        def submit(start: int) -> Any:
            return remote.remote(job, [one for path in batch(start) for one in mark(path)])

        for start, answer in _windowed(ray, "hash", starts, submit, asked):
            found = [scratch.hash_file(path) for path in batch(start)] if isinstance(answer, Unseen) else answer
            hashes[start : start + HASHED_AT_ONCE] = found
    return hashes


def _connect() -> Any:
    """Return Ray, connected with the cluster that RAY_ADDRESS or this machine's `ray start` names, once a process."""
    try:
        import ray
    except ImportError:
        raise PipelineError(NOT_INSTALLED) from None
    if ray.is_initialized():
        return ray
    with scratch.working_folder("ray") as folder:
        ignored = shutil.ignore_patterns("__pycache__")
        for package, place in scratch.PACKAGES.items():
            shutil.copytree(place, folder / package, ignore=ignored)
        lock = scratch.PROJECT / "requirements.lock"
        if lock.is_file():
            shutil.copyfile(lock, folder / lock.name)
        try:
            ray.init(runtime_env={"working_dir": str(folder)}, logging_level="warning")
        except (ConnectionError, ValueError, RuntimeError, ray.exceptions.RayError) as error:
            raise PipelineError(f"no Ray cluster: {first_line(error)}") from error
    return ray


@contextmanager
def _make_job(ray: Any, stage: str, work: Work | Callable[[Path], str]) -> Iterator[tuple[Job, list[Path]]]:
    """Yield what the tasks of one map share, and the paths that the work holds.

    The probe file goes when the block ends.
    """
    buffer = BytesIO()
    pickler = WorkPickler(buffer)
    try:
        pickler.dump(work)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise PipelineError(f"{stage}: the work cannot travel to a cluster: {first_line(error)}") from error
    number = uuid.uuid4().hex
    module = getattr(work, "func", work).__module__
    home = scratch.scratch_folder("probes").absolute()
    probe = home / number
    probe.touch()
    variables = {name: value for name, value in os.environ.items() if name.startswith(TRAVELLING)}
    held = sorted(pickler.paths)
    job = Job(
        number=number,
        module=module,
        code=scratch.hash_code(module),
        packages=installed_packages(),
        variables=variables,
        scratch=str(home.parent),
        probe=str(probe),
        work=[ray.put(buffer.getvalue())],
        held=[one for path in held for one in mark(path)],
        sent=[],
    )
    try:
        yield job, held
    finally:
        probe.unlink(missing_ok=True)


def _remote(ray: Any, function: Callable[..., Any], asked: Mapping[str, float]) -> Any:
    # Ray ends a worker after each task with a GPU, so that the memory of the GPU is free again for another.
    options = {"num_cpus": asked["CPU"], "num_gpus": asked.get("GPU", 0)}
    if asked.get("memory"):
        options["memory"] = int(asked["memory"])
    return ray.remote(max_retries=RETRIES, **options)(function)


def _windowed(
    ray: Any, stage: str, items: "deque[T]", submit: Callable[[T], Any], asked: Mapping[str, float]
) -> Iterator[tuple[T, Any]]:
    """Yield each item and the answer of its task, in the order in which tasks end; the caller may add items.

    About twice as many tasks are submitted as can run at once: the nodes never wait, an autoscaler sees that there is
    more to do, and neither the driver nor the object store holds more. Raises PipelineError where an answer is one.
    """
    running: dict[Any, T] = {}
    counted, limit = float("-inf"), 1
    try:
        while items or running:
            if time.monotonic() > counted + COUNT_EVERY_S:
                counted, limit = time.monotonic(), 2 * _count_slots(ray, asked)
            while items and len(running) < limit:
                item = items.popleft()
                running[submit(item)] = item
            (ended, *_), _ = ray.wait(list(running), num_returns=1)
            item = running.pop(ended)
            answer = _get(ray, stage, ended)
            del ended
            yield item, answer
    finally:
        for task in running:
            ray.cancel(task)


def _count_slots(ray: Any, asked: Mapping[str, float]) -> int:
    """Return how many tasks the cluster can run at once, at least 1."""
    there = ray.cluster_resources()
    return max(1, int(min(there.get(name, 0) / amount for name, amount in asked.items() if amount)))


def _get(ray: Any, stage: str, task: Any) -> Any:
    try:
        answer = ray.get(task)
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, ImportError):
            raise PipelineError(f"{stage}: a node cannot load the driver's code: {first_line(error.cause)}") from None
        raise
    except ray.exceptions.RayError as error:
        what = f"{type(error).__name__}: {first_line(error)}"
        raise PipelineError(f"{stage}: a shard could not be done on the cluster: {what}") from None
    if isinstance(answer, PipelineError):
        raise answer
    return answer
