"""Bring the questions of every benchmark of the profile."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    out: Path = typer.Argument(help="the folder to write to"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
) -> None:
    """Bring the questions of every benchmark of the profile.

    Example: python -m stages.fetch_benchmarks data/fetch_benchmarks --metrics metrics/fetch_benchmarks.json
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load
    from stages.fetch_benchmarks.stage import FetchBenchmarksParams, fetch_benchmarks

    write_metrics(metrics, fetch_benchmarks(load("fetch_benchmarks", FetchBenchmarksParams), out))


if __name__ == "__main__":
    run(main)
