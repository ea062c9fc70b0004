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
    skipped = {name: report.counts.pop(name) for name in sorted(report.counts) if name.startswith("skipped_")}
    report.counts.setdefault("snippets", 0)  # sums leave out what is zero
    said = ", ".join(f"{name.removeprefix('skipped_')} {count}" for name, count in skipped.items())
    write_metrics(metrics, report, skipped=said)


if __name__ == "__main__":
    run(main)
