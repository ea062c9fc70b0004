"""Write a report of a run for people: one page, the same figures as tables, and the funnel as text.

The page is one file that contains everything and opens from disk. It has neither a date nor a commit: the same input
gives the same bytes, and the page is made before the commit that records it. The corpus's hash finds that commit.
"""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.report.charts import Axis, Line, draw_histogram, draw_lines
from stages.report.excerpts import EACH, collect_dropped
from stages.report.flow import (
    DOCUMENTS,
    SNIPPETS,
    TOKENS,
    Unit,
    follow_documents,
    follow_snippets,
    follow_tokens,
)
from stages.report.funnel import (
    FUNNEL,
    Metrics,
    explain_steps,
    read_csv,
    read_funnel,
    read_json,
    read_metrics,
    tabulate_reasons,
)
from stages.report.gallery import Shown, fill_gallery
from stages.report.page import fill_page
from stages.report.scores import MODELS, SMALL, Comparison, Measured, compare_losses, compare_scores, mean_held_out_loss
from stages.report.summary import count_summary, left_out, summarize
from stages.report.translators import compare_translators, explain_translators

SHOWN = 12
"""Snippets of each group that are shown whole; the tables have the others."""
SCORE_BIN = 0.02
"""The width of a bin of scores.csv."""
# What metrics/corpus.json says of translated code, for people.
QUALITY = {
    "programs": "programs in the component's documents",
    "translators": "the programs by translator",
    "trivial_share": "programs of fewer than two operations, without a loop or a call that computes",
    "given_share": "programs that name a quantity which the text gives",
    "repeated_sentences": "sentences with two numbers or more that a document has twice",
    "unbalanced_formulas": "formulas with an opening mark and no closing one, or the other way round",
    "equals_for_approximately": "formulas before a program that say = where the text says approximately",
    "float_noise": "programs that print the error of binary fractions, as 0.30000000000000004",
}


def write_report(
    metrics_folder: Path, data: Path, out: Path, params: Mapping[str, Any], corpus_hash: str = ""
) -> dict[str, int | float]:
    """Write index.html, summary.txt and a CSV file for each table to `out`, and return the figures of the summary.

    params: params.yaml. corpus_hash: of data/corpus, as dvc.lock records it.
    """
    sections = ("sources", "components", "classifiers")
    entries = set(MODELS).union(*(params.get(name, {}) for name in sections))
    metrics = read_metrics(metrics_folder, entries)
    steps = read_funnel(metrics)
    contamination = read_json(data / "decontaminate" / "report.json")
    manifest = read_json(data / "corpus" / "manifest.json")
    clusters = read_json(data / "deduplicate" / "clusters.json")
    found = [(float(at), share) for at, share in clusters.get("found_by_similarity", {}).items()]
    translators = compare_translators(metrics)
    values: dict[str, Any] = {
        "profile": params["profile"],
        "corpus_hash": corpus_hash,
        "left_out": left_out(metrics),
        "metrics": metrics,
        "steps": steps,
        "manifest": manifest,
        # The version before: a corpus that is not published yet says after which version it was made.
        "earlier": manifest.get("version", "").partition("after ")[2],
        "flows": [
            Unit("Documents", DOCUMENTS, follow_documents(metrics, params, data)),
            Unit("Snippets", SNIPPETS, follow_snippets(metrics, data)),
            Unit("Tokens", TOKENS, follow_tokens(metrics, params)),
        ],
        "reasons": tabulate_reasons(steps),
        "translators": translators,
        "translator_reasons": explain_translators(translators),
        "leak_reasons": explain_steps([step for step in steps if step.stage == "decontaminate"]),
        # The sources whose documents are shown as programs.
        "programs": list(params.get("filter_code", {}).get("sources", {})),
        "restated": sum(row.skipped["restated"] for row in translators),
        "gallery": fill_gallery(data),
        "shown": SHOWN,
        "labelled": next((own for own in metrics.values() if own.get("labelled_pairs")), {}),
        "quality": describe_quality(metrics),
        "quality_meanings": QUALITY,
        "dropped": collect_dropped(data, FUNNEL),
        "dropped_each": EACH,
        "clusters": clusters,
        "similarity": draw_lines([Line("found", found)], Axis("similarity"), Axis("share found", 0, 1)),
        "contamination": contamination,
        "leaks": [leak for counts in contamination.get("benchmarks", {}).values() for leak in counts["examples"][:1]],
        "classifiers": _draw_classifiers(metrics, metrics_folder),
        "mixture": read_csv(metrics_folder / "pack" / "mixture.csv"),
        "curves": _draw_training(metrics_folder / "pretrain"),
        "losses": compare_losses(metrics),
        "mean_losses": [mean_held_out_loss(metrics, model) for model in MODELS],
        "scores": compare_scores(metrics),
        "small": SMALL,
    }
    tables = make_tables(values)
    out.mkdir(parents=True, exist_ok=True)
    (out / "index.html").write_text(fill_page(values | {"tables": list(tables)}), encoding="utf-8")
    (out / "summary.txt").write_text(summarize(steps, metrics, params["profile"]), encoding="utf-8")
    for name, rows in tables.items():
        write_table(out / f"{name}.csv", rows)
    return count_summary(metrics)


