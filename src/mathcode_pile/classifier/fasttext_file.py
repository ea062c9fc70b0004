"""Read a trained model from fastText's own file, and prepare it for scoring.

Not covered: quantized or pruned models, subwords and hierarchical softmax; for these `read_model` returns None.
Source of the format: FastText::saveModel and what it calls, in fastText 0.9.2.
"""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathcode_pile.classifier.fasttext_words_kernel import (
    END_OF_LINE,
    LABEL_PREFIX,
    fill_slots,
    hash_word,
    widen_hash,
)
from mathcode_pile.core.errors import InputError

_MAGIC, _VERSION = 793712314, 12
_SOFTMAX, _ONE_VS_ALL = 3, 4  # of fastText's loss functions
_SUPERVISED = 3  # of its kinds of model
_COUNT_AND_KIND_BYTES = struct.calcsize("<qb")  # they follow each word
_ROWS_AT_ONCE = 65536


class _Arguments(NamedTuple):  # of training, in the file's order
    dimension: int
    window: int
    epochs: int
    min_count: int
    negatives: int
    word_ngrams: int
    loss: int
    kind: int
    buckets: int
    shortest_subword: int
    longest_subword: int
    update_rate: int
    sampling_threshold: float


class _Dictionary(NamedTuple):  # sizes of the vocabulary, in the file's order
    entries: int
    words: int
    labels: int
    tokens: int
    pruned: int
    """-1 where the model was not pruned."""


class Lookup(NamedTuple):  # what the kernel looks up for each word and n-gram
    keys: NDArray[np.uint64]
    """[slots, 2] a hash table with open addressing: the word's key (0: free), then space for two logits."""
    slot_logits: NDArray[np.float32]
    """[slots, 4] the same memory as floats: with two labels, columns 2 and 3 are the word's logits."""
    ids: NDArray[np.int32]
    """[slots] the row of the slot's word."""
    logits: NDArray[np.float32]
    """[words + buckets, labels] rows times outputs."""
    words: int
    word_ngrams: int
    buckets: int
    end_hash: np.uint64
    """Of the end-of-line word, widened."""
    end_key: np.uint64


@dataclass(frozen=True)
class Model:
    """A supervised fastText model, ready to score."""

    labels: list[str]
    is_one_vs_all: bool
    rows: NDArray[np.float32]
    """[words + buckets, dimension] the input matrix, mapped from the file."""
    outputs: NDArray[np.float32]
    """[labels, dimension]"""
    lookup: Lookup


class _Reader:
    def __init__(self, path: Path) -> None:
        try:
            with open(path, "rb") as file:
                self.data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: cannot be read as a fastText model: {error}") from error
        self.path, self.position = path, 0

    def take(self, layout: str) -> tuple[int, ...]:
        try:
            values = struct.unpack_from("<" + layout, self.data, self.position)
        except struct.error:
            raise self._cut_short() from None
        self.position += struct.calcsize("<" + layout)
        return values

    def take_word(self) -> bytes:
        end = self.data.find(b"\0", self.position)
        if end < 0:
            raise self._cut_short()
        word = self.data[self.position : end]
        self.position = end + 1 + _COUNT_AND_KIND_BYTES
        return word

    def take_matrix(self) -> NDArray[np.float32] | None:
        """Return the next matrix, None where it is quantized."""
        if self.take("?")[0]:
            return None
        rows, columns = self.take("qq")
        if rows < 0 or columns < 0 or self.position + 4 * rows * columns > len(self.data):
            raise self._cut_short()
        matrix = np.frombuffer(self.data, dtype="<f4", count=rows * columns, offset=self.position)
        self.position += 4 * rows * columns
        return matrix.reshape(rows, columns)

    def _cut_short(self) -> InputError:
        return InputError(f"{self.path}: this fastText model ends too early; the file is not complete")


def read_model(path: Path) -> Model | None:
    """Return the model in a fastText .bin file, None where only the library can score with it.

    Raises InputError where the file is not a complete fastText model.
    """
    reader = _Reader(path)
    if reader.take("ii") != (_MAGIC, _VERSION):
        raise InputError(f"{path}: not a fastText model of version {_VERSION}")
    arguments = _Arguments(*reader.take("12id"))
    dictionary = _Dictionary(*reader.take("iiiqq"))
    is_covered = arguments.kind == _SUPERVISED and arguments.loss in (_SOFTMAX, _ONE_VS_ALL)
    if not is_covered or arguments.longest_subword > 0 or dictionary.pruned >= 0:
        return None
    entries = [reader.take_word() for _ in range(dictionary.words + dictionary.labels)]
    words, labels = entries[: dictionary.words], entries[dictionary.words :]
    rows = reader.take_matrix()
    outputs = reader.take_matrix() if rows is not None else None
    if rows is None or outputs is None:
        return None
    if len(rows) != len(words) + arguments.buckets or len(outputs) != len(labels):
        raise InputError(f"{path}: the matrices of this fastText model do not fit its vocabulary")
    return Model(
        labels=[label.decode("utf-8", "replace").removeprefix(LABEL_PREFIX) for label in labels],
        is_one_vs_all=arguments.loss == _ONE_VS_ALL,
        rows=rows,
        outputs=outputs,
        lookup=_build_lookup(words, _multiply(rows, outputs), arguments),
    )


def _multiply(rows: NDArray[np.float32], outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """[rows, labels] rows times outputs, added up in 64 bits."""
    logits = np.empty((len(rows), len(outputs)), dtype=np.float32)
    wide = outputs.T.astype(np.float64)
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        logits[start : start + _ROWS_AT_ONCE] = rows[start : start + _ROWS_AT_ONCE].astype(np.float64) @ wide
    return logits


def _build_lookup(words: list[bytes], logits: NDArray[np.float32], arguments: _Arguments) -> Lookup:
    size = 1 << max(4, (3 * len(words) // 2).bit_length())
    keys, ids = np.zeros((size, 2), dtype=np.uint64), np.full(size, -1, dtype=np.int32)
    offsets = np.zeros(len(words) + 1, dtype=np.int64)
    np.cumsum([len(word) for word in words], out=offsets[1:])
    fill_slots(np.frombuffer(b"".join(words), dtype=np.uint8), offsets, keys, ids)
    slot_logits = keys.view(np.float32)
    if logits.shape[1] == 2:
        taken = ids >= 0
        slot_logits[taken, 2:] = logits[ids[taken]]
    end = np.frombuffer(END_OF_LINE.encode(), dtype=np.uint8)
    value, key = hash_word(end, 0, len(end))
    return Lookup(
        keys=keys,
        slot_logits=slot_logits,
        ids=ids,
        logits=logits,
        words=len(words),
        word_ngrams=arguments.word_ngrams,
        buckets=arguments.buckets,
        end_hash=np.uint64(widen_hash(value)),
        end_key=np.uint64(key),
    )
