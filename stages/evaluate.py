"""Score a model on the benchmarks and on held-out text."""

from pathlib import Path

import typer

from mathcode_pile.engine import write_metrics
from mathcode_pile.evaluate import EvaluateParams, evaluate
from mathcode_pile.params import load
from stages import run


def main(model: Path, benchmarks: Path, tokenized: Path, out: Path, metrics: Path = typer.Option(...)) -> None:
    """Answer the benchmarks' questions and measure the held-out documents of the tokenized components."""
    write_metrics(metrics, **evaluate(load("evaluate", EvaluateParams), model, benchmarks, tokenized, out))


if __name__ == "__main__":
    run(main)
