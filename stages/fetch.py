"""Bring a source, at a pinned revision, into shards."""

from pathlib import Path

import typer

from mathcode_pile.engine import write_metrics
from mathcode_pile.fetch import OriginsParams, fetch_source
from mathcode_pile.params import load
from stages import run


def main(out: Path, source: str = typer.Option(...), metrics: Path = typer.Option(...)) -> None:
    """Fetch SOURCE, as the profile describes it, into OUT."""
    report = fetch_source(source, load("fetch", OriginsParams, source), out)
    write_metrics(metrics, report)


if __name__ == "__main__":
    run(main)
