"""What a Ray worker does: make sure that it runs the driver's code, find or take the files, do the work on a shard.

A worker never raises an error that the user can mend. It returns it, so that no traceback of two machines hides it.
"""

import os
import pickle
import re
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from mathcode_pile.core import scratch
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.funnel import Report
from mathcode_pile.core.shard_tasks import ShardTask, Work, run_task, work_in

T = TypeVar("T")

Content = dict[str, bytes]
"""Files by their name, or by their path below a folder; a file's own content has the name ""."""


class FileMark(NamedTuple):
    """What tells whether a node sees the same file as the driver."""

    path: str
    size: int
    modified_ns: int


class Job(NamedTuple):
    """What all tasks of one map have in common."""

    number: str
    """Unlike that of any other map."""
    module: str
    """Where the work is defined."""
    code: str
    """The hash of that module and of what it imports, as the driver has it."""
    packages: dict[str, str]
    """What the driver runs on; see installed_packages."""
    variables: dict[str, str]
    """Variables of the driver's environment that the work may need."""
    scratch: str
    """The driver's scratch folder."""
    probe: str
    """A file that the driver has just written there."""
    work: list[Any]
    """A reference to the pickled work. In a list Ray does not fetch it; each worker does so once."""
    held: list[FileMark]
    """The files that the work holds."""
    sent: list[Any]
    """A reference to the content of these files (dict[str, Content], by the path that is held); empty in place."""


class Unseen:
    """The answer of a worker that does not see the driver's files."""


class Sent(NamedTuple):
    """The result of a shard whose files travelled."""

    report: Report
    files: Content


def installed_packages() -> dict[str, str]:
    """Return the version of Python, and of each package of requirements.lock that is installed here."""
    versions = {"Python": ".".join(map(str, sys.version_info[:2]))}
    lock = scratch.PROJECT / "requirements.lock"
    for name in re.findall(r"^[\w.-]+", lock.read_text(encoding="utf-8"), re.MULTILINE) if lock.is_file() else ():
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return versions


