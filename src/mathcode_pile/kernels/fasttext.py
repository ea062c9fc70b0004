"""The scores of a fastText model, from its file, without the library: words, n-grams, labels' probabilities.

A label's logit is a mean over rows of the input matrix, times the label's output row. The product of each
row with each output row is made once, so that a document costs a few additions a word. The library
rounds to float32 in a given order and reads the sigmoid from a table of 512 steps; a document whose sum
lies near a step is done again in exactly the library's order.
Not covered: quantized or pruned models, subwords, hierarchical softmax; for these `read_model` returns None.
"""

import mmap
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.errors import InputError
from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import Bytes, Offsets, is_space, text_buffers

LABEL_PREFIX = b"__label__"
END_OF_LINE = b"</s>"
_MAGIC, _VERSION = 793712314, 12
_SOFTMAX, _ONE_VS_ALL = 3, 4
_SUPERVISED = 3

_FNV_SEED = np.uint32(2166136261)
_FNV_PRIME = np.uint32(16777619)
_NGRAM_PRIME = np.uint64(116049371)
_SIGN = np.uint32(0xFFFFFF00)
# From here on the quotient as a float is wrong by less than 2, which _modulo mends.
_LEAST_DIVISOR = 8192
# A document of more rows is summed in the library's order: its rounding is a part of its scores.
_MOST_ROWS = 50_000
# The library's sigmoid: 512 steps from -8 to 8.
_STEPS, _BOUND = 512, 8.0
_STEPS_PER_UNIT = 32.0
_GRID = np.arange(_STEPS + 1, dtype=np.float32) * np.float32(2 * _BOUND) / np.float32(_STEPS) - np.float32(_BOUND)
_SIGMOID = (1.0 / (1.0 + np.exp(-_GRID).astype(np.float64))).astype(np.float32)


@dataclass(frozen=True)
class Model:
    """A supervised fastText model, ready to score."""

    labels: list[str]
    word_bytes: Bytes
    word_offsets: Offsets
    """[words + 1] bounds of each word of the vocabulary in word_bytes."""
    slots: NDArray[np.int64]
    """[a power of two] hash and id of a word in one value, by open addressing; -1 is free."""
    rows: NDArray[np.float32]
    """[words + buckets, dimension] the input matrix, mapped from the file."""
    outputs: NDArray[np.float32]
    """[labels, dimension]"""
    logits: NDArray[np.float32]
    """[words + buckets, labels] rows times outputs"""
    word_ngrams: int
    buckets: int
    is_one_vs_all: bool


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
            raise InputError(f"{self.path}: a fastText model cut short") from None
        self.position += struct.calcsize("<" + layout)
        return values

    def take_word(self) -> bytes:
        end = self.data.find(b"\0", self.position)
        if end < 0:
            raise InputError(f"{self.path}: a fastText model cut short")
        word = self.data[self.position : end]
        self.position = end + 1
        return word

    def take_matrix(self) -> NDArray[np.float32]:
        rows, columns = self.take("qq")
        if rows < 0 or columns < 0 or self.position + 4 * rows * columns > len(self.data):
            raise InputError(f"{self.path}: a fastText model cut short")
        matrix = np.frombuffer(self.data, dtype="<f4", count=rows * columns, offset=self.position)
        self.position += 4 * rows * columns
        return matrix.reshape(rows, columns)


def read_model(path: Path) -> Model | None:
    """Return the model in a fastText .bin file, None where only the library can score with it.

    Raises InputError where the file is not a whole fastText model.
    """
    reader = _Reader(path)
    magic, version = reader.take("ii")
    if magic != _MAGIC or version != _VERSION:
        raise InputError(f"{path}: not a fastText model of version {_VERSION}")
    _, _, _, _, _, word_ngrams, loss, kind, buckets, _, longest_subword, _ = reader.take("12i")
    reader.take("d")
    _, words, labels, _, pruned = reader.take("iiiqq")
    if kind != _SUPERVISED or loss not in (_SOFTMAX, _ONE_VS_ALL) or longest_subword > 0 or pruned >= 0:
        return None
    entries = []
    for _ in range(words + labels):
        entries.append(reader.take_word())
        reader.position += 9  # its count and its kind
    if reader.take("?")[0]:
        return None
    rows = reader.take_matrix()
    if reader.take("?")[0]:
        return None
    outputs = reader.take_matrix()
    if len(rows) != words + buckets or len(outputs) != labels:
        raise InputError(f"{path}: a fastText model whose matrices do not fit its vocabulary")
    word_bytes = np.frombuffer(b"".join(entries[:words]), dtype=np.uint8)
    word_offsets = np.zeros(words + 1, dtype=np.int64)
    np.cumsum([len(word) for word in entries[:words]], out=word_offsets[1:])
    return Model(
        labels=[label.decode("utf-8", "replace").removeprefix("__label__") for label in entries[words:]],
        word_bytes=word_bytes,
        word_offsets=word_offsets,
        slots=_build_slots(word_bytes, word_offsets),
        rows=rows,
        outputs=outputs,
        logits=_multiply(rows, outputs),
        word_ngrams=word_ngrams,
        buckets=buckets,
        is_one_vs_all=loss == _ONE_VS_ALL,
    )


