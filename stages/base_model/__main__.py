"""Bring the model to start from, or make one from its configuration."""

from pathlib import Path

from mathcode_pile.core.engine import say
from mathcode_pile.core.params import load
from stages import run
from stages.base_model.stage import BaseModelParams, bring_base_model


def main(tokenizer: Path, out: Path) -> None:
    """Write the base model, with the corpus's tokenizer, to a folder."""
    made = bring_base_model(load("base_model", BaseModelParams), tokenizer, out)
    say(f"{out}: {made['parameters']:,} parameters, {made['vocabulary']:,} tokens")


if __name__ == "__main__":
    run(main)
