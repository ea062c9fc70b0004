"""Continue the base model's pretraining on the packed rows."""

from pathlib import Path

import typer

from mathcode_pile.engine import write_metrics
from mathcode_pile.params import load
from mathcode_pile.pretrain import PretrainParams, pretrain
from stages import run


def main(
    packed: Path,
    tokenized: Path,
    base_model: Path,
    out: Path,
    metrics: Path = typer.Option(...),
    plots: Path = typer.Option(...),
) -> None:
    """Train on packed rows, measuring the held-out documents of the tokenized components on the way."""
    write_metrics(metrics, **pretrain(load("pretrain", PretrainParams), packed, tokenized, base_model, out, plots))


if __name__ == "__main__":
    run(main)
