"""Score every document with a trained classifier; the score stays with it."""

from pathlib import Path

import typer

from mathcode_pile.classifier.classifier_params import ClassifierParams
from mathcode_pile.core.engine import write_metrics
from mathcode_pile.core.params import load
from stages import run
from stages.classify.stage import classify


def main(
    documents: Path,
    model: Path,
    out: Path,
    classifier: str = typer.Option(...),
    metrics: Path = typer.Option(...),
) -> None:
    """Score DOCUMENTS with the MODEL of CLASSIFIER and write those at or over its floor to OUT."""
    params = load("classifiers", ClassifierParams, key=classifier)
    write_metrics(metrics, classify(documents, model, out, classifier, params.floor))


if __name__ == "__main__":
    run(main)
