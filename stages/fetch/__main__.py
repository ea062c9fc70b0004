"""Bring a source, at a pinned revision, into shards."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load
from stages import run
from stages.fetch.stage import OriginsParams, fetch_source


def main(out: Path, source: str = typer.Option(...), metrics: Path = typer.Option(...)) -> None:
    """Fetch SOURCE, as the profile describes it, into OUT."""
    report = fetch_source(source, load("fetch", OriginsParams, source), out)
    write_metrics(metrics, report)


if __name__ == "__main__":
    run(main)
