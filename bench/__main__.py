"""Run every benchmark that has a `compare`, print one table and write it to docs/benchmarks.md.

    make bench                              all benchmarks, on 100 MB of text
    make bench ARGS="--megabytes 5 --no-write"

Each benchmark runs in its own process, on one core, and is measured in seconds of processor time. execute and llm use
all cores and are measured in wall time.
"""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import typer

from bench.environment import ROOT
from bench.running import list_benchmarks, run_benchmark
from bench.table import describe_machine, to_markdown, write_table
from mathcode_pile.core.errors import PipelineError


def main(megabytes: int = 100, write: bool = True) -> None:
    """Run all benchmarks and print the table; with --write (the default) also write it to docs/benchmarks.md."""
    started, rows = time.monotonic(), []
    for name in list_benchmarks():
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            try:
                found = pool.submit(run_benchmark, name, megabytes).result()
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
