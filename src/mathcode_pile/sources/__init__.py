"""Where documents come from: one strict type for each kind of origin, and the rows of any of them."""

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.params import Commit, Section
from mathcode_pile.downloads.download import LocalFile, download_http
from mathcode_pile.downloads.hub import download_hub
from mathcode_pile.sources.formats import SUFFIXES, Format, read_rows
from mathcode_pile.sources.python_packages import What, read_packages
from mathcode_pile.sources.source_rows import Limits, Rejected, Row, bounded
from mathcode_pile.sources.stores import download_fsspec
from mathcode_pile.sources.worked_mathematics import generate


class FileOrigin(Section):
    """What origins made of files have in common."""

    format: Format
    license: str
    columns: dict[str, str] = {}
    limits: Limits = Limits()
    citation: str = ""

    @model_validator(mode="after")
    def _has_columns(self) -> Self:
        if self.columns and self.format in ("text", "markdown", "pdf"):
            raise ValueError(f"columns: format {self.format} has none")
        return self


class Local(FileOrigin):
    """A file or a folder of this machine, relative to the repository."""

    kind: Literal["local"]
    path: Path

    def files(self) -> Iterator[LocalFile]:
        """Yield the files, in order of their names; raises InputError where there is none."""
        if self.path.is_file():
            yield LocalFile(self.path, self.path.name, str(self.path))
            return
        if not self.path.is_dir():
            raise InputError(f"{self.path}: no such file or folder")
        suffixes = SUFFIXES[self.format]
        named = sorted(p for p in self.path.rglob("*") if p.name.lower().endswith(suffixes))
        for path in named:
            if path.is_symlink() and not path.exists():
                raise InputError(f"{path}: a link that leads nowhere")
        found = [path for path in named if path.is_file()]
        if not found:
            raise InputError(f"{self.path}: no file that ends in {', '.join(suffixes)}")
        yield from (LocalFile(path, str(path.relative_to(self.path)), str(path)) for path in found)


class Http(FileOrigin):
    """Files at http(s) addresses, with their checksums where they are known."""

    kind: Literal["http"]
    urls: dict[str, str | None] = Field(min_length=1)
    """The sha256 of each address, or null."""

    def files(self) -> Iterator[LocalFile]:
        """Download and yield the files, in the order of params."""
        yield from (download_http(url, sha256) for url, sha256 in self.urls.items())


class Store(FileOrigin):
    """Files of an object store: s3://bucket/folder/*.parquet, or any address that fsspec reads."""

    kind: Literal["s3", "fsspec"]
    url: str
    options: dict[str, object] = {}

    def files(self) -> Iterator[LocalFile]:
        """Download and yield the files, in order of their names."""
        yield from download_fsspec(self.url, self.options)


class HuggingFace(FileOrigin):
    """Files of a dataset repository on the Hugging Face hub, at a pinned commit."""

    kind: Literal["huggingface"]
    repository: str
    revision: Commit | None
    """A commit; null until `make pin` has written one."""
    patterns: list[str] = Field(min_length=1)

    def files(self) -> Iterator[LocalFile]:
        """Download and yield the files, in order of their names; raises InputError where no commit is pinned."""
        if self.revision is None:
            raise InputError(f"huggingface {self.repository}: no revision is pinned; run `make pin`")
        yield from download_hub("dataset", self.repository, self.revision, self.patterns, self.limits.files)


class PackageLimits(Section):
    """How much of a package is taken; null is all of it."""

    rows: int | None = Field(default=None, gt=0)
    """Spread over the package by a hash of their keys."""


class PythonPackages(Section):
    """Documentation, code or long texts of installed packages, at pinned versions."""

    kind: Literal["python_packages"]
    what: What
    packages: list[Annotated[str, Field(pattern=r"^[\w.-]+==[\w.!+-]+$")]] = Field(min_length=1)
    """`name==version`, as requirements.lock has it."""
    min_characters: int = Field(default=300, ge=0)
    limits: PackageLimits = PackageLimits()
    """For each package."""


class WorkedMathematics(Section):
    """Generated pages of worked mathematics."""

    kind: Literal["worked_mathematics"]
    documents: int = Field(gt=0)
    seed: int


Origin = Annotated[Local | Http | Store | HuggingFace | PythonPackages | WorkedMathematics, Field(discriminator="kind")]


def read_origin(origin: Origin, on_file: Callable[[LocalFile], object]) -> Iterator[Row | Rejected]:
    """Yield the rows of an origin, in an order that its content alone decides.

    on_file: is told each downloaded file before it is read.
    """
    if isinstance(origin, PythonPackages):
        yield from read_packages(origin.packages, origin.what, origin.limits.rows, origin.min_characters)
    elif isinstance(origin, WorkedMathematics):
        for page in generate(origin.documents, origin.seed):
            url = f"generated:worked_mathematics/{origin.seed}/{page['key']}"
            metadata = {"title": page["title"], **page["metadata"]}
            yield Row(f"{origin.seed}/{page['key']}", page["text"], url, "Apache-2.0", metadata)
    else:
        yield from bounded(_read_files(origin, on_file), origin.limits)


FileSource = Annotated[Local | Http | Store | HuggingFace, Field(discriminator="kind")]


def check_columns(origins: Iterable[object], known: Sequence[str]) -> None:
    """Raise ValueError where the `columns` of an origin made of files say where something is that is not known."""
    for origin in origins:
        for name in origin.columns if isinstance(origin, FileOrigin) else ():
            if name not in known:
                raise ValueError(f"columns: unknown key {name!r}; there are {', '.join(known)}")


def _read_files(origin: FileSource, on_file: Callable[[LocalFile], object]) -> Iterator[Row | Rejected]:
    for file in open_files(origin, on_file):
        with naming(file):
            yield from read_rows(file.path, file.name, file.url, origin.format, origin.license, origin.columns)


def open_files(origin: FileSource, on_file: Callable[[LocalFile], object]) -> Iterator[LocalFile]:
    """Yield the files of an origin, within its limit; raises InputError for one of another format."""
    for file in itertools.islice(origin.files(), origin.limits.files):
        if not file.name.lower().endswith(SUFFIXES[origin.format]):
            raise InputError(
                f"{file.url}: not a file of format {origin.format}: it must end in {', '.join(SUFFIXES[origin.format])}"
            )
        if file.sha256 or file.etag:
            on_file(file)
        yield file


@contextmanager
def naming(file: LocalFile) -> Iterator[None]:
    """Name a downloaded file's address beside its place on this machine in errors that arise in the block."""
    try:
        yield
    except InputError as error:
        raise error if file.url == str(file.path) else InputError(f"{file.url}: {error}") from error
