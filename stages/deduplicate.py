"""Remove exact and near duplicates, within and across components."""

from pathlib import Path

import typer

from mathcode_pile.deduplicate.signatures import DeduplicateParams
from mathcode_pile.deduplicate.stage import deduplicate
from mathcode_pile.engine import write_metrics
from mathcode_pile.errors import ParamsError
from mathcode_pile.params import load, read_section
from stages import run


def main(selected: Path, out: Path, metrics: Path = typer.Option(...)) -> None:
    """Write SELECTED, a folder of sources, to OUT, a folder of components, without duplicates."""
    components: dict[str, str] = {}
    for source, entry in read_section("sources").items():
        if not isinstance(entry, dict) or not isinstance(entry.get("component"), str):
            raise ParamsError(f"params: sources.{source}.component is missing")
        components[source] = entry["component"]
    measured = deduplicate(selected, out, components, load("deduplicate", DeduplicateParams))
    write_metrics(metrics, **measured)


if __name__ == "__main__":
    run(main)
