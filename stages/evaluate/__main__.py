"""Score a model on the benchmarks and on held-out text."""

import os
from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    model: Path = typer.Argument(help="the folder of the model"),
    benchmarks: Path = typer.Argument(help="the folder of questions, as fetch_benchmarks writes it"),
    tokenized: Path = typer.Argument(help="a folder with the token ids of each component, held-out documents included"),
    out: Path = typer.Argument(help="the folder to write to"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
) -> None:
    """Score a model on the benchmarks and on held-out text.

    Example: python -m stages.evaluate models/pretrain data/fetch_benchmarks data/tokenize
    data/evaluate/pretrained --metrics metrics/evaluate/pretrained.json
    """
    # Read when torch is imported: threads that wait for one another sleep.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load, read_section
    from stages.evaluate.stage import EvaluateParams, evaluate

    params, components = load("evaluate", EvaluateParams), list(read_section("components"))
    write_metrics(metrics, **evaluate(params, model, benchmarks, tokenized, out, components))


if __name__ == "__main__":
    run(main)
