"""Mix the components and pack them into rows, without losing a token."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    tokenized: Path = typer.Argument(help="a folder with the token ids of each component"),
    out: Path = typer.Argument(help="the folder to write to"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
    plots: Path = typer.Option(..., help="the folder for the plots (CSV)"),
) -> None:
    """Mix the components and pack them into rows, without losing a token.

    Example: python -m stages.pack data/tokenize data/pack --metrics metrics/pack.json --plots metrics/pack
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load, load_entries, read_section
    from stages.pack.mixture import ShareParams
    from stages.pack.stage import PackParams, pack, write_mixture

    mixture = load_entries("mixture", ShareParams)
    values = pack(tokenized, out, load("pack", PackParams), mixture, list(read_section("components")))
    write_metrics(metrics, **values)
    write_mixture(plots / "mixture.csv", values, list(mixture))


if __name__ == "__main__":
    run(main)
