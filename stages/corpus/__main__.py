"""Assemble the corpus for publication, with its card and manifest."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    clean: Path = typer.Argument(help="a folder as decontaminate writes it"),
    out: Path = typer.Argument(help="the folder to write to"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
) -> None:
    """Assemble the corpus for publication, with its card and manifest.

    Example: python -m stages.corpus data/decontaminate data/corpus --metrics metrics/corpus.json
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load, read_section
    from stages.corpus.stage import CorpusParams, assemble

    components = list(read_section("components"))
    report, figures = assemble(clean, out, components, load("corpus", CorpusParams), read_section("fetch"))
    write_metrics(metrics, report, **figures)


if __name__ == "__main__":
    run(main)
