"""Bring a source into shards of documents, as the profile describes it."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    out: Path = typer.Argument(help="the folder to write to"),
    source: str = typer.Option(..., help="which source of params.yaml"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
) -> None:
    """Bring a source into shards of documents, as the profile describes it.

    Example: python -m stages.fetch data/fetch/cc_en --source cc_en --metrics metrics/fetch/cc_en.json
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load
    from stages.fetch.stage import OriginsParams, fetch_source

    write_metrics(metrics, fetch_source(source, load("fetch", OriginsParams, source), out))


if __name__ == "__main__":
    run(main)
