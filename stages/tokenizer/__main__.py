"""Bring the tokenizer that the profile names, or train a small one on the corpus."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    corpus: Path = typer.Argument(help="the corpus, a folder of shards for each component"),
    out: Path = typer.Argument(help="the folder to write to"),
) -> None:
    """Bring the tokenizer that the profile names, or train a small one on the corpus.

    Example: python -m stages.tokenizer data/corpus models/tokenizer
    """
    from mathcode_pile.core.params import load
    from stages.tokenizer.stage import TokenizerParams, bring_tokenizer

    bring_tokenizer(load("tokenizer", TokenizerParams), corpus, out)


if __name__ == "__main__":
    run(main)
