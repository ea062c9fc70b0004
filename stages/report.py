"""Write the page a person would rather look at than read JSON."""

from pathlib import Path

from mathcode_pile.params import read_yaml
from mathcode_pile.report import write_report
from stages import run


def main(metrics: Path, data: Path, out: Path) -> None:
    """Write the report on METRICS and the stages' DATA into OUT."""
    params = read_yaml(Path("params.yaml"))
    entries = {"base", "pretrained"}.union(*(params[section] for section in ("sources", "components", "classifiers")))
    write_report(metrics, data, out, params["profile"], entries)


if __name__ == "__main__":
    run(main)
