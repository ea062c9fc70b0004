"""Give each piece of a document its type, or tell documents about mathematics from others."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    raw: Path = typer.Argument(help="a folder of document shards"),
    out: Path = typer.Argument(help="the folder to write to"),
    source: str = typer.Option(..., help="which entry of annotate.sources"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
) -> None:
    """Give each piece of a document its type, or tell documents about mathematics from others.

    Example: python -m stages.annotate data/fetch/openwebmath data/annotate/openwebmath --source openwebmath
    --metrics metrics/annotate/openwebmath.json
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load
    from mathcode_pile.llm import LlmParams
    from stages.annotate.stage import AnnotateParams, annotate

    write_metrics(metrics, annotate(raw, out, source, load("annotate", AnnotateParams), load("llm", LlmParams)))


if __name__ == "__main__":
    run(main)
