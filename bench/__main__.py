"""Run every benchmark that has a `measure`, print one table and write it to docs/benchmarks.md.

    python -m bench --megabytes 100

All in one run on one machine, each side on one core, in seconds of processor time.
"""

import importlib
import os
import sys
from pathlib import Path

import typer

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "src"))

from bench.table import describe_machine, to_markdown  # noqa: E402  (the path to src is set above)

START, END = "<!-- make bench writes from here", "<!-- to here -->"


def main(megabytes: int = 100, write: bool = True) -> None:
    """Measure all and print the table; with --write (the default) put it into docs/benchmarks.md."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    rows = []
    for path in sorted(FOLDER.glob("*.py")):
        if path.name.startswith("_"):
            continue
        module = importlib.import_module(f"bench.{path.stem}")
        if hasattr(module, "measure"):
            typer.echo(f"{path.stem} ...", err=True)
            rows += module.measure(megabytes)
    table = f"{describe_machine()}\n\n{to_markdown(rows)}\n"
    typer.echo(table)
    if write:
        write_table(FOLDER.parent / "docs" / "benchmarks.md", table)


def write_table(path: Path, table: str) -> None:
    """Put the table between the two marks of a page, at its end where it has none; makes the page if need be."""
    page = path.read_text(encoding="utf-8") if path.exists() else "# Benchmarks\n"
    if START not in page or END not in page:
        page = f"{page.rstrip()}\n\n{START} -->\n{END}\n"
    head, _, rest = page.partition(START)
    tail = rest.partition(END)[2]
    path.write_text(f"{head}{START} -->\n\n{table}\n{END}{tail}", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
