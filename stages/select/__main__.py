"""Keep documents by type, by score or by rule."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load
from stages import run
from stages.select.stage import SelectParams, SourceParams, select


def main(raw: Path, out: Path, source: str = typer.Option(...), metrics: Path = typer.Option(...)) -> None:
    """Keep the documents of RAW that sources.SOURCE asks for, and write them to OUT with their component."""
    report = select(raw, out, load("sources", SourceParams, source), load("select", SelectParams))
    write_metrics(metrics, report)


if __name__ == "__main__":
    run(main)
