"""Print what a run takes, stage by stage: documents, prompts, tokens, GPU-hours, money, disk and time.

Nothing is asked of a hub or a model. What is known comes from configs/planning.yaml, from the metrics of a run with the
same params, and from the speed of earlier runs on this machine, so the plan gets sharper as stages finish.
"""

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import typer

from mathcode_pile.core.params import read_yaml
from tools.figures import load_figures
from tools.plan_stages import Line, Planner, sum_up
from tools.profiles import choose_profile
from tools.spans import ZERO, Span, write_bytes, write_count, write_time

HEADS = ("stage", "documents", "prompts", "tokens", "GPU-hours", "dollars", "disk", "wall time")


def print_plan(profile: str | None, card: str, price: float | None) -> None:
    """Print the plan of a profile's run.

    profile: None means the one that params.yaml names. card: a key of configs/planning.yaml.
    price: dollars for a GPU-hour; None means the card's.
    """
    name = profile or str(read_yaml(Path("params.yaml"))["profile"])
    with tempfile.TemporaryDirectory() as folder:
        planner = Planner(choose_profile(name, Path(folder)), name, card, load_figures())
    lines, training = planner.plan()
    each = planner.card.price if price is None else price
    total = sum_up(lines)
    table = [list(HEADS), *(write_cells(line, each) for line in [*lines, total])]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADS))]
    for row in table:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    hours, wall = total.gpu_hours or ZERO, total.wall_s or ZERO
    typer.echo(
        f"\nprofile {name}, likely in all: {write_count(hours.likely)} GPU-hours, ${write_count(hours.likely * each)},"
        f" {write_bytes(total.disk.likely)} of disk, {write_time(wall.likely)} one stage after another"
    )
    typer.echo(training.describe(card))
    typer.echo(f"{card}: ${each:.2f} an hour; CPU work on the {planner.cores} cores of this machine")
    for note in _list_notes(planner):
        typer.echo(f"- {note}")
    typer.echo(
        "Not estimated: the time of OCR in extract_textbooks and of evaluate."
        " The figures and their sources: configs/planning.yaml"
    )


def write_cells(line: Line, price: float) -> list[str]:
    """Return a line's texts; price: of a GPU-hour."""
    counts = [_write(span, write_count) for span in (line.documents, line.prompts, line.tokens)]
    money = line.gpu_hours * price if line.gpu_hours is not None else None
    costs = [_write(span, write_count) for span in (line.gpu_hours, money)]
    return [line.name, *counts, *costs, _write(line.disk, write_bytes), _write(line.wall_s, write_time)]


def _write(span: Span | None, write: Callable[[float], str]) -> str:
    if span is None:
        return "unknown"
    return span.describe(write) if span.high else ""


def _list_notes(planner: Planner) -> Iterator[str]:
    """Yield where the figures are from, each once."""
    bases = defaultdict(list)
    for source, amount in planner.fetched.items():
        bases[amount.basis].append(source)
    for basis, names in bases.items():
        yield f"documents of {', '.join(names)}: {basis}"
    yield from dict.fromkeys(planner.notes)
