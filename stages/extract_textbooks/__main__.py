"""Turn PDFs into documents, damaged and duplicate ones left out."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load
from stages import run
from stages.extract_textbooks.stage import ExtractTextbooksParams, extract_textbooks


def main(raw: Path, out: Path, metrics: Path = typer.Option(...)) -> None:
    """Extract the PDFs in RAW into OUT."""
    write_metrics(metrics, extract_textbooks(raw, out, load("extract_textbooks", ExtractTextbooksParams)))


if __name__ == "__main__":
    run(main)
