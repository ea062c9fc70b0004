"""Find each computation and write it as a snippet of Python."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load
from mathcode_pile.llm import LlmParams
from stages import run
from stages.translate.stage import TranslateParams, translate


def main(documents: Path, out: Path, metrics: Path = typer.Option(...)) -> None:
    """Write the snippets found in DOCUMENTS to OUT."""
    report = translate(documents, out, load("translate", TranslateParams), load("llm", LlmParams))
    report.counts.setdefault("snippets", 0)  # a sum of counters leaves out zeros
    write_metrics(metrics, report)


if __name__ == "__main__":
    run(main)
