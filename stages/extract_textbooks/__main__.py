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
    from mathcode_pile.llm import LlmParams
    from stages.extract_textbooks.stage import ExtractTextbooksParams, extract_textbooks

    params, llm = load("extract_textbooks", ExtractTextbooksParams), load("llm", LlmParams)
    write_metrics(metrics, extract_textbooks(raw, out, params, llm))


if __name__ == "__main__":
    run(main)
