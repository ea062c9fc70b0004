"""Turn the documents of each component into token ids, and hold out a part of them."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    corpus: Path = typer.Argument(help="the corpus, a folder of shards for each component"),
    tokenizer: Path = typer.Argument(help="the folder of the tokenizer"),
    out: Path = typer.Argument(help="the folder to write to, one folder for each component"),
    metrics: Path = typer.Option(..., help="the folder for the metrics files, one for each entry (JSON)"),
    only: str | None = typer.Option(None, help="one entry of components; all of them by default"),
) -> None:
    """Turn the documents of each component into token ids, and hold out a part of them.

    Example: python -m stages.tokenize data/corpus models/tokenizer data/tokenize --metrics metrics/tokenize
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import choose_entries, load, read_section
    from stages.tokenize.stage import TokenizeParams, tokenize

    params = load("tokenize", TokenizeParams)
    for component in choose_entries("components", read_section("components"), only):
        write_metrics(metrics / f"{component}.json", tokenize(corpus / component, tokenizer, out / component, params))


if __name__ == "__main__":
    run(main)
