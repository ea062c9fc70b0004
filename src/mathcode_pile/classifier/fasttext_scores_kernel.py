"""Score texts as the fastText library does, without the library: words, n-grams, probabilities of the labels.

A label's logit is the mean of some rows of the input matrix, times the label's row of the output matrix. The product
of each row with each output row is computed once (`Lookup.logits`), so a document costs a few additions a word. The
library rounds to float32 in a fixed order and reads the sigmoid from a table of 512 steps. A document whose logit is
near a step is computed again in exactly the library's order.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.classifier.fasttext_file import Model
from mathcode_pile.classifier.fasttext_words_kernel import find_slot, scan_block
from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import text_buffers

_NGRAM_PRIME = np.uint64(116049371)  # fastText's
# From this divisor on, the quotient computed in floating point is wrong by less than 2, which _modulo corrects.
_LEAST_DIVISOR = 8192
_BLOCK = 2048  # words that are scanned, looked up and added up at once
# The rounding of the library counts in the scores of documents with more rows, so its order is always used for them.
_MOST_ROWS = 50_000
# The library's sigmoid: a table of 512 steps from -8 to 8.
_STEPS, _BOUND = 512, 8.0
_STEPS_PER_UNIT = 32.0
_GRID = np.arange(_STEPS + 1, dtype=np.float32) * np.float32(2 * _BOUND) / np.float32(_STEPS) - np.float32(_BOUND)
_SIGMOID = (1.0 / (1.0 + np.exp(-_GRID).astype(np.float64))).astype(np.float32)
# Columns of Lookup.slot_logits.
_FIRST_LOGIT, _SECOND_LOGIT = 2, 3


@compiled
def _modulo(value, divisor, inverse):  # type: ignore[no-untyped-def]
    """Return value % divisor; dividing 64-bit integers would take longer than all other work on a word."""
    quotient = np.uint64(np.float64(value) * inverse)
    rest = np.int64(value - quotient * np.uint64(divisor))
    if rest < 0:
        rest += divisor
    elif rest >= divisor:
        rest -= divisor
    return rest


@compiled
def _list_ngrams(hashes, first, stop, length, buckets, rows):  # type: ignore[no-untyped-def]
    """Set the buckets of the n-grams that end at the words from first to stop; return how many there are."""
    inverse = 1.0 / buckets
    for last in range(first, stop):
        gram = hashes[last - length + 1]
        for place in range(last - length + 2, last + 1):
            gram = gram * _NGRAM_PRIME + hashes[place]
        if buckets < _LEAST_DIVISOR:
            rows[last - first] = np.int64(gram % np.uint64(buckets))
        else:
            rows[last - first] = _modulo(gram, buckets, inverse)
    return max(0, stop - first)


@compiled
def _add_words(lookup, keys, count, sums):  # type: ignore[no-untyped-def]
    """Add the logits of the known words among `count` keys to sums; return how many are known."""
    found = np.int64(0)
    if len(sums) == 2:
        first, second = 0.0, 0.0
        for index in range(count):
            slot = find_slot(keys[index], lookup.keys)
            if slot >= 0:
                found += 1
                first += lookup.slot_logits[slot, _FIRST_LOGIT]
                second += lookup.slot_logits[slot, _SECOND_LOGIT]
        sums[0] += first
        sums[1] += second
    else:
        for index in range(count):
            slot = find_slot(keys[index], lookup.keys)
            if slot >= 0:
                found += 1
                for label in range(len(sums)):
                    sums[label] += lookup.logits[lookup.ids[slot], label]
    return found


@compiled
def _add_rows(logits, start, rows, count, sums):  # type: ignore[no-untyped-def]
    """Add the logits of `count` rows, numbered from `start`, to sums."""
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


@compiled
def _sum_logits(data, start, end, lookup, hashes, keys, rows, sums):  # type: ignore[no-untyped-def]
    """Add up the logits of a document's words and n-grams; return how many there are.

    hashes: room for a block and for the words before it that its first n-grams begin with; keys, rows: for a block.
    """
    carried = lookup.word_ngrams - 1
    sums[:] = 0.0
    total, seen = np.int64(0), np.int64(0)
    position = start
    is_last = False
    while not is_last:
        count, position = scan_block(data, position, end, hashes[carried : carried + _BLOCK], keys)
        is_last = count < _BLOCK
        if is_last:
            hashes[carried + count], keys[count] = lookup.end_hash, lookup.end_key
            count += 1
        total += _add_words(lookup, keys, count, sums)
        if lookup.buckets > 0:
            for length in range(2, lookup.word_ngrams + 1):
                # The document's first n-gram ends at its n-th word; a later block's first n-gram at its first word.
                first = carried + max(0, length - 1 - seen)
                made = _list_ngrams(hashes, first, carried + count, length, lookup.buckets, rows)
                _add_rows(lookup.logits, lookup.words, rows, made, sums)
                total += made
        seen += count
        for place in range(carried):
            hashes[place] = hashes[count + place]
    return total


@compiled
def _list_rows(data, start, end, lookup):  # type: ignore[no-untyped-def]
    """[rows] the rows of a document's words, then of its n-grams, in the library's order."""
    most = (end - start) // 2 + 2
    hashes = np.empty(most, dtype=np.uint64)
    keys = np.empty(most, dtype=np.uint64)
    seen, _ = scan_block(data, start, end, hashes, keys)
    hashes[seen], keys[seen] = lookup.end_hash, lookup.end_key
    seen += 1
    rows = np.empty(seen * max(1, lookup.word_ngrams), dtype=np.int64)
    count = np.int64(0)
    for index in range(seen):
        slot = find_slot(keys[index], lookup.keys)
        if slot >= 0:
            rows[count] = lookup.ids[slot]
            count += 1
    if lookup.buckets > 0:
        for index in range(seen):
            gram = hashes[index]
            for further in range(index + 1, min(seen, index + lookup.word_ngrams)):
                gram = gram * _NGRAM_PRIME + hashes[further]
                rows[count] = lookup.words + np.int64(gram % np.uint64(lookup.buckets))
                count += 1
    return rows[:count]


@compiled
def _exact_logits(rows, matrix, outputs, sums):  # type: ignore[no-untyped-def]
    """Set the logits as the library rounds them: in float32, row after row, column after column."""
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
    """Tell whether a logit is so near a step of the sigmoid's table that rounding may move it over the step."""
    for logit in sums:
        place = (logit + _BOUND) * _STEPS_PER_UNIT
        if abs(place - np.floor(place + 0.5)) < margin * _STEPS_PER_UNIT and abs(logit) < _BOUND + 0.1:
            return True
    return False


