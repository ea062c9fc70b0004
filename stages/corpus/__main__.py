"""Assemble the publishable corpus, with its card and manifest."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load, read_section
from stages import run
from stages.corpus.stage import CorpusParams, assemble


def main(clean: Path, out: Path, metrics: Path = typer.Option(...)) -> None:
    """Assemble the documents and snippets of CLEAN into OUT."""
    components = list(read_section("components"))
    report = assemble(clean, out, components, load("corpus", CorpusParams), read_section("fetch"))
    write_metrics(metrics, report)


if __name__ == "__main__":
    run(main)