def mark(path: Path) -> list[FileMark]:
    """Return the marks of a file, or of all files below a folder; none where it is missing."""
    if path.is_file():
        files = [path]
    else:
        files = sorted(p for p in path.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    stats = [(str(file), file.stat()) for file in files]
    return [FileMark(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]


def do_task(job: Job, task: ShardTask, marks: Sequence[FileMark], content: Content | None) -> Any:
    """Do a task. content: the files that it reads, by name, where nodes do not see them; None: they are read in place.

    Returns the Report or what was Sent, Unseen, or the PipelineError that the driver is to raise.
    """

    def do() -> Any:
        work = _load_work(job)
        return run_task(work, task) if content is None else _do_apart(work, task, content)

    return _answer(job, marks, content is None, do)


def do_hashes(job: Job, marks: Sequence[FileMark]) -> Any:
    """Return the hash of each file; Unseen or a PipelineError as do_task does."""
    return _answer(job, marks, True, lambda: [scratch.hash_file(Path(one.path)) for one in marks])


def _answer(job: Job, marks: Sequence[FileMark], in_place: bool, do: Callable[[], T]) -> T | Unseen | PipelineError:
    try:
        if in_place and not _sees(job, marks):
            return Unseen()
        _take_environment(job, in_place)
        _refuse_other_code(job)
        return do()
    except PipelineError as error:
        return error


def _sees(job: Job, marks: Sequence[FileMark]) -> bool:
    """Say whether this node has the driver's scratch folder, and may write to it, and the same files as the driver."""
    if job.number not in _checked:
        marks = [*marks, *job.held]
    return os.access(job.probe, os.W_OK) and all(map(_is_here, marks))


def _is_here(wanted: FileMark) -> bool:
    try:
        return mark(Path(wanted.path)) == [wanted]
    except OSError:
        return False


def _take_environment(job: Job, in_place: bool) -> None:
    # Kernels and models are loaded later, when the work is unpickled, so they are looked for in the right place.
    for name in ("MATHCODE_SCRATCH", "DVC_ROOT"):
        os.environ.pop(name, None)
    os.environ.update(job.variables)
    if in_place:
        os.environ["MATHCODE_SCRATCH"] = job.scratch
    # Otherwise the scratch folder is beside the code that the job shipped; Ray removes both.


_checked: set[str] = set()
_OTHER = "it is not the driver's; take it off the Python path of the node"


def _refuse_other_code(job: Job) -> None:
    if job.number in _checked:
        return
    node = socket.gethostname()
    for package, folder in scratch.PACKAGES.items():
        loaded = sys.modules.get(package)
        if loaded and Path(loaded.__path__[0]).resolve() != folder:
            raise PipelineError(f"{node} runs {package} from {loaded.__path__[0]}: {_OTHER}")
    if scratch.hash_code(job.module) != job.code:
        raise PipelineError(f"{node} runs code from {scratch.PROJECT}: {_OTHER}")
    here = installed_packages()
    for name, version in job.packages.items():
        if here.get(name) != version:
            has = f"has {name} {here[name]}" if name in here else f"lacks {name}"
            raise PipelineError(f"{node} {has}, the driver has {version}: mend the node's environment")
    _checked.add(job.number)


_works: dict[str, Work] = {}


def _load_work(job: Job) -> Work:
    """Return the job's work, unpickled once in this process; what it loads itself is kept by its own caches."""
    if job.number not in _works:
        import ray

        pickled: bytes = ray.get(job.work[0])
        held: Mapping[str, Content] | None = ray.get(job.sent[0]) if job.sent else None
        _works.clear()
        _works[job.number] = _WorkUnpickler(BytesIO(pickled), held).load()
    return _works[job.number]


class WorkPickler(pickle.Pickler):
    """Pickles work, and notes the files and folders that it holds as a Path."""

    def __init__(self, file: BytesIO) -> None:
        super().__init__(file)
        self.paths: set[Path] = set()

    def persistent_id(self, value: object) -> str | None:
        """Return the absolute path of a Path that exists: the working folder is another one on a node."""
        if not isinstance(value, Path) or not value.exists():
            return None
        self.paths.add(value.absolute())
        return str(value.absolute())


class _WorkUnpickler(pickle.Unpickler):
    def __init__(self, file: BytesIO, held: Mapping[str, Content] | None) -> None:
        super().__init__(file)
        self._held = held

    def persistent_load(self, name: str) -> Path:
        return Path(name) if self._held is None else _place(name, self._held[name])


def _place(name: str, content: Content) -> Path:
    """Return where files of the driver's that travelled lie on this node; the first worker here writes them."""
    home = scratch.scratch_folder("held")
    digest = scratch.hash_values(name, [[part, scratch.hash_bytes(data)] for part, data in sorted(content.items())])
    place = home / digest / Path(name).name
    with scratch.locked(home):
        if not place.exists():
            with scratch.atomic_folder(place.parent) as folder:
                write_content(folder / place.name, content)
    return place


def read_content(path: Path) -> Content:
    """Return a file, or all files below a folder."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(Path(one.path).relative_to(path)): Path(one.path).read_bytes() for one in mark(path)}


def write_content(place: Path, content: Content) -> None:
    """Write a file, or files below a folder, as read_content returned them."""
    for name, data in content.items():
        path = place / name if name else place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _do_apart(work: Work, task: ShardTask, content: Content) -> Sent:
    with scratch.working_folder("ray") as home:
        inputs, out = home / "inputs", home / "out"
        out.mkdir()
        write_content(inputs, content)
        try:
            report = work_in(work, out, [inputs / file.name for file in task.files])
        except PipelineError as error:
            # The user knows the driver's path of the shard alone.
            raise type(error)(str(error).replace(str(inputs), str(task.shard.parent))) from None
        return Sent(report, read_content(out))
