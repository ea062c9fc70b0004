"""Bring the questions which must not leak and on which models are evaluated."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load
from stages import run
from stages.fetch_benchmarks.stage import FetchBenchmarksParams, fetch_benchmarks


def main(out: Path, metrics: Path = typer.Option(...)) -> None:
    """Fetch every benchmark of the profile into OUT."""
    write_metrics(metrics, fetch_benchmarks(load("fetch_benchmarks", FetchBenchmarksParams), out))


if __name__ == "__main__":
    run(main)
