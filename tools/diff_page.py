"""Write what changed between two versions as a page: documents, snippets, mixture, training, losses, scores, params."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from stages.report.charts import Axis, Line, draw_lines
from stages.report.funnel import Metrics
from stages.report.page import fill_page
from stages.report.scores import MODELS, SMALL, compare_losses, compare_scores
from stages.report.scores import Comparison as Row
from tools.diff import DOCUMENTS, SNIPPETS, Comparison, ComponentChange, Kind
from tools.recorded import MissingDataError, Version


def write_page(comparison: Comparison, path: Path) -> None:
    """Write the comparison to one file that opens from disk and loads nothing."""
    old, new = comparison.old, comparison.new
    pretrained = _pair_models(old, new)
    losses, scores = compare_losses(pretrained), compare_scores(pretrained)
    values = {
        "old": old.name,
        "new": new.name,
        "kinds": [_compare(comparison, kind) for kind in (DOCUMENTS, SNIPPETS)],
        "mixture": compare_mixtures(old, new),
        "curves": _draw_training(old, new),
        "compared": [
            ("losses", "Held-out loss", "Nats a token", losses, *_span(losses)),
            ("scores", "Scores", "Shares of right answers", scores, 0, 1),
        ],
        "small": SMALL,
        "figures": comparison.list_figures(),
        "losses": losses,
        "scores": scores,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(fill_page(values, "diff.html"), encoding="utf-8")


def _compare(comparison: Comparison, kind: Kind) -> tuple[str, list[ComponentChange], str]:
    """Return the name of what is compared, its changes, and why it was not compared."""
    try:
        return kind.name, comparison.compare(kind), ""
    except MissingDataError as error:
        return kind.name, [], str(error)


def compare_mixtures(old: Version, new: Version) -> list[tuple[str, float, float]]:
    """Return each component's share of the training tokens in both versions; 0 where one has no such component."""
    shares = [
        {row["component"]: float(row["share"]) for row in _read_rows(version, "pack/mixture")} for version in (old, new)
    ]
    names = dict.fromkeys([*shares[1], *shares[0]])
    return [(name, shares[0].get(name, 0.0), shares[1].get(name, 0.0)) for name in names]


def _draw_training(old: Version, new: Version) -> list[Any]:
    """Return two charts: the training losses, and the held-out losses, the mean of the components."""
    training, held_out = [], []
    for version in (old, new):
        rows = _read_rows(version, "pretrain/curves")
        training.append(Line(version.name, [(int(row["tokens"]), float(row["loss"])) for row in rows]))
        by_tokens: dict[int, list[float]] = {}
        for row in _read_rows(version, "pretrain/held_out"):
            by_tokens.setdefault(int(row["tokens"]), []).append(float(row["loss"]))
        held_out.append(Line(version.name, [(at, sum(losses) / len(losses)) for at, losses in by_tokens.items()]))
    tokens = Axis("tokens seen", 0)
    return [
        draw_lines(training, tokens, Axis("training loss (nats a token)")),
        draw_lines(held_out, tokens, Axis("held-out loss, mean of the components (nats a token)")),
    ]


def _pair_models(old: Version, new: Version) -> Metrics:
    """Return the metrics of the two pretrained models, as if they were the two models of one run."""
    path = "metrics/evaluate/pretrained.json"
    read = (json.loads(version.read_text(path) or "{}") for version in (old, new))
    return {f"evaluate@{model}": values for model, values in zip(MODELS, read, strict=True)}


def _read_rows(version: Version, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(version.read_text(f"metrics/{name}.csv") or "")))


def _span(rows: list[Row]) -> tuple[float, float]:
    """Return the lowest and the highest bound of all intervals."""
    bounds = [bound for row in rows for side in (row.base, row.pretrained) for bound in (side.low, side.high)]
    return min(bounds, default=0.0), max(bounds, default=1.0)
