"""Train a fastText classifier on the pipeline's own documents, and measure it on documents held out.

Training uses one thread: fastText's threads write to the same matrices without locks, so with several threads no two
models would be equal. Training sets are sampled (`max_documents_per_label`), which limits the time.
"""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import ConfigDict, Field

from mathcode_pile.classifier.scorer import MODEL_FILE, NEGATIVE, POSITIVE, Scorer
from mathcode_pile.core.engine import say
from mathcode_pile.core.errors import PipelineError
from mathcode_pile.core.params import Section
from mathcode_pile.core.scratch import atomic_folder, working_folder
from mathcode_pile.core.shards import count_rows, list_shards, read_schema
from stages.train_classifier import measures
from stages.train_classifier.samples import Source, TrainingSet, by_types, find_limits, gather

MISTAKES = 100
_MISTAKE_CHARACTERS = 400
_THRESHOLDS = (0.3, 0.5, 0.7, 0.9)
_LOSSES = {"one_vs_all": "ova", "softmax": "softmax"}


class ClassifyParams(Section):
    """fastText's settings, and how a training set is sampled."""

    learning_rate: float = Field(gt=0)
    """fastText's learning rate, at the start; it falls to 0."""
    epochs: int = Field(ge=1)
    """How often fastText goes through the training set."""
    word_ngrams: int = Field(ge=1)
    """The longest sequence of words that has a vector of its own."""
    buckets: int = Field(ge=1)
    """Rows of the matrix that word n-grams are hashed into."""
    dimension: int = Field(ge=1)
    """The length of each vector."""
    loss: Literal["one_vs_all", "softmax"]
    """one_vs_all: each label has a probability of its own. softmax: the probabilities add up to 1."""
    min_count: int = Field(ge=1)
    """Words that occur less often in the training set are ignored."""
    max_documents_per_label: int = Field(ge=2)
    """The most documents of each label that are used."""
    held_out_share: float = Field(gt=0, lt=1)
    """The share of documents that the classifier is measured on instead of learning from them."""
    seed: int = Field(ge=0)
    """The seed of sampling and of training."""


