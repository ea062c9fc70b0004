"""Bring the tokenizer, or train a small one on the corpus."""

from pathlib import Path

from mathcode_pile.params import load
from mathcode_pile.tokenizer import TokenizerParams, bring_tokenizer
from stages import run


def main(corpus: Path, out: Path) -> None:
    """Write to OUT the tokenizer that the profile names, or one trained on CORPUS."""
    bring_tokenizer(load("tokenizer", TokenizerParams), corpus, out)


if __name__ == "__main__":
    run(main)
