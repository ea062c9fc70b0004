"""Find each computation and write it as a snippet of Python."""

from pathlib import Path

import typer

from mathcode_pile.engine import write_metrics
from mathcode_pile.params import load
from mathcode_pile.translate import TranslateParams, translate
from stages import run


def main(documents: Path, out: Path, metrics: Path = typer.Option(...)) -> None:
    """Write the snippets found in DOCUMENTS to OUT."""
    report = translate(documents, out, load("translate", TranslateParams))
    write_metrics(metrics, report)


if __name__ == "__main__":
    run(main)
