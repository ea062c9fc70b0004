"""Train fastText to tell mathematics from the rest, and measure it on held-out documents."""

from pathlib import Path

import typer

from mathcode_pile.core.command import run


def main(
    positives: Path = typer.Argument(
        help="a folder of documents; of annotated ones, those with a piece of a kept type"
    ),
    negatives: Path = typer.Argument(help="a folder of documents; of annotated ones, those without such a piece"),
    out: Path = typer.Argument(help="the folder for the model"),
    classifier: str = typer.Option(..., help="which entry of classifiers"),
    metrics: Path = typer.Option(..., help="the metrics file to write (JSON)"),
    plots: Path = typer.Option(..., help="the folder for the plots (CSV)"),
) -> None:
    """Train fastText to tell mathematics from the rest, and measure it on held-out documents.

    Example: python -m stages.train_classifier data/annotate/cc_en data/annotate/cc_en
    models/train_classifier/round2 --classifier round2 --metrics m.json --plots plots
    """
    from mathcode_pile.classifier.classifier_params import ClassifierParams
    from mathcode_pile.core.engine import write_metrics
    from mathcode_pile.core.params import load
    from stages.train_classifier.stage import ClassifyParams, KeptTypes, train_classifier

    share = load("classifiers", ClassifierParams, key=classifier).negatives_share
    kept = load("select", KeptTypes).keep_types
    measured = train_classifier(positives, negatives, out, plots, load("classify", ClassifyParams), kept, share)
    write_metrics(metrics, **measured)


if __name__ == "__main__":
    run(main)
