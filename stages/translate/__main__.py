"""Find each computation of a document and write it as a snippet of Python."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    documents: Path = typer.Argument(help="a folder with a folder of document shards for each component"),
    out: Path = typer.Argument(help="the folder to write to, one folder for each component"),
    metrics: Path = typer.Option(..., help="the folder for the metrics files, one for each entry (JSON)"),
    only: str | None = typer.Option(None, help="one entry of translate.components; all of them by default"),
) -> None:
    """Find each computation of a document and write it as a snippet of Python.

    Example: python -m stages.translate data/deduplicate data/translate --metrics metrics/translate
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import choose_entries, load
    from mathcode_pile.llm import LlmParams
    from stages.translate.stage import translate
    from stages.translate.translators import TranslateParams

    params, llm = load("translate", TranslateParams), load("llm", LlmParams)
    for component in choose_entries("translate.components", params.components, only):
        report = translate(documents / component, out / component, params, llm)
        report.counts.setdefault("snippets", 0)  # sums leave out what is zero
        write_metrics(metrics / f"{component}.json", report)


if __name__ == "__main__":
    run(main)
