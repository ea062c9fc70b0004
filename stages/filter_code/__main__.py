"""Keep the code that imports a mathematical package."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.params import load
from stages import run
from stages.filter_code.stage import FilterCodeParams, filter_code


def main(raw: Path, out: Path, source: str = typer.Option(...), metrics: Path = typer.Option(...)) -> None:
    """Filter the documents of RAW into OUT, laid out as params say of SOURCE."""
    params = load("filter_code", FilterCodeParams)
    if source not in params.sources:
        raise ParamsError(f"params: filter_code.sources has no entry {source!r}")
    write_metrics(metrics, filter_code(raw, out, params.packages, params.sources[source].layout))


if __name__ == "__main__":
    run(main)
