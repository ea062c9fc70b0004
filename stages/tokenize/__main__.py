"""Turn each component into token ids, a part of its documents held out."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load
from stages import run
from stages.tokenize.stage import TokenizeParams, tokenize


def main(documents: Path, tokenizer: Path, out: Path, metrics: Path = typer.Option(...)) -> None:
    """Write the token ids of DOCUMENTS to OUT, by the tokenizer in the folder TOKENIZER."""
    write_metrics(metrics, tokenize(documents, tokenizer, out, load("tokenize", TokenizeParams)))


if __name__ == "__main__":
    run(main)
