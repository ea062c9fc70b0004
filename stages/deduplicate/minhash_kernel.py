"""MinHash signatures of word n-grams, and the duplicates among them, over numpy arrays.

A signature holds 16 bits of each minimum: two unlike minima agree once in 65,536 times, far below the
estimate's own error, and a document takes half the memory.
Source: Broder 1997; b-bit minima: Li and Koenig 2010, arXiv:0910.3349.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import _BASE, fold_table, mix, power, scan_word, text_buffers

Signatures = NDArray[np.uint16]
Permutations = NDArray[np.uint32]

_MOST = np.uint32(0xFFFFFFFF)
_BLOCK = 256  # shingles permuted at once
# In a bucket, and in a cluster, a document is compared with at most so many others that are unlike each other.
_MOST_LEADERS = 1024


def permutations(count: int, seed: int) -> Permutations:
    """[2, count] odd factors and summands of as many permutations of 32-bit values."""
    drawn = np.random.default_rng(seed).integers(0, 1 << 32, size=(2, count), dtype=np.uint32)
    drawn[0] |= np.uint32(1)
    return drawn


@compiled
def _lower_minima(values, count, factors, summands, minima):  # type: ignore[no-untyped-def]
    # Values within, permutations without: so the loop runs over many values at once.
    for index in range(len(minima)):
        factor, summand, lowest = factors[index], summands[index], minima[index]
        for place in range(count):
            lowest = min(lowest, np.uint32(np.uint32(factor * values[place]) + summand))
        minima[index] = lowest


@compiled
def _fill_signatures(data, offsets, table, length, factors, summands, signatures, words):  # type: ignore[no-untyped-def]
    minima = np.empty(len(factors), dtype=np.uint32)
    recent = np.zeros(length, dtype=np.uint64)
    waiting = np.empty(_BLOCK, dtype=np.uint32)
    leading = power(length)
    for row in range(len(offsets) - 1):
        minima[:] = _MOST
        position, end = offsets[row], offsets[row + 1]
        value = np.uint64(0)
        count, place, held = 0, 0, 0
        while True:
            word, start, position = scan_word(data, position, end, table)
            if start == position:
                break
            value = value * _BASE + word
            if count >= length:
                value -= recent[place] * leading
            recent[place] = word
            place = place + 1 if place + 1 < length else 0
            count += 1
            if count >= length:
                waiting[held] = np.uint32(mix(value) >> np.uint64(32))
                held += 1
                if held == _BLOCK:
                    _lower_minima(waiting, held, factors, summands, minima)
                    held = 0
        if 0 < count < length:
            waiting[held] = np.uint32(mix(value) >> np.uint64(32))
            held += 1
        _lower_minima(waiting, held, factors, summands, minima)
        words[row] = count
        for index in range(len(minima)):
            signatures[row, index] = np.uint16(minima[index] & np.uint32(0xFFFF))


def sign_texts(column: pa.Array, ngram: int, drawn: Permutations) -> tuple[Signatures, NDArray[np.int64]]:
    """Return the [rows, permutations] signatures of a text column's word n-grams, and its [rows] counts of words.

    A text of fewer words than an n-gram has one shingle, of all its words; a text without words has none.
    """
    data, offsets = text_buffers(column)
    signatures = np.empty((len(column), drawn.shape[1]), dtype=np.uint16)
    words = np.empty(len(column), dtype=np.int64)
    _fill_signatures(data, offsets, fold_table(), ngram, drawn[0], drawn[1], signatures, words)
    return signatures, words


@compiled
def count_equal(signatures, one, other):  # type: ignore[no-untyped-def]
    """Return in how many places the signatures of two rows agree."""
    equal = np.int64(0)
    for index in range(signatures.shape[1]):
        equal += signatures[one, index] == signatures[other, index]
    return equal


@compiled
def band_hashes(signatures, rows, first, width):  # type: ignore[no-untyped-def]
    """[rows] hashes of `width` places of the signatures from place `first` on."""
    hashes = np.empty(len(rows), dtype=np.uint64)
    for index in range(len(rows)):
        value = np.uint64(first)
        for place in range(first, first + width):
            value = mix(value * _BASE + np.uint64(signatures[rows[index], place]))
        hashes[index] = value
    return hashes


@compiled
def _find_root(parents, row):  # type: ignore[no-untyped-def]
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


@compiled
def unite_bucketed(signatures, hashes, order, rows, least_equal, parents):  # type: ignore[no-untyped-def]
    """Unite the rows that fall into one bucket of a band and agree in at least so many places.

    order: [rows] sorts hashes, rows of equal hash staying in their order. Within a bucket each row is compared
    with the leaders: rows which none before them resembled.
    """
    leaders = np.empty(_MOST_LEADERS, dtype=np.int64)
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and hashes[order[stop]] == hashes[order[start]]:
            stop += 1
        count = 0
        for place in range(start, stop):
            row = rows[order[place]]
            is_led = False
            for index in range(count):
                root, other = _find_root(parents, row), _find_root(parents, leaders[index])
                if root == other:
                    is_led = True
                    break
                if count_equal(signatures, row, leaders[index]) >= least_equal:
                    parents[max(root, other)] = min(root, other)
                    is_led = True
                    break
            if not is_led and count < _MOST_LEADERS:
                leaders[count] = row
                count += 1
        start = stop


@compiled
def find_roots(parents):  # type: ignore[no-untyped-def]
    """[rows] the lowest row of each row's cluster."""
    roots = np.empty(len(parents), dtype=np.int64)
    for row in range(len(parents)):
        roots[row] = _find_root(parents, row)
    return roots


@compiled
def choose_survivors(signatures, members, bounds, least_equal, survivors):  # type: ignore[no-untyped-def]
    """Set the survivor of each member of each cluster; a member that stays is its own.

    members: rows, cluster after cluster, the better first; bounds: [clusters + 1]. A member goes only where it
    agrees with one that stays in at least so many places, so that no chain of small changes carries it off.
    """
    kept = np.empty(_MOST_LEADERS, dtype=np.int64)
    for cluster in range(len(bounds) - 1):
        count = 0
        for place in range(bounds[cluster], bounds[cluster + 1]):
            row = members[place]
            survivors[row] = row
            best = least_equal - 1
            for index in range(count):
                equal = count_equal(signatures, row, kept[index])
                if equal > best:
                    best = equal
                    survivors[row] = kept[index]
            if survivors[row] == row and count < _MOST_LEADERS:
                kept[count] = row
                count += 1
