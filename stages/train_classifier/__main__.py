"""Train fastText to tell mathematics from the rest, and measure it on held-out documents."""

from pathlib import Path

import typer

from mathcode_pile.classifier.classifier_params import ClassifierParams
from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.errors import ParamsError
from mathcode_pile.core.params import load, read_section
from stages import run
from stages.train_classifier.stage import ClassifyParams, train_classifier


def main(
    positives: Path,
    negatives: Path,
    out: Path,
    classifier: str = typer.Option(...),
    metrics: Path = typer.Option(...),
    plots: Path = typer.Option(...),
) -> None:
    """Train CLASSIFIER on two folders of documents (or on one, annotated) and write its model to OUT."""
    load("classifiers", ClassifierParams, key=classifier)
    keep_types = read_section("select").get("keep_types")
    if not isinstance(keep_types, list) or not all(isinstance(kind, int) for kind in keep_types):
        raise ParamsError(f"params: select.keep_types must be a list of numbers, got {keep_types!r}")
    measured = train_classifier(positives, negatives, out, plots, load("classify", ClassifyParams), keep_types)
    write_metrics(metrics, **measured)


if __name__ == "__main__":
    run(main)
