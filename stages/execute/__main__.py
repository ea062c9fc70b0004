"""Run each snippet alone, isolated, within limits: see stages.execute.stage."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load
from stages import run
from stages.execute.stage import ExecuteParams, execute_folder, outcome_counts


def main(translated: Path, out: Path, *, metrics: Path = typer.Option(...)) -> None:
    """Run the snippets of a folder; each gets its output, outcome and error."""
    report, layers = execute_folder(translated, out, load("execute", ExecuteParams))
    write_metrics(metrics, report, **outcome_counts(report), isolation=", ".join(layers))


if __name__ == "__main__":
    run(main)
