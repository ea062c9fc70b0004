"""Mix the components and pack them into rows, no token lost."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load, parse_section, read_section
from stages import run
from stages.pack.mixture import ShareParams
from stages.pack.stage import PackParams, pack, write_mixture


def main(tokenized: Path, out: Path, metrics: Path = typer.Option(...), plots: Path = typer.Option(...)) -> None:
    """Write to OUT the rows that the mixture of the components in TOKENIZED comes to."""
    sections = read_section("mixture")
    mixture = {name: parse_section(f"mixture.{name}", values or {}, ShareParams) for name, values in sections.items()}
    values = pack(tokenized, out, load("pack", PackParams), mixture, list(read_section("components")))
    write_metrics(metrics, **values)
    write_mixture(plots / "mixture.csv", values, list(mixture))


if __name__ == "__main__":
    run(main)
