"""Assemble the corpus for publication, with its card and manifest."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    clean: Path = typer.Argument(help="a folder as decontaminate writes it"),
    out: Path = typer.Argument(help="the folder to write to"),
    selected: Path = typer.Option(..., help="a folder as select writes it: the card counts what was taken down"),
    removed: Path = typer.Option(Path("removed.csv"), help="the list of documents that were taken down"),
    published: Path = typer.Option(Path("published.json"), help="the version that was published last"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
) -> None:
    """Assemble the corpus for publication, with its card and manifest.

    Example: python -m stages.corpus data/decontaminate data/corpus --selected data/select
    --metrics metrics/corpus.json
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load, read_section
    from stages.corpus.card import read_register
    from stages.corpus.stage import CorpusParams, assemble

    components, sources = list(read_section("components")), read_section("fetch")
    register = read_register(selected, removed, published)
    report, figures = assemble(clean, out, components, load("corpus", CorpusParams), sources, register)
    write_metrics(metrics, report, **figures)


if __name__ == "__main__":
    run(main)
