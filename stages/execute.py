"""Run each snippet alone, isolated, within limits: see mathcode_pile.execute."""

from pathlib import Path

import typer

from mathcode_pile.engine import write_metrics
from mathcode_pile.execute import ExecuteParams, execute_folder, outcome_counts
from mathcode_pile.params import load
from stages import run


def main(translated: Path, out: Path, *, metrics: Path = typer.Option(...)) -> None:
    """Run the snippets of a folder; each gets its output, outcome and error."""
    report, layers = execute_folder(translated, out, load("execute", ExecuteParams))
    write_metrics(metrics, report, **outcome_counts(report), isolation=", ".join(layers))


if __name__ == "__main__":
    run(main)
