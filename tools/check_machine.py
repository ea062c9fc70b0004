"""Compare what a profile's run takes with this machine: its GPUs, its disk, and the PDFs that the profile names."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from mathcode_pile.core.scratch import scratch_folder
from mathcode_pile.llm.vllm_servers import vllm_environment
from mathcode_pile.sources import Local
from mathcode_pile.sources.formats import SUFFIXES
from stages.pretrain.memory import OVERHEAD_BYTES, TOLERANCE, Memory, advise, describe
from stages.pretrain.training_params import PretrainParams
from tools.plan_training import read_launcher
from tools.spans import write_bytes


class Gpu(NamedTuple):
    """One GPU of this machine."""

    name: str
    memory_bytes: int


def list_gpus() -> list[Gpu]:
    """Return the GPUs that nvidia-smi names, none where there is no nvidia-smi."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [line.rsplit(",", 1) for line in said.splitlines() if "," in line]
    return [Gpu(name.strip(), int(float(memory) * 2**20)) for name, memory in rows]


def list_too_small(params: PretrainParams, need: Memory | None, gpus: list[Gpu]) -> Iterator[str]:
    """Yield a line where this machine has too few GPUs for pretrain, or too small ones."""
    launcher = read_launcher(params)
    if params.launcher is None or not Path(params.launcher).is_file() or not launcher.uses_gpus:
        return
    count = f"{launcher.devices} GPUs" if launcher.devices > 1 else "a GPU"
    memory = f" with {describe(need)} of memory each" if need else ""
    if len(gpus) < launcher.devices:
        yield (
            f"pretrain needs {count}{memory}; this machine has {len(gpus) or 'none'}: run it on one that has, or set"
            " pretrain.launcher"
        )
    elif need:
        smallest = min(gpus, key=lambda gpu: gpu.memory_bytes)
        if need.total * (1 - TOLERANCE) > smallest.memory_bytes - OVERHEAD_BYTES / 2:
            yield (
                f"pretrain needs about {describe(need)} of GPU memory; {smallest.name} has"
                f" {smallest.memory_bytes / 1e9:.1f} GB: {advise(params)}"
            )


def list_full(need_bytes: float, folders: tuple[Path, ...]) -> Iterator[str]:
    """Yield a line for each file system with a folder of a run that has less free space than the run still takes."""
    for folder in {folder.stat().st_dev: folder for folder in folders}.values():
        free = shutil.disk_usage(folder).free
        if free < need_bytes and free + held_bytes(filled_folders(), folder.stat().st_dev) < need_bytes:
            yield (
                f"disk: the run takes about {write_bytes(need_bytes)} (`python -m tools plan` says for what);"
                f" {write_bytes(free)} are free at {folder}: use a larger disk (MATHCODE_SCRATCH, a link in place of"
                " data/), or lower the limits of the sources"
            )


def disk_folders() -> tuple[Path, ...]:
    """Return the folders that a run fills."""
    data = Path("data")
    return (scratch_folder(), data if data.exists() else Path())


def filled_folders() -> tuple[Path, ...]:
    """Return the folders that hold what earlier runs have made, downloaded or installed."""
    return (Path("data"), Path("models"), Path(".dvc/cache"), scratch_folder(), vllm_environment())


def held_bytes(folders: tuple[Path, ...], device: int) -> int:
    """Return what the folders take of a file system, a file with several names once."""
    found = {}
    for folder in folders:
        for path in folder.rglob("*"):
            state = path.lstat()
            if state.st_dev == device:
                found[state.st_ino] = state.st_size
    return sum(found.values())


def list_missing_files(fetch: dict[str, Any], sources: Any) -> Iterator[str]:
    """Yield a line for each local folder of the sources that is missing or has no file of its format."""
    for source in sources:
        for number, origin in enumerate(fetch[source].origins):
            if not isinstance(origin, Local) or origin.path.is_file():
                continue
            suffixes = SUFFIXES[origin.format]
            if origin.path.is_dir() and any(path.name.lower().endswith(suffixes) for path in origin.path.rglob("*")):
                continue
            yield (
                f"fetch.{source}.origins.{number}.path: {origin.path} has no file that ends in {', '.join(suffixes)}:"
                " put yours there, or leave the source out with `origins: []`"
            )