class KeptTypes(Section):
    """The section `select`: which types make an annotated document a positive one."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    keep_types: list[int]
    """Types whose documents are positive."""


def train_classifier(
    positives: Path,
    negatives: Path,
    out: Path,
    plots: Path,
    params: ClassifyParams,
    keep_types: list[int],
    negatives_share: float = 1.0,
) -> dict[str, Any]:
    """Train on the documents of two folders and write the model, its plots and its worst mistakes; return metrics.

    Of a folder that annotate wrote, a document is positive where a piece has a kept type, negative where none has.
    Where the profile leaves out the source of a label, there is nothing to learn from, and no model is written.
    negatives_share: the share of the negative documents that may be used.
    Raises PipelineError where a label has too few documents or fastText cannot train on them.
    """
    if not (count_rows(positives) and count_rows(negatives)):
        say(f"train_classifier: {positives} or {negatives} has no documents, so there is no classifier {out.name}")
        out.mkdir(parents=True, exist_ok=True)
        (out / "mistakes.jsonl").write_text("", encoding="utf-8")
        _write_plots(plots, [], [])
        return {"trained_on_positives": 0, "trained_on_negatives": 0}
    sources = label_sources(positives, negatives, keep_types, negatives_share)
    limits = find_limits(sources, params.max_documents_per_label, params.held_out_share, params.seed)
    with working_folder("train_classifier") as scratch, atomic_folder(out) as folder:
        sample = gather(sources, limits, params.seed, scratch)
        _train(sample.training, folder / MODEL_FILE, params)
        scores = _score(Scorer(folder / MODEL_FILE), sample.held_out)
        is_positive = sample.held_out.column("is_positive").to_numpy()
        _write_mistakes(folder / "mistakes.jsonl", sample.held_out, scores, is_positive)
    _write_plots(
        plots, measures.precision_recall_curve(scores, is_positive), measures.score_histogram(scores, is_positive)
    )
    return _summarize(sample, scores, is_positive)


def label_sources(
    positives: Path, negatives: Path, keep_types: list[int], negatives_share: float = 1.0
) -> list[Source]:
    """Return the documents of each label: of an annotated folder by their types, of any other folder all."""
    return [
        _label_source(POSITIVE, positives, by_types(keep_types, wanted=True)),
        _label_source(NEGATIVE, negatives, by_types(keep_types, wanted=False))._replace(share=negatives_share),
    ]


def _label_source(label: str, folder: Path, choose: Callable[[pa.RecordBatch], measures.Mask]) -> Source:
    shards = list_shards(folder)
    is_annotated = bool(shards) and "types" in read_schema(shards[0]).names
    return Source(label, folder, ["types"], choose) if is_annotated else Source(label, folder, [], None)


def _train(training: Path, model: Path, params: ClassifyParams) -> None:
    import fasttext

    try:
        trained = fasttext.train_supervised(
            str(training),
            lr=params.learning_rate,
            epoch=params.epochs,
            wordNgrams=params.word_ngrams,
            bucket=params.buckets,
            dim=params.dimension,
            loss=_LOSSES[params.loss],
            minCount=params.min_count,
            seed=params.seed,
            thread=1,
            verbose=0,
        )
    except (ValueError, RuntimeError) as error:
        raise PipelineError(f"fastText cannot train on these documents: {error}") from error
    trained.save_model(str(model))


def _score(scorer: Scorer, held_out: pa.Table) -> NDArray[np.float32]:
    parts = [scorer.score(batch.column("line")) for batch in held_out.to_batches(max_chunksize=10_000)]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.float32)


def _write_mistakes(path: Path, held_out: pa.Table, scores: NDArray[np.float32], is_positive: measures.Mask) -> None:
    """Write the documents whose score is farthest on the wrong side, the worst first."""
    error = np.where(is_positive, 1 - scores, scores)
    ids = held_out.column("id").to_pylist()
    wrong = [int(row) for row in np.flatnonzero(error > 0.5)]
    worst = sorted(wrong, key=lambda row: (-float(error[row]), ids[row]))[:MISTAKES]
    with open(path, "w", encoding="utf-8") as file:
        for row in worst:
            mistake = {
                "id": ids[row],
                "label": POSITIVE if is_positive[row] else NEGATIVE,
                "score": round(float(scores[row]), 4),
                "text": held_out.column("line")[row].as_py()[:_MISTAKE_CHARACTERS],
            }
            file.write(json.dumps(mistake, ensure_ascii=False) + "\n")


def _write_plots(plots: Path, curve: Iterable[Sequence[Any]], histogram: Iterable[Sequence[Any]]) -> None:
    plots.mkdir(parents=True, exist_ok=True)
    with open(plots / "precision_recall.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(measures.AtThreshold._fields)
        rows.writerows(curve)
    with open(plots / "scores.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["score", POSITIVE, NEGATIVE])
        rows.writerows(histogram)


def _summarize(sample: TrainingSet, scores: NDArray[np.float32], is_positive: measures.Mask) -> dict[str, Any]:
    at_half = measures.measure_at(scores, is_positive, 0.5)
    metrics: dict[str, Any] = {
        "trained_on_positives": sample.trained_on[POSITIVE],
        "trained_on_negatives": sample.trained_on[NEGATIVE],
        "held_out_positives": int(is_positive.sum()),
        "held_out_negatives": int((~is_positive).sum()),
        "precision": at_half.precision,
        "recall": at_half.recall,
        "f1": at_half.f1,
        "average_precision": measures.average_precision(scores, is_positive),
    }
    for threshold in _THRESHOLDS:
        kept = measures.measure_at(scores, is_positive, threshold).share_kept
        metrics[f"share_kept_at_{round(100 * threshold)}_percent"] = kept
    return metrics
