"""Bring the tokenizer, or train a small one on the corpus."""

from pathlib import Path

from mathcode_pile.core.params import load
from stages import run
from stages.tokenizer.stage import TokenizerParams, bring_tokenizer


def main(corpus: Path, out: Path) -> None:
    """Write to OUT the tokenizer that the profile names, or one trained on CORPUS."""
    bring_tokenizer(load("tokenizer", TokenizerParams), corpus, out)


if __name__ == "__main__":
    run(main)
