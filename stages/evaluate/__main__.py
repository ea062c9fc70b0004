"""Score a model on the benchmarks and on held-out text."""

import os
from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load, read_section
from stages import run


def main(model: Path, benchmarks: Path, tokenized: Path, out: Path, metrics: Path = typer.Option(...)) -> None:
    """Answer the benchmarks' questions and measure the held-out documents of the tokenized components."""
    # Read when torch is imported: threads that wait for one another sleep.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from stages.evaluate.stage import EvaluateParams, evaluate

    params, components = load("evaluate", EvaluateParams), list(read_section("components"))
    write_metrics(metrics, **evaluate(params, model, benchmarks, tokenized, out, components))


if __name__ == "__main__":
    run(main)
