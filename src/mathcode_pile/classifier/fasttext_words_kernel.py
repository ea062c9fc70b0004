"""Words as fastText reads them: where they start and end, their hashes, and the table of a model's vocabulary.

Words that fastText would take for a label (`__label__...`) or for the end of a line (`</s>`) are skipped.
"""

import numpy as np
import pyarrow as pa

from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import BLANK, FNV_PRIME, FNV_SEED, equals, is_space, text_buffers

LABEL_PREFIX, END_OF_LINE = "__label__", "</s>"
_LABEL_PREFIX, _END_OF_LINE = LABEL_PREFIX.encode(), END_OF_LINE.encode()
_FIRST_OF_LABEL, _FIRST_OF_END = _LABEL_PREFIX[0], _END_OF_LINE[0]

# fastText's hash: FNV-1a of 32 bits, over bytes that it takes as signed.
_HASH_SEED = np.uint32(2166136261)
_HASH_PRIME = np.uint32(16777619)
_SIGN_EXTENSION = np.uint32(0xFFFFFF00)
_LEAST_NEGATIVE_BYTE = 128
# Multiplying by this odd number (from the golden ratio) spreads keys over the table.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_NOT_FOUND = np.int64(-1)


@compiled
def hash_word(data, start, end):  # type: ignore[no-untyped-def]
    """Return fastText's 32-bit hash of a word, and a 64-bit key that is never 0.

    The key represents the word's bytes: an unknown word has the key of a known one at most once in 10^12 times.
    """
    value, key = _HASH_SEED, FNV_SEED
    for position in range(start, end):
        byte = np.uint32(data[position])
        key = (key ^ np.uint64(byte)) * FNV_PRIME
        if byte >= _LEAST_NEGATIVE_BYTE:
            byte |= _SIGN_EXTENSION
        value = np.uint32((value ^ byte) * _HASH_PRIME)
    return value, key | np.uint64(1)


@compiled
def widen_hash(value):  # type: ignore[no-untyped-def]
    """Return a word's hash as n-grams use it: as a signed number of 32 bits, extended to 64."""
    return np.uint64(np.int64(np.int32(value)))


@compiled
def _first_slot(key, mask):  # type: ignore[no-untyped-def]
    return np.int64((key * _SPREAD) >> np.uint64(32)) & mask


@compiled
def fill_slots(word_bytes, word_offsets, keys, ids):  # type: ignore[no-untyped-def]
    """Put the words, which follow one another in word_bytes, into an empty table: [slots, 2] keys and [slots] ids."""
    mask = np.int64(len(ids) - 1)
    for word in range(len(word_offsets) - 1):
        _, key = hash_word(word_bytes, word_offsets[word], word_offsets[word + 1])
        slot = _first_slot(key, mask)
        while ids[slot] >= 0:
            slot = (slot + 1) & mask
        keys[slot, 0] = key
        ids[slot] = word


@compiled
def find_slot(key, keys):  # type: ignore[no-untyped-def]
    """Return the slot of the word with a key, -1 where the vocabulary does not contain it."""
    mask = np.int64(len(keys) - 1)
    slot = _first_slot(key, mask)
    while True:
        found = keys[slot, 0]
        if found == key:
            return slot
        if found == 0:
            return _NOT_FOUND
        slot = (slot + 1) & mask


@compiled
def _is_reserved(data, start, end):  # type: ignore[no-untyped-def]
    """Tell whether fastText would take a word for a label or for the end of the line."""
    end_of_prefix = min(end, start + len(_LABEL_PREFIX))
    return equals(data, start, end, _END_OF_LINE) or equals(data, start, end_of_prefix, _LABEL_PREFIX)


@compiled
def next_word(data, position, end):  # type: ignore[no-untyped-def]
    """Return the hash, key, start and end of the next word that counts; start equals end where there is none."""
    while True:
        while position < end and is_space(data[position]):
            position += 1
        start = position
        # hash_word, done while the end of the word is looked for.
        value, key = _HASH_SEED, FNV_SEED
        while position < end:
            byte = np.uint32(data[position])
            if byte <= BLANK and is_space(byte):
                break
            key = (key ^ np.uint64(byte)) * FNV_PRIME
            if byte >= _LEAST_NEGATIVE_BYTE:
                byte |= _SIGN_EXTENSION
            value = np.uint32((value ^ byte) * _HASH_PRIME)
            position += 1
        # The first byte tells apart nearly all words that are not reserved.
        may_be_reserved = start < position and (data[start] == _FIRST_OF_END or data[start] == _FIRST_OF_LABEL)
        if not (may_be_reserved and _is_reserved(data, start, position)):
            return value, key | np.uint64(1), start, position


@compiled
def scan_block(data, position, end, hashes, keys):  # type: ignore[no-untyped-def]
    """Fill hashes (widened) and keys with those of the next words; return how many there are, and where they end.

    Fewer words than there is room for mean the end of the document.
    """
    count = np.int64(0)
    while count < len(hashes):
        value, key, start, position = next_word(data, position, end)
        if start == position:
            break
        hashes[count] = widen_hash(value)
        keys[count] = key
        count += 1
    return count, position


@compiled
def _fill_joined(data, offsets, joined, bounds):  # type: ignore[no-untyped-def]
    count = np.int64(0)
    for row in range(len(offsets) - 1):
        bounds[row] = count
        position, end = offsets[row], offsets[row + 1]
        while True:
            _, _, start, position = next_word(data, position, end)
            if start == position:
                break
            if count > bounds[row]:
                joined[count] = BLANK
                count += 1
            for place in range(start, position):
                joined[count] = data[place]
                count += 1
    bounds[len(offsets) - 1] = count


def join_words(column: pa.Array) -> pa.Array:
    """Return each text as the line that fastText reads: its words, separated by single blanks.

    Training reads these lines, and score_texts gives the scores of these lines.
    """
    data, offsets = text_buffers(column)
    joined = np.empty(int(offsets[-1] - offsets[0]), dtype=np.uint8)
    bounds = np.zeros(len(offsets), dtype=np.int64)
    _fill_joined(data, offsets, joined, bounds)
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(joined[: bounds[-1]])]
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers)
