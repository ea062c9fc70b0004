"""Where documents come from: one strict type for each kind of origin, and a reader of their rows."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mathcode_pile.core.errors import InputError, printable
from mathcode_pile.core.params import Commit, Section
from mathcode_pile.downloads.download import LocalFile, download_http, http_name
from mathcode_pile.downloads.hub import HubFile, Repository
from mathcode_pile.downloads.remote import RemoteFile, open_http
from mathcode_pile.sources.common_crawl import Addresses, download_domain, warc_name
from mathcode_pile.sources.file_choice import Wanted, choose_files, interleave
from mathcode_pile.sources.formats import SUFFIXES, Format, Place, is_tabular, read_rows
from mathcode_pile.sources.python_packages import What, read_packages
from mathcode_pile.sources.source_rows import Limits, Rejected, Row, attempt_record, bounded
from mathcode_pile.sources.stores import StoredFile, list_store
from mathcode_pile.sources.worked_mathematics import page, page_key


class FileOrigin(Section):
    """What all origins that consist of files have in common."""

    format: Format
    """How the files are to be read."""
    license: str
    """The licence that each document gets, unless a column names its own."""
    columns: dict[str, str] = {}
    """Which of the files' columns stands for which of ours, for example {text: content}."""
    limits: Limits = Limits()
    """How much is taken."""
    citation: str = ""
    """How to cite the source; the card prints it."""

    @model_validator(mode="after")
    def _has_columns(self) -> Self:
        if self.columns and self.format in ("text", "markdown", "pdf", "html", "warc"):
            raise ValueError(f"columns: format {self.format} has none")
        return self


class Local(FileOrigin):
    """A file or a folder on this machine; a relative path starts at the repository."""

    kind: Literal["local"]
    """The kind of origin: files on this machine."""
    path: Path
    """The file or folder."""

    def list_files(self) -> list[list[Wanted]]:
        """Return the files, as one pattern; raises InputError where there is none."""
        if self.path.is_file():
            return [[_name_file(self.path, self.path.name)]]
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
        return [[_name_file(path, str(path.relative_to(self.path))) for path in found]]


def _name_file(path: Path, name: str) -> Wanted:
    # A file system allows names that are not UTF-8; a document's key and url do not.
    file = LocalFile(path, printable(name), printable(str(path)))
    return Wanted(file.name, file.url, lambda: file)


class Http(FileOrigin):
    """Files at http(s) addresses, with their checksums if known."""

    kind: Literal["http"]
    """The kind of origin: files behind addresses on the web."""
    urls: dict[str, str | None] = Field(min_length=1)
    """The sha256 of each address's file, or null."""

    def list_files(self) -> list[list[Wanted]]:
        """Return the files, as one pattern. One whose checksum is given is always brought whole."""
        return [[self._want(url, sha256) for url, sha256 in self.urls.items()]]

    def _want(self, url: str, sha256: str | None) -> Wanted:
        name = http_name(url)
        remote = RemoteFile(name, url, None, partial(open_http, url)) if sha256 is None else None
        return Wanted(name, url, partial(download_http, url, sha256), remote)


class Store(FileOrigin):
    """Files of an object store: s3://bucket/folder/*.parquet, or any other address that fsspec reads."""

    kind: Literal["s3", "fsspec"]
    """s3: a bucket. fsspec: any other address that fsspec reads."""
    url: str
    """The address, with * for any name."""
    options: dict[str, object] = {}
    """What fsspec is to be told besides; no secrets, which are read from the environment."""

    def list_files(self) -> list[list[Wanted]]:
        """Return the files, as one pattern."""
        return [[self._want(file) for file in list_store(self.url, self.options)]]

    def _want(self, file: StoredFile) -> Wanted:
        remote = RemoteFile(file.name, file.address, file.size, file.open, file.mark)
        return Wanted(file.name, file.address, file.download, remote)


class HuggingFace(FileOrigin):
    """Files of a dataset repository on the Hugging Face hub, at a pinned commit."""

    kind: Literal["huggingface"]
    """The kind of origin: a repository on the hugging face hub."""
    repository: str
    """The data set, as owner/name."""
    revision: Commit | None
    """A commit; null until `make pin` has written one."""
    patterns: list[str] = Field(min_length=1)
    """Which of its files, with * for any name."""

    def list_files(self) -> list[list[Wanted]]:
        """Return the files of each pattern; raises InputError where one has none, or where no commit is pinned."""
        if self.revision is None:
            raise InputError(f"huggingface {self.repository}: no revision is pinned; run `make pin`")
        repository = Repository("dataset", self.repository, self.revision)
        groups = repository.list_files(self.patterns)
        for pattern, group in zip(self.patterns, groups, strict=True):
            if not group:
                raise InputError(f"{repository}: no file matches {pattern}")
        return [[_want_hub_file(repository, file) for file in group] for group in groups]


def _want_hub_file(repository: Repository, file: HubFile) -> Wanted:
    url = repository.address(file)
    remote = RemoteFile(file.name, url, file.size, partial(repository.open, file), file.blob)
    return Wanted(file.name, url, partial(repository.download, file), remote)


