"""Give each piece of a document its type."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load
from mathcode_pile.llm import LlmParams
from stages import run
from stages.annotate.stage import AnnotateParams, annotate


def main(raw: Path, out: Path, source: str = typer.Option(...), metrics: Path = typer.Option(...)) -> None:
    """Judge the pieces of RAW's documents as annotate.sources.SOURCE asks; write documents and answers to OUT."""
    report = annotate(raw, out, source, load("annotate", AnnotateParams), load("llm", LlmParams))
    write_metrics(metrics, report)


if __name__ == "__main__":
    run(main)
