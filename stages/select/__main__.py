"""Keep each source's documents by type, by score or by rule."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    data: Path = typer.Argument(help="the folder below which the input of each source is"),
    out: Path = typer.Argument(help="the folder to write to, one folder for each source"),
    metrics: Path = typer.Option(..., help="the folder for the metrics files, one for each entry (JSON)"),
    removed: Path = typer.Option(Path("removed.csv"), help="the list of documents that were taken down"),
    only: str | None = typer.Option(None, help="one entry of sources; all of them by default"),
) -> None:
    """Keep each source's documents by type, by score or by rule.

    Example: python -m stages.select data data/select --metrics metrics/select
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import choose_entries, load, load_entries
    from mathcode_pile.core.removals import read_removals
    from stages.select.stage import SelectParams, SourceParams, select

    params, removals = load("select", SelectParams), read_removals(removed)
    for source, entry in choose_entries("sources", load_entries("sources", SourceParams), only).items():
        report = select(data / entry.input, out / source, entry, params, removals)
        write_metrics(metrics / f"{source}.json", report)


if __name__ == "__main__":
    run(main)
