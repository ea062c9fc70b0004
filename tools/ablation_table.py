"""The table and the drawings of a grid: means and spreads over seeds, and which differences are more than spread."""

import csv
import io
import json
import math
from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from mathcode_pile.core.errors import PipelineError
from tools.ablation import Cell, GridParams, choose_metrics, find_experiments, read_file

Values = dict[str, dict[str, dict[int, float]]]
"""By measure, mixture and seed."""
WITHIN = "within the spread"


class Comparison(NamedTuple):  # of one mixture with the first, on one measure
    difference: float
    margin: float | None
    """Half of the 95% interval; None for one seed."""

    def verdict(self) -> str:
        """Say whether the difference is more than what another seed does."""
        if self.margin is None:
            return "one seed"
        return WITHIN if abs(self.difference) <= self.margin else "more" if self.difference > 0 else "less"


def read_values(grid: GridParams, cells: list[Cell]) -> Values:
    """Return the measures of cells that are done. Raises PipelineError where `equal` differs between them."""
    commits = find_experiments()

    @cache
    def metrics(experiment: str, path: str) -> dict[str, Any]:
        return dict(json.loads(read_file(commits[experiment], path)))

    if grid.equal:
        path, _, name = grid.equal.partition(":")
        found = {cell.experiment: metrics(cell.experiment, path).get(name) for cell in cells}
        if len(set(found.values())) > 1:
            raise PipelineError(f"{grid.equal} differs: {', '.join(f'{k} {v}' for k, v in found.items())}")
    values: Values = defaultdict(lambda: defaultdict(dict))
    for measure in grid.measures:
        path, _, pattern = measure.partition(":")
        for cell in cells:
            read = metrics(cell.experiment, path)
            for name in choose_metrics(pattern, read):
                values[name][cell.mixture][cell.seed] = read[name]
    return values


def compare(values: dict[int, float], than: dict[int, float]) -> Comparison | None:
    """Return how two mixtures differ, over the seeds of both; None where they share none.

    The pairs are seeds: both runs start from the same weights and the same order of documents. The interval is
    Student's, with one degree of freedom less than seeds.
    """
    pairs = [values[seed] - than[seed] for seed in values if seed in than]
    if not pairs:
        return None
    mean = sum(pairs) / len(pairs)
    if len(pairs) == 1:
        return Comparison(mean, None)
    from scipy.stats import t

    return Comparison(mean, float(t.ppf(0.975, len(pairs) - 1)) * spread(pairs) / math.sqrt(len(pairs)))


def spread(values: Iterable[float]) -> float:
    """Return the standard deviation of a sample; 0 for one value."""
    values = list(values)
    mean = sum(values) / len(values)
    return math.sqrt(sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1))


def tabulate(values: Values, mixtures: list[str]) -> str:
    """Return a Markdown table: a row for each measure, and for each mixture mean, spread and verdict."""
    first = mixtures[0]
    lines = [f"| measure | {' | '.join(mixtures)} |", f"|---|{'---|' * len(mixtures)}"]
    for measure, by_mixture in values.items():
        cells = []
        for mixture in mixtures:
            found = by_mixture.get(mixture)
            if not found:
                cells.append("")
                continue
            text = f"{sum(found.values()) / len(found):.4f}"
            text += f" ± {spread(found.values()):.4f}" if len(found) > 1 else ""
            comparison = compare(found, by_mixture.get(first, {})) if mixture != first else None
            cells.append(f"{text}, {comparison.verdict()}" if comparison else text)
        lines.append(f"| {measure.replace('_', ' ')} | {' | '.join(cells)} |")
    return "\n".join(lines)


def write_report(grid: GridParams, cells: list[Cell], out: Path) -> str:
    """Write cells.csv, table.md and the drawings of what is done to a folder; return the table."""
    values = read_values(grid, cells)
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "cells.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["measure", "mixture", "seed", "value"])
        for measure, by_mixture in values.items():
            for mixture, by_seed in by_mixture.items():
                writer.writerows([measure, mixture, seed, value] for seed, value in by_seed.items())
    table = tabulate(values, list(grid.mixtures))
    (out / "table.md").write_text(f"{table}\n", encoding="utf-8")
    draw_measures(values, list(grid.mixtures), out / "measures.svg")
    if grid.curves:
        draw_curves(read_curves(grid.curves, cells), list(grid.mixtures), out / "curves.svg")
    return table


def read_curves(path: str, cells: list[Cell]) -> dict[str, dict[str, dict[int, list[float]]]]:
    """Return the losses of all seeds, by component, mixture and step."""
    commits = find_experiments()
    curves: dict[str, dict[str, dict[int, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for cell in cells:
        for row in csv.DictReader(io.StringIO(read_file(commits[cell.experiment], path))):
            curves[row["component"]][cell.mixture][int(row["step"])].append(float(row["loss"]))
    return curves


def _panels(count: int) -> tuple[Any, list[Any]]:
    """Return a figure and its axes, three in a row."""
    import matplotlib

    matplotlib.use("svg")
    # The same input gives the same bytes.
    matplotlib.rcParams.update({"svg.hashsalt": "mathcode-pile", "font.size": 8, "svg.fonttype": "none"})
    from matplotlib import pyplot

    rows = -(-count // 3)
    figure, axes = pyplot.subplots(rows, 3, figsize=(9, 2.2 * rows), squeeze=False, layout="constrained")
    panels = list(axes.flat)
    for empty in panels[count:]:
        empty.axis("off")
    return figure, panels[:count]


def _save(figure: Any, path: Path) -> None:
    from matplotlib import pyplot

    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)


def draw_measures(values: Values, mixtures: list[str], path: Path) -> None:
    """Draw a panel for each measure: a dot for each seed and a bar at each mixture's mean."""
    figure, panels = _panels(len(values))
    for axes, (measure, by_mixture) in zip(panels, values.items(), strict=True):
        for row, mixture in enumerate(mixtures):
            found = list(by_mixture.get(mixture, {}).values())
            axes.plot(found, [row] * len(found), "o", color="#4477aa", alpha=0.6, markersize=4)
            if found:
                axes.plot([sum(found) / len(found)], [row], "|", color="black", markersize=12)
        axes.set_yticks(range(len(mixtures)), mixtures)
        axes.set_ylim(len(mixtures) - 0.5, -0.5)
        axes.set_title(measure.replace("_", " "), fontsize=8)
    _save(figure, path)


def draw_curves(curves: dict[str, dict[str, dict[int, list[float]]]], mixtures: list[str], path: Path) -> None:
    """Draw a panel for each component: each mixture's mean loss by step, with the range over seeds."""
    figure, panels = _panels(len(curves))
    for axes, (component, by_mixture) in zip(panels, curves.items(), strict=True):
        for mixture in mixtures:
            steps = sorted(by_mixture.get(mixture, {}))
            losses = [by_mixture[mixture][step] for step in steps]
            axes.plot(steps, [sum(found) / len(found) for found in losses], label=mixture, linewidth=1)
            axes.fill_between(steps, [min(f) for f in losses], [max(f) for f in losses], alpha=0.2)
        axes.set_title(component.replace("_", " "), fontsize=8)
        axes.set_xlabel("step")
        axes.set_ylabel("loss, nats a token")
    if panels:
        panels[0].legend(fontsize=7)
    _save(figure, path)
