"""Read what a Git revision records: its files in Git, and its data in DVC's cache or the remote.

Nothing is checked out. Data that is not in the cache is read from the default remote, only the columns asked for.
"""

import json
import subprocess
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import IO, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from mathcode_pile.core.errors import PipelineError, first_line
from stages.report.recorded import list_outs, parse_lock

WORKSPACE = "workspace"


class DataFile(NamedTuple):  # one file of an out
    out: str
    """The out's path: data/corpus."""
    name: str
    """The path below the out: textbooks/part-00000.parquet."""
    md5: str

    @property
    def path(self) -> str:
        """The path in the repository."""
        return f"{self.out}/{self.name}"

    @property
    def is_shard(self) -> bool:
        """Whether this is a shard of records."""
        return Path(self.name).name.startswith("part-") and self.name.endswith(".parquet")

    @property
    def is_dropped(self) -> bool:
        """Whether this is a shard of dropped records."""
        return Path(self.name).parent.name == "dropped"


class MissingDataError(PipelineError):
    """Data that is neither in the cache nor in the remote."""


class Objects:
    """The objects of DVC's cache and of the default remote, by their MD5."""

    def __init__(self) -> None:
        from dvc.exceptions import NotDvcRepoError
        from dvc.repo import Repo

        try:
            self._repo = Repo()
        except NotDvcRepoError:
            raise PipelineError("run this in the repository's root folder") from None

    @cached_property
    def _remote(self) -> Any:
        from dvc.exceptions import DvcException

        try:
            return self._repo.cloud.get_remote_odb(None, "fetch")
        except DvcException:
            raise MissingDataError(
                "not in DVC's cache, and there is no remote to read it from: dvc remote add -d NAME ADDRESS"
            ) from None

    def current_outs(self) -> set[str]:
        """Return the paths of the outs of the stages that dvc.yaml has now; dvc.lock keeps those of earlier ones."""
        return {out.def_path for out in self._repo.index.outs}

    def cached(self, md5: str) -> Path:
        """Return an object's place in the cache, whether it is there or not."""
        return Path(self._repo.cache.local.oid_to_path(md5))

    def remote_address(self, md5: str) -> str:
        """Return an object's address in the default remote; raises MissingDataError where there is no remote."""
        return str(self._remote.fs.unstrip_protocol(self._remote.oid_to_path(md5)))

    def open(self, md5: str) -> IO[bytes]:
        """Open an object; raises MissingDataError where neither the cache nor the remote has it."""
        if (path := self.cached(md5)).is_file():
            return open(path, "rb")
        try:
            return self._remote.fs.open(self._remote.oid_to_path(md5), "rb")  # type: ignore[no-any-return]
        except (OSError, ValueError) as error:
            raise MissingDataError(f"{md5}: neither in DVC's cache nor in the remote: {first_line(error)}") from None

    def read_rows(self, file: DataFile, columns: list[str]) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of a shard, a batch at a time, with those of the columns that it has."""
        with self.open(file.md5) as content:
            try:
                with pq.ParquetFile(pa.PythonFile(content, mode="r")) as shard:
                    there = [name for name in columns if name in shard.schema_arrow.names]
                    for batch in shard.iter_batches(columns=there):
                        yield batch.to_pylist()
            except (pa.ArrowException, OSError) as error:
                raise PipelineError(f"{file.path} ({file.md5}): {first_line(error)}") from None


class Version:
    """What a Git revision, or the workspace, records."""

    def __init__(self, name: str, objects: Objects) -> None:
        """Name it by a tag, a commit or one of DVC's experiments; raises PipelineError where Git has none of them."""
        self.name, self._objects = name, objects
        self._commit = name if name == WORKSPACE else _find_commit(name)

    def read_text(self, path: str) -> str | None:
        """Return the content of a file in Git, None where the revision has no such file."""
        if self.name == WORKSPACE:
            return Path(path).read_text(encoding="utf-8") if Path(path).is_file() else None
        if path not in self._git_files:
            return None
        return git("show", f"{self._commit}:{path}")

    @cached_property
    def _git_files(self) -> frozenset[str]:
        return frozenset(git("ls-tree", "-r", "-z", "--name-only", self._commit).split("\0"))

    def list_texts(self, folder: str, ending: str) -> list[str]:
        """Return the paths of the files in Git below a folder with an ending."""
        if self.name == WORKSPACE:
            return sorted(path.as_posix() for path in Path(folder).rglob(f"*{ending}"))
        return sorted(path for path in self._git_files if path.startswith(f"{folder}/") and path.endswith(ending))

    @cached_property
    def outs(self) -> dict[str, str]:
        """The MD5 of each out in dvc.lock, by its path; a folder's ends in .dir."""
        stages = parse_lock(self.read_text("dvc.lock") or "")
        return {path: md5 for stage in stages.values() for path, md5 in list_outs(stage).items()}

    def list_files(self, out: str) -> list[DataFile]:
        """Return the files of an out, none if the revision has no such out.

        Raises MissingDataError where the list is neither in the cache nor in the remote.
        """
        md5 = self.outs.get(out)
        if md5 is None or not md5.endswith(".dir"):
            return []
        return [DataFile(out, entry["relpath"], entry["md5"]) for entry in _read_list(self._objects, md5)]


def _find_commit(name: str) -> str:
    # DVC keeps the commit of an experiment under refs/exps/<its baseline's commit>/<its name>.
    listed = git("for-each-ref", "--format=%(refname)", "refs/exps").split()
    name_in_git = next((ref for ref in listed if ref.endswith(f"/{name}")), name)
    failing = f"{name}: no such tag, commit or experiment"
    return git("rev-parse", "--verify", "--quiet", f"{name_in_git}^{{commit}}", failing=failing).strip()


@cache
def _read_list(objects: Objects, md5: str) -> list[dict[str, str]]:
    with objects.open(md5) as file:
        return json.loads(file.read())  # type: ignore[no-any-return]


def git(*arguments: str, failing: str = "") -> str:
    """Return what git prints; raises PipelineError, with git's words or those of `failing`."""
    done = subprocess.run(["git", *arguments], capture_output=True, text=True)
    if done.returncode:
        raise PipelineError(failing or f"git {arguments[0]}: {done.stderr.strip().splitlines()[-1:] or 'failed'}")
    return done.stdout


def list_tags() -> list[str]:
    """Return the repository's tags whose name begins with v and a digit, the oldest version first."""
    return git("tag", "--list", "v[0-9]*", "--sort=version:refname").split()
