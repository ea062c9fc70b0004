"""Remove exact and near duplicates, within and across components."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    selected: Path = typer.Argument(help="a folder with a folder of shards for each source"),
    out: Path = typer.Argument(help="the folder to write to, one folder for each component"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
) -> None:
    """Remove exact and near duplicates, within and across components.

    Example: python -m stages.deduplicate data/select data/deduplicate --metrics metrics/deduplicate.json
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load, read_components
    from stages.deduplicate.signatures import DeduplicateParams
    from stages.deduplicate.stage import deduplicate

    write_metrics(metrics, **deduplicate(selected, out, read_components(), load("deduplicate", DeduplicateParams)))


if __name__ == "__main__":
    run(main)
