"""Run a grid of mixtures and seeds as DVC experiments, several at once, and go on where a killed run ended.

Each cell is `dvc exp run --temp` in a process of its own. A cell is done when its experiment exists at the present
commit; one that was killed is run again, and its stages find their finished work in the scratch folder.
"""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple

import yaml
from pydantic import Field, field_validator

from mathcode_pile.core.errors import InputError
from mathcode_pile.core.lifetime import die_with_parent
from mathcode_pile.core.params import Section, parse_section
from mathcode_pile.core.scratch import locked
from tools.ablation_workspace import forget_workspace, git, remember_workspace, restore_workspace

NAME = re.compile(r"[a-z][a-z0-9_]*")
# DVC sets up one experiment at a time, and locks the repository again at its end. What it prints between the two, and
# what it says where another process has the lock; such a cell is run again, and finds its stages in the run cache.
STARTED = b"Reproducing experiment"
BUSY = ("Unable to acquire lock", "is busy, it is being blocked by")
ATTEMPTS = 5
_SETTING_UP = threading.Lock()


class GridParams(Section):
    """A file of experiments/. Each mixture is trained once with each seed."""

    set: list[str] = []
    """Overrides of every cell, as `dvc exp run -S` takes them."""
    mixtures: dict[str, list[str]] = Field(min_length=2)
    """The overrides of each mixture; the others are compared with the first."""
    seeds: list[int] = Field(min_length=1)
    seed_params: list[str] = Field(min_length=1)
    """The params that take the seed."""
    target: str | None = None
    """The last stage that is run; null: all."""
    equal: str | None = None
    """file:name of a metric that must be the same in all cells, such as the tokens trained on."""
    measures: list[str] = Field(min_length=1)
    """file:pattern of the metrics to compare."""
    curves: str | None = None
    """A CSV file of each cell with the columns step, component and loss."""

    @field_validator("mixtures")
    @classmethod
    def _have_plain_names(cls, mixtures: dict[str, list[str]]) -> dict[str, list[str]]:
        for name in mixtures:
            if not NAME.fullmatch(name):
                raise ValueError(f"{name!r} must be small letters, digits and _: it names experiments")
        return mixtures


class Cell(NamedTuple):  # one training run
    mixture: str
    seed: int
    experiment: str
    """The name of its DVC experiment."""
    overrides: list[str]


def read_grid(path: Path) -> GridParams:
    """Return a grid; raises ParamsError or InputError where the file is none."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path}: not a readable grid: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: must be a mapping")
    return parse_section(str(path), content, GridParams)


def list_cells(name: str, grid: GridParams) -> list[Cell]:
    """Return the cells, the first seed of every mixture first, so that a grid that is cut short still compares all."""
    return [
        Cell(
            mixture,
            seed,
            f"{name.replace('_', '-')}-{mixture.replace('_', '-')}-{seed}",
            [*grid.set, *overrides, *(f"{param}={seed}" for param in grid.seed_params)],
        )
        for seed in grid.seeds
        for mixture, overrides in grid.mixtures.items()
    ]


def run_grid(path: Path, gpus: list[str], jobs: int) -> list[Cell]:
    """Run the cells that are missing; return those that are done. A failed cell is said, and the others run on.

    gpus: what CUDA_VISIBLE_DEVICES is for each of the processes; without any, `jobs` processes run at once.
    Raises PipelineError where another process runs the same grid, or DVC cannot be asked.
    """
    grid = read_grid(path)
    cells = list_cells(path.stem, grid)
    places: Queue[str | None] = Queue()
    for number in range(len(gpus) or jobs):
        places.put(gpus[number] if gpus else None)
    home = Path(".dvc") / "tmp" / "ablation" / path.stem
    home.mkdir(parents=True, exist_ok=True)
    with locked(home):
        restore_workspace(home)
        done = find_experiments()
        missing = [cell for cell in cells if cell.experiment not in done]
        print(f"{path.stem}: {len(cells)} cells, {len(cells) - len(missing)} done before", flush=True)
        with ThreadPoolExecutor(places.qsize()) as pool:
            list(pool.map(lambda cell: _run_cell(cell, grid.target, places, home), missing))
        done = find_experiments()
    return [cell for cell in cells if cell.experiment in done]


def _run_cell(cell: Cell, target: str | None, places: "Queue[str | None]", home: Path) -> None:
    place = places.get()
    log = home / f"{cell.experiment}.log"
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "exp", "run", "--temp", "--name", cell.experiment]
    command += [target] if target else []
    for override in cell.overrides:
        command += ["-S", override]
    environment = os.environ | ({"CUDA_VISIBLE_DEVICES": place} if place is not None else {})
    try:
        print(f"{cell.experiment}: begins; its output is in {log}", flush=True)
        for _ in range(ATTEMPTS):
            failure = _run_dvc(command, environment, log)
            if not any(words in failure for words in BUSY):
                break
        print(f"{cell.experiment}: {f'failed: {failure}' if failure else 'done'}", flush=True)
    finally:
        places.put(place)


def _run_dvc(command: list[str], environment: dict[str, str], log: Path) -> str:
    """Run DVC with its output in a file; return the last lines if it fails, else nothing."""
    with open(log, "wb") as output:
        with _SETTING_UP:
            remember_workspace(log.parent)
            process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, env=environment, preexec_fn=die_with_parent
            )
            while process.poll() is None and STARTED not in log.read_bytes():
                time.sleep(0.2)
            if (process.returncode or 0) < 0:  # killed by a signal
                restore_workspace(log.parent)
            forget_workspace(log.parent)
        status = process.wait()
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["no output"]
    return " ".join(" ".join(lines[-5:]).split()) if status else ""


def find_experiments() -> dict[str, str]:
    """Return the commit of each experiment of the present commit, by name."""
    head = git("rev-parse", "HEAD").strip()
    prefix = f"refs/exps/{head[:2]}/{head[2:]}/"
    listed = git("for-each-ref", "--format=%(refname) %(objectname)", prefix)
    return {ref.removeprefix(prefix): commit for ref, commit in (line.split() for line in listed.splitlines())}


def read_file(commit: str, path: str) -> str:
    """Return a file that Git has at a commit."""
    return git("show", f"{commit}:{path}")


def choose_metrics(pattern: str, values: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the numbers in a metrics file that a pattern fits."""
    for name, value in values.items():
        if fnmatchcase(name, pattern) and isinstance(value, int | float) and not isinstance(value, bool):
            yield name
