"""One table of ratios for all benchmarks."""

import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Row(NamedTuple):  # one comparison, made side by side in one run
    what: str
    ours: float
    other: float
    unit: str
    against: str
    note: str = ""

    @property
    def ratio(self) -> float:
        """Return how many times faster (or greater) ours is."""
        return self.ours / self.other if self.other else float("inf")


def best_seconds(run: Callable[[], T], times: int = 3) -> tuple[float, T]:
    """Return the fewest seconds of processor time of several runs, children included, and the last result.

    Not wall time: on a machine that others use as well it would measure them.
    """
    best = float("inf")
    for _ in range(times):
        start = sum(os.times()[:4])
        result = run()
        best = min(best, sum(os.times()[:4]) - start)
    return best, result


def describe_machine() -> str:
    """Return the processor's name, its cores, the memory and the Python version."""
    names = [line.split(":")[1].strip() for line in _read("/proc/cpuinfo") if line.startswith("model name")]
    memory = [line.split()[1] for line in _read("/proc/meminfo") if line.startswith("MemTotal")]
    cores = len(os.sched_getaffinity(0))
    gigabytes = f"{int(memory[0]) / 1e6:.0f} GB" if memory else "unknown memory"
    name = names[0] if names else platform.processor()
    return f"{name}, {cores} cores, {gigabytes}, Python {platform.python_version()}"


def _read(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def to_markdown(rows: list[Row]) -> str:
    """Return the table."""
    lines = ["| what | ours | other | ratio | against | note |", "|---|---|---|---|---|---|"]
    for row in rows:
        numbers = f"{row.ours:.4g} {row.unit} | {row.other:.4g} {row.unit} | {row.ratio:.2f}"
        lines.append(f"| {row.what} | {numbers} | {row.against} | {row.note} |")
    return "\n".join(lines)
