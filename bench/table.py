"""Time runs, and write the results of all benchmarks as one table of ratios."""

import os
import platform
import resource
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

T = TypeVar("T")


class Row(NamedTuple):  # one comparison of two ways, measured in the same run
    what: str
    ours: float
    other: float | None
    """None if the other could not be measured; the note says why."""
    unit: str
    against: str
    note: str = ""

    def cells(self) -> list[str]:
        """Return the cells of the row; the ratio says how many times faster (or greater) ours is."""
        other = "not measured" if self.other is None else f"{self.other:.4g} {self.unit}"
        ratio = "" if self.other is None else f"{self.ours / self.other:.3g}"
        return [self.what, f"{self.ours:.4g} {self.unit}", other, ratio, self.against, self.note]


def best_seconds(run: Callable[[], T], times: int = 3) -> tuple[float, T]:
    """Return the fewest processor seconds of several runs, child processes included, and the last result.

    Wall time would also measure other users of the machine.
    """
    best = float("inf")
    for _ in range(times):
        start = _processor_seconds()
        result = run()
        best = min(best, _processor_seconds() - start)
    return best, result


def _processor_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def pin_to_one_core() -> None:
    """Keep this process and its children on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def print_alone(compare: Callable[[int], list[Row]], megabytes: int) -> None:
    """Run one benchmark on one core and print its table."""
    print(describe_machine(), end="\n\n")
    pin_to_one_core()
    print(to_markdown(compare(megabytes)))


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


def to_markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a table in Markdown."""
    return format_table(["what", "ours", "other", "ratio", "against", "note"], [row.cells() for row in rows])


def format_table(names: list[str], lines: Sequence[list[str]]) -> str:
    """Return a table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [names, ["---"] * len(names), *lines])


def write_table(page: Path, mark: str, table: str) -> None:
    """Write a table between the two marks in a page; raise ValueError if a mark is missing."""
    start, end = f"<!-- {mark} writes from here -->\n", f"<!-- {mark}: to here -->"
    head, found, rest = page.read_text(encoding="utf-8").partition(start)
    _, closed, tail = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"{page} lacks the marks of {mark}")
    page.write_text(f"{head}{start}\n{table}\n\n{end}{tail}", encoding="utf-8")
