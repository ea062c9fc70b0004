"""Run each snippet alone, isolated, within limits."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    translated: Path = typer.Argument(help="a folder with a folder of snippet shards for each component"),
    out: Path = typer.Argument(help="the folder to write to, one folder for each component"),
    metrics: Path = typer.Option(..., help="the folder for the metrics files, one for each entry (JSON)"),
    only: str | None = typer.Option(None, help="one entry of translate.components; all of them by default"),
) -> None:
    """Run each snippet alone, isolated, within limits.

    Example: python -m stages.execute data/translate data/execute --metrics metrics/execute
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import choose_entries, load, read_section
    from stages.execute.stage import ExecuteParams, execute_folder, outcome_counts

    params = load("execute", ExecuteParams)
    for component in choose_entries("translate.components", read_section("translate")["components"], only):
        report, layers = execute_folder(translated / component, out / component, params)
        write_metrics(metrics / f"{component}.json", report, **outcome_counts(report), isolation=", ".join(layers))


if __name__ == "__main__":
    run(main)