@compiled
def _set_probabilities(sums, is_one_vs_all, scores):  # type: ignore[no-untyped-def]
    """Set the labels' probabilities from their logits."""
    if is_one_vs_all:
        for label in range(len(sums)):
            logit = np.float32(sums[label])
            if logit < -_BOUND:
                scores[label] = 0.0
            elif logit > _BOUND:
                scores[label] = 1.0
            else:
                scores[label] = _SIGMOID[np.int64((logit + np.float32(_BOUND)) * np.float32(_STEPS_PER_UNIT))]
    else:
        highest = max(sums)
        total = 0.0
        for label in range(len(sums)):
            total += np.exp(sums[label] - highest)
        for label in range(len(sums)):
            scores[label] = np.exp(sums[label] - highest) / total
    for label in range(len(sums)):
        # The library returns exp(log(p + 1e-5)), at most 1.
        scores[label] = min(1.0, scores[label] + 1e-5)


@compiled
def _fill_scores(data, offsets, lookup, matrix, outputs, is_one_vs_all, scores):  # type: ignore[no-untyped-def]
    room = _BLOCK + lookup.word_ngrams
    hashes, keys = np.empty(room, dtype=np.uint64), np.empty(room, dtype=np.uint64)
    ngram_rows = np.empty(room, dtype=np.int64)
    sums = np.zeros(len(outputs), dtype=np.float64)
    for document in range(len(offsets) - 1):
        start, end = offsets[document], offsets[document + 1]
        rows = _sum_logits(data, start, end, lookup, hashes, keys, ngram_rows, sums)
        if rows == 0:
            scores[document] = 0.0
            continue
        sums /= rows
        # The error of float32 after this many additions; measured: 1e-6 at 170 rows, 1e-4 at 17,000.
        margin = 2e-6 * (1.0 + np.sqrt(rows))
        if rows > _MOST_ROWS or (_is_near_step(sums, margin) if is_one_vs_all else margin > 1e-4):
            _exact_logits(_list_rows(data, start, end, lookup), matrix, outputs, sums)
        _set_probabilities(sums, is_one_vs_all, scores[document])


def score_texts(model: Model, column: pa.Array) -> NDArray[np.float32]:
    """[rows, labels] the library's probabilities for each text of a column, read as one line (see join_words).

    A text without a known word or n-gram scores 0, where the library predicts nothing.
    """
    data, offsets = text_buffers(column)
    scores = np.zeros((len(offsets) - 1, len(model.labels)), dtype=np.float32)
    _fill_scores(data, offsets, model.lookup, model.rows, model.outputs, model.is_one_vs_all, scores)
    return scores