def _multiply(rows: NDArray[np.float32], outputs: NDArray[np.float32]) -> NDArray[np.float32]:
    logits = np.empty((len(rows), len(outputs)), dtype=np.float32)
    wide = outputs.T.astype(np.float64)
    for start in range(0, len(rows), 65536):
        logits[start : start + 65536] = rows[start : start + 65536].astype(np.float64) @ wide
    return logits


def _build_slots(word_bytes: Bytes, word_offsets: Offsets) -> NDArray[np.int64]:
    size = 1 << max(4, (2 * len(word_offsets)).bit_length())
    slots = np.full(size, -1, dtype=np.int64)
    _fill_slots(word_bytes, word_offsets, slots)
    return slots


@compiled
def hash_word(data, start, end):  # type: ignore[no-untyped-def]
    """Return fastText's hash of a word: FNV-1a of 32 bits over signed bytes."""
    value = _FNV_SEED
    for position in range(start, end):
        byte = np.uint32(data[position])
        if byte >= 128:
            byte |= _SIGN
        value = np.uint32((value ^ byte) * _FNV_PRIME)
    return value


@compiled
def _fill_slots(word_bytes, word_offsets, slots):  # type: ignore[no-untyped-def]
    mask = np.int64(len(slots) - 1)
    for word in range(len(word_offsets) - 1):
        value = np.int64(hash_word(word_bytes, word_offsets[word], word_offsets[word + 1]))
        slot = (value ^ (value >> 16)) & mask
        while slots[slot] != -1:
            slot = (slot + 1) & mask
        slots[slot] = (np.int64(word) << 32) | value


@compiled
def _find(value, data, start, end, slots, word_bytes, word_offsets):  # type: ignore[no-untyped-def]
    """Return the id of the word in data[start:end] with that hash, -1 where the vocabulary lacks it."""
    mask = np.int64(len(slots) - 1)
    wanted = np.int64(value)
    slot = (wanted ^ (wanted >> 16)) & mask
    while True:
        found = slots[slot]
        if found == -1:
            return np.int64(-1)
        if found & 0xFFFFFFFF == wanted:
            word = found >> 32
            first = word_offsets[word]
            if word_offsets[word + 1] - first == end - start:
                is_same = True
                for place in range(end - start):
                    if word_bytes[first + place] != data[start + place]:
                        is_same = False
                        break
                if is_same:
                    return word
        slot = (slot + 1) & mask


@compiled
def _is_skipped(data, start, end):  # type: ignore[no-untyped-def]
    """Tell whether a word would mean something to fastText: a label, or the end of the line."""
    first = data[start]
    if first == 60:  # </s>
        return end - start == 4 and data[start + 1] == 47 and data[start + 2] == 115 and data[start + 3] == 62
    if first != 95 or end - start < 9 or data[start + 1] != 95:
        return False
    return (  # __label__
        data[start + 2] == 108
        and data[start + 3] == 97
        and data[start + 4] == 98
        and data[start + 5] == 101
        and data[start + 6] == 108
        and data[start + 7] == 95
        and data[start + 8] == 95
    )


@compiled
def _next_word(data, position, end):  # type: ignore[no-untyped-def]
    """Return hash, start and end of the next word that counts; start and end are equal where there is none."""
    while True:
        while position < end and is_space(data[position]):
            position += 1
        start = position
        value = _FNV_SEED
        while position < end:
            byte = np.uint32(data[position])
            if byte <= 32 and is_space(byte):
                break
            if byte >= 128:
                byte |= _SIGN
            value = np.uint32((value ^ byte) * _FNV_PRIME)
            position += 1
        if start == position or not (data[start] == 60 or data[start] == 95):
            return value, start, position
        if not _is_skipped(data, start, position):
            return value, start, position


