"""Write one page that shows the corpus, its numbers and the training run."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    metrics: Path = typer.Argument(help="the folder of all metrics"),
    data: Path = typer.Argument(help="the folder of the stages' outputs"),
    out: Path = typer.Argument(help="the folder to write to"),
) -> None:
    """Write one page that shows the corpus, its numbers and the training run.

    Example: python -m stages.report metrics data data/report
    """
    from mathcode_pile.core.params import read_section, read_yaml
    from stages.report.stage import write_report

    profile = read_yaml(Path("params.yaml"))["profile"]
    named = (read_section("sources"), read_section("components"), read_section("classifiers"))
    write_report(metrics, data, out, profile, {"base", "pretrained"}.union(*named))


if __name__ == "__main__":
    run(main)
