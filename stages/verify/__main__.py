"""Compare each snippet's output with the result that its document states, and keep what is verified."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    executed: Path = typer.Argument(help="a folder with a folder of executed snippets for each component"),
    out: Path = typer.Argument(help="the folder to write to, one folder for each component"),
    metrics: Path = typer.Option(..., help="the folder for the metrics files, one for each entry (JSON)"),
    only: str | None = typer.Option(None, help="one entry of translate.components; all of them by default"),
) -> None:
    """Compare each snippet's output with the result that its document states, and keep what is verified.

    Example: python -m stages.verify data/execute data/verify --metrics metrics/verify
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import choose_entries, load, read_section
    from stages.verify.stage import VerifyParams, measure, read_labelled, verify

    params = load("verify", VerifyParams)
    measured = measure(read_labelled(), params)
    for component in choose_entries("translate.components", read_section("translate")["components"], only):
        write_metrics(metrics / f"{component}.json", verify(executed / component, out / component, params), **measured)


if __name__ == "__main__":
    run(main)
