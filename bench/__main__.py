"""Run every benchmark that has a `compare`, print one table and write it to docs/benchmarks.md.

    make bench                              the whole, on 100 MB of text
    make bench ARGS="--megabytes 5 --no-write"

Each runs in a process of its own, on one core, in seconds of processor time; those in ON_ALL_CORES on all cores, by
the clock.
"""

import importlib
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import typer

from bench.environment import ROOT
from bench.table import Row, describe_machine, pin_to_one_core, to_markdown, write_table
from mathcode_pile.errors import PipelineError

ON_ALL_CORES = {"execute", "llm"}


def list_benchmarks() -> list[str]:
    """Return the modules of this folder that have a `compare`: megabytes of text -> rows."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if not path.stem.startswith("_"))
    return [name for name in names if "\ndef compare(" in (ROOT / "bench" / f"{name}.py").read_text(encoding="utf-8")]


def compare(name: str, megabytes: int) -> list[Row]:
    """Return the rows of one benchmark, run in this process."""
    if name not in ON_ALL_CORES:
        pin_to_one_core()
    rows: list[Row] = importlib.import_module(f"bench.{name}").compare(megabytes)
    return rows


def main(megabytes: int = 100, write: bool = True) -> None:
    """Measure all and print the table; with --write (the default) put it into docs/benchmarks.md."""
    started, rows = time.monotonic(), []
    for name in list_benchmarks():
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            try:
                found = pool.submit(compare, name, megabytes).result()
            except PipelineError as error:
                raise SystemExit(f"bench: {name}: {error}") from None
        typer.echo(f"{name}, after {time.monotonic() - started:.0f} s\n{to_markdown(found)}\n", err=True)
        rows += found
    minutes = (time.monotonic() - started) / 60
    table = f"{describe_machine()}; {megabytes} MB of text; {minutes:.0f} minutes in all.\n\n{to_markdown(rows)}"
    typer.echo(table)
    if write:
        write_table(ROOT / "docs" / "benchmarks.md", "make bench", table)


if __name__ == "__main__":
    typer.run(main)
