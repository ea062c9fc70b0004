"""Keep the code that imports a mathematical package."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    data: Path = typer.Argument(help="the folder below which the input of each source is"),
    out: Path = typer.Argument(help="the folder to write to, one folder for each source"),
    metrics: Path = typer.Option(..., help="the folder for the metrics files, one for each entry (JSON)"),
    only: str | None = typer.Option(None, help="one entry of filter_code.sources; all of them by default"),
) -> None:
    """Keep the code that imports a mathematical package.

    Example: python -m stages.filter_code data data/filter_code --metrics metrics/filter_code
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import choose_entries, load
    from stages.filter_code.stage import FilterCodeParams, filter_code

    params = load("filter_code", FilterCodeParams)
    for source, entry in choose_entries("filter_code.sources", params.sources, only).items():
        report = filter_code(data / entry.input, out / source, params.packages, entry.layout)
        write_metrics(metrics / f"{source}.json", report)


if __name__ == "__main__":
    run(main)