def describe_quality(metrics: Metrics) -> list[tuple[str, str, Any]]:
    """Return the figures on the quality of translated code: component, figure and value."""
    corpus = metrics.get("corpus", {})
    translated = [name.removesuffix("_programs") for name in corpus if name.endswith("_programs")]
    return [
        (component, key.removeprefix(f"{component}_"), value)
        for component in translated
        for key, value in corpus.items()
        if key.startswith(f"{component}_")
    ]


def make_tables(values: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Return the page's figures as tables, by the name of their file."""
    gallery = values["gallery"]
    contamination = values["contamination"]
    return {
        "funnel": [
            {"stage": s.name, "unit": s.unit} | {key: s.metrics[key] for key in ("in", "kept", "dropped")}
            for s in values["steps"]
        ],
        "reasons": values["reasons"],
        **{unit.name.lower(): unit.tabulate() for unit in values["flows"]},
        "translators": [row.counts() for row in values["translators"]],
        "probably_wrong": [_row_of(one) for one in gallery.wrong],
        "contradicted_by_a_model": [_row_of(one) for one in gallery.doubtful],
        "quality": [dict(zip(("component", "figure", "value"), row, strict=True)) for row in values["quality"]],
        "leaks": [
            {"benchmark": name} | {key: value for key, value in counts.items() if key != "examples"}
            for name, counts in contamination.get("benchmarks", {}).items()
        ],
        "planted": [{"kind": name} | plant for name, plant in contamination.get("planted", {}).items()],
        "classifiers": [
            {"classifier": name.partition("@")[2]} | own
            for name, own in values["metrics"].items()
            if name.startswith("train_classifier@")
        ],
        "mixture": values["mixture"],
        "losses": [_compared(row) for row in values["losses"]],
        "scores": [_compared(row) | {"questions": row.n} for row in values["scores"]],
    }


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write a CSV file with the columns of all rows; an empty file where there are none."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with open(path, "w", encoding="utf-8", newline="") as file:
        if columns:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _row_of(shown: Shown) -> dict[str, Any]:
    columns = ("expression", "relation", "stated", "printed", "method")
    named = {"id": shown.id, "url": shown.url, "translators": " ".join(shown.agreeing)}
    return named | {column: shown.snippet[column] for column in columns}


def _compared(row: Comparison) -> dict[str, Any]:
    cells = [(model, part) for model in MODELS for part in Measured._fields]
    return {"name": row.name} | {
        f"{model}_{part}": round(getattr(getattr(row, model), part), 6) for model, part in cells
    }


def _draw_classifiers(metrics: Metrics, folder: Path) -> list[dict[str, Any]]:
    """Return name, metrics and two charts of each classifier: what a threshold gives, and the scores themselves."""
    found = []
    for name, own in metrics.items():
        stage, _, classifier = name.partition("@")
        if stage != "train_classifier":
            continue
        plots = folder / stage / classifier
        # At the threshold 0 everything is kept; with it, nothing else could be seen.
        curve = [row for row in read_csv(plots / "precision_recall.csv") if float(row["threshold"]) > 0]
        lines = [Line(key, [(float(r["threshold"]), float(r[key])) for r in curve]) for key in ("precision", "recall")]
        bins = [(float(r["score"]), int(r["negative"]), int(r["positive"])) for r in read_csv(plots / "scores.csv")]
        wide = _widen(bins)
        found.append(
            {
                "name": classifier,
                "metrics": own,
                "curve": draw_lines(lines, Axis("threshold", 0, 1), Axis("share", high=1.0)),
                "scores": draw_histogram(("negative", "positive"), wide, 2 * SCORE_BIN, "score"),
            }
        )
    return found


def _widen(bins: list[tuple[float, int, int]]) -> list[tuple[float, int, int]]:
    """Return the bins joined in pairs."""
    bins = bins + [(0.0, 0, 0)] * (len(bins) % 2)
    return [(a[0], a[1] + b[1], a[2] + b[2]) for a, b in zip(bins[::2], bins[1::2], strict=True)]


def _draw_training(folder: Path) -> list[Any]:
    """Return the charts of a training run: loss, held-out losses, learning rate, gradient norm."""
    rows = read_csv(folder / "curves.csv")
    if not rows:
        return []
    above = ("tokens seen", int(rows[-1]["tokens"]) / int(rows[-1]["step"]))
    held_out: dict[str, list[tuple[float, float]]] = {}
    for row in read_csv(folder / "held_out.csv"):
        held_out.setdefault(row["component"], []).append((int(row["step"]), float(row["loss"])))
    step = Axis("optimizer step", 0)
    lines = {
        column: [Line(label, [(int(row["step"]), float(row[column])) for row in rows])]
        for column, label in (("loss", "loss"), ("learning_rate", "learning rate"), ("gradient_norm", "gradient norm"))
    }
    return [
        draw_lines(lines["loss"], step, Axis("training loss (nats a token)"), above),
        draw_lines(
            [Line(name.replace("_", " "), points) for name, points in sorted(held_out.items())],
            step,
            Axis("held-out loss (nats a token)"),
            above,
        ),
        draw_lines(lines["learning_rate"], step, Axis("learning rate", 0)),
        draw_lines(lines["gradient_norm"], step, Axis("gradient norm", 0)),
    ]
