"""Open a trained model and score columns of text with it: with the compiled kernel, or with the library."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.classifier.fasttext_file import read_model
from mathcode_pile.classifier.fasttext_scores_kernel import score_texts
from mathcode_pile.classifier.fasttext_words_kernel import LABEL_PREFIX, join_words
from mathcode_pile.core.errors import InputError, PipelineError

MODEL_FILE = "model.bin"
# The label of the documents that a classifier looks for, and that of the others.
POSITIVE, NEGATIVE = "positive", "negative"


class Scorer:
    """Scores texts by the probability that a model gives to the label POSITIVE."""

    def __init__(self, path: Path) -> None:
        self._model = read_model(path)
        if self._model:
            labels = self._model.labels
        else:
            self._library = _load_library(path)
            labels = [name.removeprefix(LABEL_PREFIX) for name in self._library.get_labels()]
        if POSITIVE not in labels:
            raise PipelineError(f"{path}: has no label {POSITIVE!r}; its labels are {', '.join(labels)}")
        self._column = labels.index(POSITIVE)

    def score(self, texts: pa.Array) -> NDArray[np.float32]:
        """[rows] the label's probability for each text, from 0 to 1."""
        if self._model is not None:
            return np.ascontiguousarray(score_texts(self._model, texts)[:, self._column])
        scores = np.zeros(len(texts), dtype=np.float32)
        lines = join_words(texts).to_pylist()
        wanted = LABEL_PREFIX + POSITIVE
        for row, (labels, values) in enumerate(zip(*self._library.predict(lines, k=-1), strict=True)):
            if wanted in labels:
                scores[row] = min(1.0, float(values[labels.index(wanted)]))
        return scores


def _load_library(path: Path) -> Any:
    import fasttext

    try:
        return fasttext.load_model(str(path))
    except (ValueError, RuntimeError) as error:
        raise InputError(f"{path}: {error}") from error


@cache
def open_scorer(path: Path) -> Scorer:
    """Return the scorer of a model file. A process opens it once, and the processes forked from it share it."""
    scorer = Scorer(path)
    # Compile the kernel, or load it from the cache, once here instead of in every worker.
    scorer.score(pa.array([""], pa.large_string()))
    return scorer
