"""Remove what leaks a benchmark, and with a leaked document its snippets."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load, read_section
from stages import run
from stages.decontaminate.stage import DecontaminateParams, Names, decontaminate


def main(documents: Path, snippets: Path, benchmarks: Path, out: Path, metrics: Path = typer.Option(...)) -> None:
    """Write the clean part of DOCUMENTS and SNIPPETS to OUT, the rest to OUT/contaminated, by BENCHMARKS."""
    params = load("decontaminate", DecontaminateParams)
    components = {entry["component"] for entry in read_section("sources").values()}
    names = Names(sorted(components), sorted(read_section("translate")["components"]))
    report, values = decontaminate(documents, snippets, benchmarks, out, params, names)
    write_metrics(metrics, report, **values)


if __name__ == "__main__":
    run(main)
