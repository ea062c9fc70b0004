"""Write the page a person would rather look at than read JSON."""

from pathlib import Path

from mathcode_pile.core.params import read_section, read_yaml
from stages import run
from stages.report.stage import write_report


def main(metrics: Path, data: Path, out: Path) -> None:
    """Write the report on METRICS and the stages' DATA into OUT."""
    profile = read_yaml(Path("params.yaml"))["profile"]
    named = (read_section("sources"), read_section("components"), read_section("classifiers"))
    write_report(metrics, data, out, profile, {"base", "pretrained"}.union(*named))


if __name__ == "__main__":
    run(main)
