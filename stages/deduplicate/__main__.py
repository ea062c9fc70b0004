"""Remove exact and near duplicates, within and across components."""

from pathlib import Path

import typer

from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.params import load, read_section
from stages import run
from stages.deduplicate.signatures import DeduplicateParams
from stages.deduplicate.stage import deduplicate


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