@compiled
def _widen(value):  # type: ignore[no-untyped-def]
    # fastText keeps hashes as int32 and widens them with their sign.
    return np.uint64(np.int64(np.int32(value)))


@compiled
def _modulo(value, divisor, inverse):  # type: ignore[no-untyped-def]
    """Return value % divisor; a division of 64-bit integers would take longer than the rest of a word."""
    if divisor < _LEAST_DIVISOR:
        return np.int64(value % np.uint64(divisor))
    quotient = np.uint64(np.float64(value) * inverse)
    rest = np.int64(value - quotient * np.uint64(divisor))
    if rest < 0:
        rest += divisor
    elif rest >= divisor:
        rest -= divisor
    return rest


@compiled
def _sum_logits(data, start, end, model, partial, sums):  # type: ignore[no-untyped-def]
    """Add up the logits of a document's words and n-grams; return how many there are."""
    slots, word_bytes, word_offsets, logits, word_ngrams, buckets, eos_hash, eos_word = model
    words = np.int64(len(word_offsets) - 1)
    inverse = 1.0 / max(1, buckets)
    rows, seen = np.int64(0), np.int64(0)
    position = start
    sums[:] = 0.0
    first_sum, second_sum = 0.0, 0.0
    is_pair = len(sums) == 2
    while True:
        value, first, position = _next_word(data, position, end)
        is_last = first == position
        if is_last:
            value, word = eos_hash, eos_word
        else:
            word = _find(value, data, first, position, slots, word_bytes, word_offsets)
        if word >= 0:
            rows += 1
            if is_pair:
                first_sum += logits[word, 0]
                second_sum += logits[word, 1]
            else:
                for label in range(len(sums)):
                    sums[label] += logits[word, label]
        wide = _widen(value)
        for length in range(min(word_ngrams, seen + 1), 1, -1):
            gram = partial[length - 1] * _NGRAM_PRIME + wide
            partial[length] = gram
            if buckets > 0:
                row = words + _modulo(gram, buckets, inverse)
                rows += 1
                if is_pair:
                    first_sum += logits[row, 0]
                    second_sum += logits[row, 1]
                else:
                    for label in range(len(sums)):
                        sums[label] += logits[row, label]
        partial[1] = wide
        seen += 1
        if is_last:
            break
    if is_pair:
        sums[0], sums[1] = first_sum, second_sum
    return rows


@compiled
def _list_rows(data, start, end, model):  # type: ignore[no-untyped-def]
    """[rows] the rows of a document's words, then of its n-grams, in the library's order."""
    slots, word_bytes, word_offsets, _, word_ngrams, buckets, eos_hash, eos_word = model
    most = (end - start) // 2 + 2
    hashes = np.empty(most, dtype=np.uint64)
    rows = np.empty(most * max(1, word_ngrams), dtype=np.int64)
    count, seen = np.int64(0), np.int64(0)
    position = start
    while True:
        value, first, position = _next_word(data, position, end)
        is_last = first == position
        if is_last:
            value, word = eos_hash, eos_word
        else:
            word = _find(value, data, first, position, slots, word_bytes, word_offsets)
        if word >= 0:
            rows[count] = word
            count += 1
        hashes[seen] = _widen(value)
        seen += 1
        if is_last:
            break
    words = np.int64(len(word_offsets) - 1)
    if buckets > 0:
        for index in range(seen):
            gram = hashes[index]
            for further in range(index + 1, min(seen, index + word_ngrams)):
                gram = gram * _NGRAM_PRIME + hashes[further]
                rows[count] = words + np.int64(gram % np.uint64(buckets))
                count += 1
    return rows[:count]


@compiled
def _exact_logits(rows, matrix, outputs, sums):  # type: ignore[no-untyped-def]
    """Set the logits as the library rounds them: float32, row after row, column after column."""
    hidden = np.zeros(matrix.shape[1], dtype=np.float32)
    for row in rows:
        for column in range(len(hidden)):
            hidden[column] += matrix[row, column]
    share = np.float32(1.0 / len(rows))
    for column in range(len(hidden)):
        hidden[column] *= share
    for label in range(len(sums)):
        total = np.float32(0.0)
        for column in range(len(hidden)):
            total += hidden[column] * outputs[label, column]
        sums[label] = total


