"""Score models on the benchmarks and on held-out text, and compare them."""

import os
from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    benchmarks: Path = typer.Argument(help="the folder of questions, as fetch_benchmarks writes it"),
    decontaminated: Path = typer.Argument(help="the folder that says which questions were found in the data"),
    tokenized: Path = typer.Argument(help="a folder with the token ids of each component, held-out documents included"),
    tokenizer: Path = typer.Argument(help="the folder of the tokenizer that made them"),
    out: Path = typer.Argument(help="the folder to write to"),
    metrics: Path = typer.Option(..., help="the folder for the metrics files, one for each model (JSON)"),
) -> None:
    """Score the models of evaluate.models on the benchmarks and on held-out text, and compare them.

    Example: python -m stages.evaluate data/fetch_benchmarks data/decontaminate data/tokenize models/tokenizer
    data/evaluate --metrics metrics/evaluate
    """
    # Read when torch is imported: threads that wait for one another sleep.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load, read_section
    from stages.evaluate.stage import EvaluateParams, Inputs, evaluate

    params, components = load("evaluate", EvaluateParams), list(read_section("components"))
    inputs = Inputs(benchmarks, decontaminated, tokenized, tokenizer)
    for name, values in evaluate(params, inputs, out, components).items():
        write_metrics(metrics / f"{name}.json", **values)


if __name__ == "__main__":
    run(main)
