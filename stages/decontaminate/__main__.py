"""Remove documents that leak a benchmark, and their snippets."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    documents: Path = typer.Argument(help="a folder with a folder of document shards for each component"),
    snippets: Path = typer.Argument(help="a folder with a folder of verified snippets for each component"),
    benchmarks: Path = typer.Argument(help="the folder of questions, as fetch_benchmarks writes it"),
    out: Path = typer.Argument(help="the folder to write to; what leaks goes to its folder contaminated"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
) -> None:
    """Remove documents that leak a benchmark, and their snippets.

    Example: python -m stages.decontaminate data/deduplicate data/verify data/fetch_benchmarks
    data/decontaminate --metrics metrics/decontaminate.json
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load, read_components, read_section
    from stages.decontaminate.stage import DecontaminateParams, Names, decontaminate

    names = Names(sorted(set(read_components().values())), sorted(read_section("translate")["components"]))
    params = load("decontaminate", DecontaminateParams)
    report, values = decontaminate(documents, snippets, benchmarks, out, params, names)
    write_metrics(metrics, report, **values)


if __name__ == "__main__":
    run(main)
