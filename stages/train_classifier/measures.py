"""Measure a classifier by the scores of documents whose label is known."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]
Mask = NDArray[np.bool_]


class AtThreshold(NamedTuple):  # the measures of keeping all documents with at least one score
    threshold: float
    precision: float
    recall: float
    f1: float
    share_kept: float
    share_of_negatives_kept: float


def measure_at(scores: Scores, is_positive: Mask, threshold: float) -> AtThreshold:
    """Return the measures of keeping every document whose score reaches the threshold.

    Precision is 1 where no document is kept, recall 1 where there is no positive document.
    """
    kept = scores >= np.float32(threshold)
    right, wrong = int((kept & is_positive).sum()), int((kept & ~is_positive).sum())
    positives, negatives = int(is_positive.sum()), int((~is_positive).sum())
    precision = right / (right + wrong) if right + wrong else 1.0
    recall = right / positives if positives else 1.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    shares = (right + wrong) / max(1, len(scores)), wrong / max(1, negatives)
    return AtThreshold(threshold, *(round(value, 6) for value in (precision, recall, f1, *shares)))


def average_precision(scores: Scores, is_positive: Mask) -> float:
    """Return the precision averaged over recall, with each distinct score as threshold; 0 without positives."""
    positives = int(is_positive.sum())
    if positives == 0:
        return 0.0
    order = np.argsort(-scores, kind="stable")
    found = np.cumsum(is_positive[order])
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    precisions, recalls = found[ends] / (ends + 1), found[ends] / positives
    return round(float(np.sum(np.diff(recalls, prepend=0.0) * precisions)), 6)


def precision_recall_curve(scores: Scores, is_positive: Mask) -> list[AtThreshold]:
    """Return the measures at the thresholds 0.00, 0.01, ... 1.00."""
    return [measure_at(scores, is_positive, step / 100) for step in range(101)]


def score_histogram(scores: Scores, is_positive: Mask, bins: int = 50) -> list[tuple[float, int, int]]:
    """Return the lower bound and the numbers of positives and negatives of each bin of scores."""
    edges = np.linspace(0.0, 1.0, bins + 1)
    positives, _ = np.histogram(scores[is_positive], edges)
    negatives, _ = np.histogram(scores[~is_positive], edges)
    return [(round(float(e), 4), int(p), int(n)) for e, p, n in zip(edges, positives, negatives, strict=False)]
