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

from mathcode_pile.core.errors import InputError
from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import is_space, text_buffers

END_OF_LINE = b"</s>"
_MAGIC, _VERSION = 793712314, 12
_SOFTMAX, _ONE_VS_ALL = 3, 4
_SUPERVISED = 3

_FNV_SEED = np.uint32(2166136261)
_FNV_PRIME = np.uint32(16777619)
_KEY_SEED = np.uint64(0xCBF29CE484222325)
_KEY_PRIME = np.uint64(0x100000001B3)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_NGRAM_PRIME = np.uint64(116049371)
_SIGN = np.uint32(0xFFFFFF00)
# From here on the quotient as a float is wrong by less than 2, which _modulo mends.
_LEAST_DIVISOR = 8192
_BLOCK = 2048  # words scanned, looked up and added at a time
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
    keys: NDArray[np.uint64]
    """[slots, 2] the vocabulary by open addressing: a word's key, 0 where free; then, of two labels, its logits."""
    ids: NDArray[np.int32]
    """[slots] the row of the slot's word"""
    words: int
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
    logits = _multiply(rows, outputs)
    keys, ids = _build_slots(entries[:words], logits)
    return Model(
        labels=[label.decode("utf-8", "replace").removeprefix("__label__") for label in entries[words:]],
        keys=keys,
        ids=ids,
        words=words,
        rows=rows,
        outputs=outputs,
        logits=logits,
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


def _build_slots(words: list[bytes], logits: NDArray[np.float32]) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    size = 1 << max(4, (3 * len(words) // 2).bit_length())
    keys, ids = np.zeros((size, 2), dtype=np.uint64), np.full(size, -1, dtype=np.int32)
    offsets = np.zeros(len(words) + 1, dtype=np.int64)
    np.cumsum([len(word) for word in words], out=offsets[1:])
    _fill_slots(np.frombuffer(b"".join(words), dtype=np.uint8), offsets, keys, ids)
    if logits.shape[1] == 2:
        taken = ids >= 0
        keys.view(np.float32)[taken, 2:] = logits[ids[taken]]
    return keys, ids


@compiled
def hash_word(data, start, end):  # type: ignore[no-untyped-def]
    """Return fastText's hash of a word, FNV-1a of 32 bits over signed bytes; and a key of 64 bits, never 0.

    The key stands for the word's bytes: that of a word unknown equals a known one's once in 10^12 at most.
    """
    value, key = _FNV_SEED, _KEY_SEED
    for position in range(start, end):
        byte = np.uint32(data[position])
        key = (key ^ np.uint64(byte)) * _KEY_PRIME
        if byte >= 128:
            byte |= _SIGN
        value = np.uint32((value ^ byte) * _FNV_PRIME)
    return value, key | np.uint64(1)


@compiled
def _first_slot(key, mask):  # type: ignore[no-untyped-def]
    return np.int64((key * _SPREAD) >> np.uint64(32)) & mask


@compiled
def _fill_slots(word_bytes, word_offsets, keys, ids):  # type: ignore[no-untyped-def]
    mask = np.int64(len(ids) - 1)
    for word in range(len(word_offsets) - 1):
        _, key = hash_word(word_bytes, word_offsets[word], word_offsets[word + 1])
        slot = _first_slot(key, mask)
        while ids[slot] >= 0:
            slot = (slot + 1) & mask
        keys[slot, 0] = key
        ids[slot] = word


@compiled
def _find(key, keys):  # type: ignore[no-untyped-def]
    """Return the slot of the word with that key, -1 where the vocabulary lacks it."""
    mask = np.int64(len(keys) - 1)
    slot = _first_slot(key, mask)
    while True:
        found = keys[slot, 0]
        if found == key:
            return slot
        if found == 0:
            return np.int64(-1)
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
    """Return hash, key, start and end of the next word that counts; start and end are equal where there is none."""
    while True:
        while position < end and is_space(data[position]):
            position += 1
        start = position
        value, key = _FNV_SEED, _KEY_SEED
        while position < end:
            byte = np.uint32(data[position])
            if byte <= 32 and is_space(byte):
                break
            key = (key ^ np.uint64(byte)) * _KEY_PRIME
            if byte >= 128:
                byte |= _SIGN
            value = np.uint32((value ^ byte) * _FNV_PRIME)
            position += 1
        if start == position or not (data[start] == 60 or data[start] == 95) or not _is_skipped(data, start, position):
            return value, key | np.uint64(1), start, position


@compiled
def _scan_block(data, position, end, hashes, keys):  # type: ignore[no-untyped-def]
    """Set the hashes (int32, widened with their sign) and keys of the next words; return how many, and the place.

    Fewer than there is room for: the document is at its end.
    """
    count = np.int64(0)
    while count < len(hashes):
        value, key, start, position = _next_word(data, position, end)
        if start == position:
            break
        hashes[count] = np.uint64(np.int64(np.int32(value)))
        keys[count] = key
        count += 1
    return count, position


@compiled
def _modulo(value, divisor, inverse):  # type: ignore[no-untyped-def]
    """Return value % divisor; a division of 64-bit integers would take longer than the rest of a word."""
    quotient = np.uint64(np.float64(value) * inverse)
    rest = np.int64(value - quotient * np.uint64(divisor))
    if rest < 0:
        rest += divisor
    elif rest >= divisor:
        rest -= divisor
    return rest


@compiled
def _list_ngrams(hashes, first, stop, length, buckets, rows):  # type: ignore[no-untyped-def]
    """Set the buckets of the n-grams that end at the words from first to stop; return how many."""
    if buckets < _LEAST_DIVISOR:
        for last in range(first, stop):
            gram = hashes[last - length + 1]
            for place in range(last - length + 2, last + 1):
                gram = gram * _NGRAM_PRIME + hashes[place]
            rows[last - first] = np.int64(gram % np.uint64(buckets))
    else:
        inverse = 1.0 / buckets
        for last in range(first, stop):
            gram = hashes[last - length + 1]
            for place in range(last - length + 2, last + 1):
                gram = gram * _NGRAM_PRIME + hashes[place]
            rows[last - first] = _modulo(gram, buckets, inverse)
    return max(0, stop - first)


@compiled
def _add_words(model, keys, count, sums):  # type: ignore[no-untyped-def]
    table, pairs, ids, logits, _, _, _, _ = model
    found = np.int64(0)
    if len(sums) == 2:
        first, second = 0.0, 0.0
        for index in range(count):
            slot = _find(keys[index], table)
            if slot >= 0:
                found += 1
                first += pairs[slot, 2]
                second += pairs[slot, 3]
        sums[0] += first
        sums[1] += second
    else:
        for index in range(count):
            slot = _find(keys[index], table)
            if slot >= 0:
                found += 1
                for label in range(len(sums)):
                    sums[label] += logits[ids[slot], label]
    return found


@compiled
def _add_rows(logits, start, rows, count, sums):  # type: ignore[no-untyped-def]
    if len(sums) == 2:
        first, second = 0.0, 0.0
        for index in range(count):
            first += logits[start + rows[index], 0]
            second += logits[start + rows[index], 1]
        sums[0] += first
        sums[1] += second
    else:
        for index in range(count):
            for label in range(len(sums)):
                sums[label] += logits[start + rows[index], label]
    return count


@compiled
def _sum_logits(data, start, end, model, space, sums):  # type: ignore[no-untyped-def]
    """Add up the logits of a document's words and n-grams; return how many there are."""
    _, _, _, logits, words, word_ngrams, buckets, last_word = model
    hashes, keys, rows = space
    carried = word_ngrams - 1
    sums[:] = 0.0
    total, seen = np.int64(0), np.int64(0)
    position = start
    is_last = False
    while not is_last:
        count, position = _scan_block(data, position, end, hashes[carried : carried + _BLOCK], keys)
        is_last = count < _BLOCK
        if is_last:
            hashes[carried + count], keys[count] = last_word
            count += 1
        total += _add_words(model, keys, count, sums)
        if buckets > 0:
            for length in range(2, word_ngrams + 1):
                # The document's first n-gram ends at its n-th word; of a later block, at the block's first.
                first = carried + max(0, length - 1 - seen)
                made = _list_ngrams(hashes, first, carried + count, length, buckets, rows)
                total += _add_rows(logits, words, rows, made, sums)
        seen += count
        for place in range(carried):
            hashes[place] = hashes[count + place]
    return total


@compiled
def _list_rows(data, start, end, model):  # type: ignore[no-untyped-def]
    """[rows] the rows of a document's words, then of its n-grams, in the library's order."""
    table, _, ids, _, words, word_ngrams, buckets, last_word = model
    most = (end - start) // 2 + 2
    hashes = np.empty(most, dtype=np.uint64)
    keys = np.empty(most, dtype=np.uint64)
    seen, _ = _scan_block(data, start, end, hashes, keys)
    hashes[seen], keys[seen] = last_word
    seen += 1
    rows = np.empty(seen * max(1, word_ngrams), dtype=np.int64)
    count = np.int64(0)
    for index in range(seen):
        slot = _find(keys[index], table)
        if slot >= 0:
            rows[count] = ids[slot]
            count += 1
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
    room = _BLOCK + model[5]
    space = (np.empty(room, dtype=np.uint64), np.empty(room, dtype=np.uint64), np.empty(room, dtype=np.int64))
    sums = np.zeros(len(outputs), dtype=np.float64)
    for document in range(len(offsets) - 1):
        start, end = offsets[document], offsets[document + 1]
        rows = _sum_logits(data, start, end, model, space, sums)
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
    end = np.frombuffer(END_OF_LINE, dtype=np.uint8)
    value, key = hash_word(end, 0, len(end))
    parts = (
        model.keys,
        model.keys.view(np.float32),
        model.ids,
        model.logits,
        model.words,
        model.word_ngrams,
        model.buckets,
        (np.uint64(np.int64(np.uint32(value).astype(np.int32))), np.uint64(key)),
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
            _, _, start, position = _next_word(data, position, end)
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
