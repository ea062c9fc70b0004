"""Score every document with a classifier, and drop those under its floor."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    documents: Path = typer.Argument(help="a folder of document shards"),
    model: Path = typer.Argument(help="the folder of the trained model"),
    out: Path = typer.Argument(help="the folder to write to"),
    classifier: str = typer.Option(..., help="which entry of classifiers"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
) -> None:
    """Score every document with a classifier, and drop those under its floor.

    Example: python -m stages.classify data/fetch/cc_en models/train_classifier/round1 data/classify/round1
    --classifier round1 --metrics metrics/classify/round1.json
    """
    from mathcode_pile.classifier.classifier_params import ClassifierParams
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load
    from stages.classify.stage import classify

    params = load("classifiers", ClassifierParams, key=classifier)
    write_metrics(metrics, classify(documents, model, out, classifier, params.floor))


if __name__ == "__main__":
    run(main)