class CommonCrawl(FileOrigin):
    """The pages of some domains in one crawl of Common Crawl."""

    kind: Literal["common_crawl"]
    """Pages of Common Crawl, by domain."""
    format: Literal["warc"] = "warc"
    """Common Crawl's files are WARC files."""
    crawl: str = Field(pattern=r"^CC-MAIN-\d{4}-\d{2}$")
    """The crawl's name, as CC-MAIN-2025-30."""
    domains: list[Annotated[str, Field(pattern=r"^[\w-]+(\.[\w-]+)+$")]] = Field(min_length=1)
    """Subdomains are included."""
    pages: int | None = Field(default=None, gt=0)
    """How many pages of each domain; null takes all of them."""
    index: str = "https://index.commoncrawl.org"
    """The address of the index."""
    data: str = "https://data.commoncrawl.org"
    """The address of the WARC files."""

    def list_files(self) -> list[list[Wanted]]:
        """Return one WARC file for each domain, in the order of params."""
        servers = Addresses(self.index, self.data)
        return [
            [
                Wanted(
                    warc_name(self.crawl, domain),
                    f"{self.index}/{warc_name(self.crawl, domain)}",
                    partial(download_domain, self.crawl, domain, self.pages, servers),
                )
            ]
            for domain in self.domains
        ]


class PackageLimits(Section):
    """How much of a package is taken; null takes all of it."""

    rows: int | None = Field(default=None, gt=0)
    """At most so many rows of each package. A hash of their keys chooses them, so they come from all its parts."""


class PythonPackages(Section):
    """Documentation, code or long texts of installed packages, at pinned versions."""

    kind: Literal["python_packages"]
    """The kind of origin: installed python packages."""
    what: What
    """What is taken of the packages: their documentation, code or long texts."""
    packages: list[Annotated[str, Field(pattern=r"^[\w.-]+==[\w.!+-]+$")]] = Field(min_length=1)
    """`name==version`, as requirements.lock has it."""
    min_characters: int = Field(default=300, ge=0)
    """Shorter parts are left out."""
    limits: PackageLimits = PackageLimits()
    """The limits for each package."""


class WorkedMathematics(Section):
    """Generated pages of worked mathematics."""

    kind: Literal["worked_mathematics"]
    """The kind of origin: pages that are generated."""
    documents: int = Field(gt=0)
    """How many pages are generated."""
    seed: int
    """The seed of the pages."""


Origin = Annotated[
    Local | Http | Store | HuggingFace | CommonCrawl | PythonPackages | WorkedMathematics, Field(discriminator="kind")
]


OnFile = Callable[[LocalFile | RemoteFile], object]


def read_origin(origin: Origin, on_file: OnFile) -> Iterator[Row | Rejected]:
    """Yield the rows of an origin, in an order that depends on its content and its params alone.

    Where rows or bytes are limited, tables that are elsewhere are read in place, and only as far as is needed.
    on_file: called with each file that was downloaded or is read in place, before it is read.
    """
    if isinstance(origin, PythonPackages):
        yield from read_packages(origin.packages, origin.what, origin.limits.rows, origin.min_characters)
    elif isinstance(origin, WorkedMathematics):
        for index in range(origin.documents):
            key = f"{origin.seed}/{page_key(origin.seed, index)}"
            yield attempt_record(key, _write_page, key, origin.seed, index)
    else:
        yield from bounded(_read_files(origin, on_file), origin.limits)


def _write_page(key: str, seed: int, index: int) -> Row:
    written = page(seed, index)
    metadata = {"title": written["title"], **written["metadata"]}
    return Row(key, written["text"], f"generated:worked_mathematics/{key}", "Apache-2.0", metadata)


FileSource = Annotated[Local | Http | Store | HuggingFace, Field(discriminator="kind")]


def check_columns(origins: Iterable[object], known: Sequence[str]) -> None:
    """Raise ValueError where the `columns` of an origin have a key that is not among the known ones."""
    for origin in origins:
        for name in origin.columns if isinstance(origin, FileOrigin) else ():
            if name not in known:
                raise ValueError(f"columns: unknown key {name!r}; there are {', '.join(known)}")


def _read_files(origin: FileSource | CommonCrawl, on_file: OnFile) -> Iterator[Row | Rejected]:
    """Yield the rows of an origin's files; where rows or bytes are limited, one of each list of files in turn."""
    groups = choose_files(origin.list_files(), origin.limits)
    yield from interleave([_read_group(origin, group, on_file) for group in groups])


def _read_group(
    origin: FileSource | CommonCrawl, group: list[Wanted], on_file: OnFile
) -> Generator[Row | Rejected, None, None]:
    in_part = origin.limits.rows is not None or origin.limits.bytes is not None
    for wanted in group:
        _check_name(origin, wanted)
        if in_part and wanted.remote and is_tabular(origin.format, wanted.name):
            on_file(wanted.remote)
            place = Place(wanted.name, wanted.url, origin.license)
            yield from read_rows(wanted.remote, place, origin.format, origin.columns)
            continue
        file = wanted.bring()
        if file.sha256 or file.etag:
            on_file(file)
        with naming(file):
            yield from read_rows(file.path, Place(file.name, file.url, origin.license), origin.format, origin.columns)


def _check_name(origin: FileSource | CommonCrawl, wanted: Wanted) -> None:
    """Raise InputError where a file's name is of another format than the origin's."""
    suffixes = SUFFIXES[origin.format]
    if not wanted.name.lower().endswith(suffixes):
        raise InputError(f"{wanted.url}: not a file of format {origin.format}: it must end in {', '.join(suffixes)}")


def open_files(origin: FileSource | CommonCrawl, on_file: OnFile) -> Iterator[LocalFile]:
    """Yield the files of an origin, whole, up to its limit; raises InputError where a name is of another format."""
    for wanted in chain.from_iterable(choose_files(origin.list_files(), origin.limits)):
        _check_name(origin, wanted)
        file = wanted.bring()
        if file.sha256 or file.etag:
            on_file(file)
        yield file


@contextmanager
def naming(file: LocalFile) -> Iterator[None]:
    """Add a downloaded file's address to an InputError of the block, which names only its place on this machine."""
    try:
        yield
    except InputError as error:
        raise error if file.url == str(file.path) else InputError(f"{file.url}: {error}") from error
