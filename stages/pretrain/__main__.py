"""Continue the base model's pretraining on the packed rows."""

import os
import sys
from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    packed: Path = typer.Argument(help="the packed rows"),
    tokenized: Path = typer.Argument(help="a folder with the token ids of each component, held-out documents included"),
    base_model: Path = typer.Argument(help="the folder of the model to start from"),
    out: Path = typer.Argument(help="the folder to write to"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
    plots: Path = typer.Option(..., help="the folder for the plots (CSV)"),
) -> None:
    """Continue the base model's pretraining on the packed rows.

    Example: python -m stages.pretrain data/pack data/tokenize models/base_model models/pretrain
    --metrics metrics/pretrain.json --plots metrics/pretrain
    """
    # Read when torch is imported: threads that wait for one another sleep. On a busy machine it takes half the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load, read_section
    from stages.pretrain.training_params import PretrainParams

    params = load("pretrain", PretrainParams)
    params.check_launcher()
    # accelerate sets this in what it launches.
    if params.launcher and "ACCELERATE_MIXED_PRECISION" not in os.environ:
        _launch(params.launcher)
    from stages.pretrain.stage import pretrain

    components = list(read_section("components"))
    values = pretrain(params, packed, tokenized, base_model, out, plots, read_section("mixture"), components)
    if os.environ.get("RANK", "0") == "0":
        write_metrics(metrics, **values)


def _launch(config: str) -> None:
    """Become `accelerate launch` of this stage."""
    command = [sys.executable, "-m", "accelerate.commands.launch", "--config_file", config, "-m", "stages.pretrain"]
    os.execv(sys.executable, [*command, *sys.argv[1:]])


if __name__ == "__main__":
    run(main)
