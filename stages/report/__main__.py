"""Write one page that shows the corpus, its numbers and the training run."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    metrics: Path = typer.Argument(help="the folder of all metrics"),
    data: Path = typer.Argument(help="the folder of the stages' outputs"),
    out: Path = typer.Argument(help="the folder to write to"),
    summary: Path = typer.Option(..., "--metrics", help="where to write the few figures of the summary"),
) -> None:
    """Write one page that shows the corpus, its numbers and the training run.

    Example: python -m stages.report metrics data data/report --metrics metrics/summary.json
    """
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import read_section, read_yaml
    from stages.report.recorded import corpus_hash, read_lock
    from stages.report.stage import write_report

    params = {
        "profile": read_yaml(Path("params.yaml"))["profile"],
        "sources": read_section("sources"),
        "components": read_section("components"),
        "classifiers": read_section("classifiers"),
        "annotate": read_section("annotate"),
        "filter_code": read_section("filter_code"),
    }
    # dvc.lock has the hash of the corpus that this stage reads: DVC writes it when the stage corpus ends.
    write_metrics(summary, None, **write_report(metrics, data, out, params, corpus_hash(read_lock())))


if __name__ == "__main__":
    run(main)
