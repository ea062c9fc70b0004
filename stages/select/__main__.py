"""Keep each source's documents by type, by score or by rule."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    data: Path = typer.Argument(help="the folder below which the input of each source is"),
    out: Path = typer.Argument(help="the folder to write to, one folder for each source"),
    metrics: Path = typer.Option(..., help="the folder for the metrics files, one for each entry (JSON)"),
    only: str | None = typer.Option(None, help="one entry of sources; all of them by default"),
) -> None:
    """Keep each source's documents by type, by score or by rule.

    Example: python -m stages.select data data/select --metrics metrics/select
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import choose_entries, load, load_entries
    from stages.select.stage import SelectParams, SourceParams, select

    params = load("select", SelectParams)
    for source, entry in choose_entries("sources", load_entries("sources", SourceParams), only).items():
        write_metrics(metrics / f"{source}.json", select(data / entry.input, out / source, entry, params))


if __name__ == "__main__":
    run(main)
