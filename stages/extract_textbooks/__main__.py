"""Turn PDFs into documents."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    raw: Path = typer.Argument(help="a folder of shards with PDFs"),
    out: Path = typer.Argument(help="the folder to write to"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
) -> None:
    """Turn PDFs into documents.

    Example: python -m stages.extract_textbooks data/fetch/textbooks data/extract_textbooks --metrics
    metrics/extract_textbooks.json
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load
    from stages.extract_textbooks.stage import ExtractTextbooksParams, extract_textbooks

    write_metrics(metrics, extract_textbooks(raw, out, load("extract_textbooks", ExtractTextbooksParams)))


if __name__ == "__main__":
    run(main)