@compiled
def _is_near_step(sums, margin):  # type: ignore[no-untyped-def]
    """Tell whether a logit lies so near a step of the sigmoid's table that rounding may cross it."""
    for logit in sums:
        place = (logit + _BOUND) * _STEPS_PER_UNIT
        if abs(place - np.floor(place + 0.5)) < margin * _STEPS_PER_UNIT and abs(logit) < _BOUND + 0.1:
            return True
    return False


@compiled
def _set_probabilities(sums, is_one_vs_all, sigmoid, scores):  # type: ignore[no-untyped-def]
    if is_one_vs_all:
        for label in range(len(sums)):
            logit = np.float32(sums[label])
            if logit < -_BOUND:
                scores[label] = 0.0
            elif logit > _BOUND:
                scores[label] = 1.0
            else:
                scores[label] = sigmoid[np.int64((logit + np.float32(_BOUND)) * np.float32(_STEPS_PER_UNIT))]
    else:
        highest = max(sums)
        total = 0.0
        for label in range(len(sums)):
            total += np.exp(sums[label] - highest)
        for label in range(len(sums)):
            scores[label] = np.exp(sums[label] - highest) / total
    for label in range(len(sums)):
        # The library hands out exp(log(p + 1e-5)), at most 1.
        scores[label] = min(1.0, scores[label] + 1e-5)


@compiled
def _fill_scores(data, offsets, model, matrix, outputs, is_one_vs_all, sigmoid, scores):  # type: ignore[no-untyped-def]
    partial = np.zeros(model[4] + 2, dtype=np.uint64)
    sums = np.zeros(len(outputs), dtype=np.float64)
    for document in range(len(offsets) - 1):
        start, end = offsets[document], offsets[document + 1]
        rows = _sum_logits(data, start, end, model, partial, sums)
        if rows == 0:
            scores[document] = 0.0
            continue
        sums /= rows
        # What float32 loses over so many additions: 1e-6 at 170 rows, 1e-4 at 17,000 when measured.
        margin = 2e-6 * (1.0 + np.sqrt(rows))
        if rows > _MOST_ROWS or (_is_near_step(sums, margin) if is_one_vs_all else margin > 1e-4):
            _exact_logits(_list_rows(data, start, end, model), matrix, outputs, sums)
        _set_probabilities(sums, is_one_vs_all, sigmoid, scores[document])


def score_texts(model: Model, column: pa.Array) -> NDArray[np.float32]:
    """[rows, labels] the library's probabilities for each text of a column, its lines taken as one.

    Words that fastText would take for a label or the end of the line are passed over (see join_words).
    A text without a known word or n-gram scores 0, where the library predicts nothing.
    """
    data, offsets = text_buffers(column)
    eos = np.frombuffer(END_OF_LINE, dtype=np.uint8)
    eos_hash = hash_word(eos, 0, len(eos))
    eos_word = _find(eos_hash, eos, 0, len(eos), model.slots, model.word_bytes, model.word_offsets)
    parts = (
        model.slots,
        model.word_bytes,
        model.word_offsets,
        model.logits,
        model.word_ngrams,
        model.buckets,
        np.uint32(eos_hash),
        np.int64(eos_word),
    )
    scores = np.zeros((len(offsets) - 1, len(model.labels)), dtype=np.float32)
    _fill_scores(data, offsets, parts, model.rows, model.outputs, model.is_one_vs_all, _SIGMOID, scores)
    return scores


@compiled
def _fill_joined(data, offsets, joined, bounds):  # type: ignore[no-untyped-def]
    count = np.int64(0)
    for row in range(len(offsets) - 1):
        bounds[row] = count
        position, end = offsets[row], offsets[row + 1]
        while True:
            _, start, position = _next_word(data, position, end)
            if start == position:
                break
            if count > bounds[row]:
                joined[count] = 32
                count += 1
            for place in range(start, position):
                joined[count] = data[place]
                count += 1
    bounds[len(offsets) - 1] = count


def join_words(column: pa.Array) -> pa.Array:
    """Return each text as the line fastText is to read: its words with single blanks between.

    Left out are words which fastText would take for a label (`__label__...`) or the end of a line (`</s>`).
    This is what training reads, and what score_texts scores.
    """
    data, offsets = text_buffers(column)
    joined = np.empty(int(offsets[-1] - offsets[0]), dtype=np.uint8)
    bounds = np.zeros(len(offsets), dtype=np.int64)
    _fill_joined(data, offsets, joined, bounds)
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(joined[: bounds[-1]])]
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers)
