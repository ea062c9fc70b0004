"""Bring the model to start from, or make one from its configuration."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    tokenizer: Path = typer.Argument(help="the folder of the corpus's tokenizer"),
    out: Path = typer.Argument(help="the folder to write to"),
) -> None:
    """Bring the model to start from, or make one from its configuration.

    Example: python -m stages.base_model models/tokenizer models/base_model
    """
    from mathcode_pile.core.engine import say
    from mathcode_pile.core.params import load
    from stages.base_model.stage import BaseModelParams, bring_base_model

    made = bring_base_model(load("base_model", BaseModelParams), tokenizer, out)
    say(f"{out}: {made['parameters']:,} parameters, {made['vocabulary']:,} tokens")


if __name__ == "__main__":
    run(main)
