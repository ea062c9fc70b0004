"""MinHash signatures of token n-grams and of numbers, and the duplicates among them.

A token is a word, a number, or an operator or relation of a formula: numbers and signs are what an exercise is about.
A second, shorter part of the signature is of the numbers alone, each with the sign before it.

A signature keeps 16 bits of each minimum. Two different minima agree by chance once in 65,536 times, far less than the
estimate's own error, and a document takes half the memory.
Source: Broder 1997; b-bit minima: Li and Koenig 2010, arXiv:0910.3349.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import (
    ALONE,
    FNV_PRIME,
    FNV_SEED,
    NGRAM_BASE,
    SEPARATOR,
    decode,
    fold,
    fold_table,
    mix,
    text_buffers,
)

Signatures = NDArray[np.uint16]
Permutations = NDArray[np.uint32]

_HIGHEST = np.uint32(0xFFFFFFFF)
_LOW_16_BITS = np.uint32(0xFFFF)
# Minima of the numbers' part of a signature.
NUMBER_MINIMA = 96
# Operators and relations of ASCII; those of Unicode are the mathematical operators, and some before them.
_SIGNS = tuple(b"+-*/=<>^")
_UNICODE_SIGNS = (0xB1, 0xD7, 0xF7, 0x2212)
_FIRST_OPERATOR, _LAST_OPERATOR = 0x2200, 0x22FF
_HYPHEN, _MINUS = ord("-"), 0x2212
_ZERO, _NINE = b"09"
WORD, NUMBER, SIGN = range(3)
_BLOCK = 256  # shingles permuted at once
# In a bucket, and in a cluster, a document is compared with at most this many others, which differ from each other.
_MOST_LEADERS = 1024


def permutations(count: int, seed: int) -> Permutations:
    """[2, count] the odd factors and the summands of `count` permutations of 32-bit values."""
    drawn = np.random.default_rng(seed).integers(0, 1 << 32, size=(2, count), dtype=np.uint32)
    drawn[0] |= np.uint32(1)
    return drawn


@compiled
def _raise_base(exponent):  # type: ignore[no-untyped-def]
    """Return the base of the n-gram polynomial to a power, modulo 2^64."""
    value = np.uint64(1)
    for _ in range(exponent):
        value *= NGRAM_BASE
    return value


@compiled
def _lower_minima(values, count, factors, summands, minima):  # type: ignore[no-untyped-def]
    # The inner loop is over the values, so that the processor can do several of them at once.
    for index in range(len(minima)):
        factor, summand, lowest = factors[index], summands[index], minima[index]
        for place in range(count):
            lowest = min(lowest, np.uint32(np.uint32(factor * values[place]) + summand))
        minima[index] = lowest


@compiled
def _is_sign(point):  # type: ignore[no-untyped-def]
    return point in _SIGNS or point in _UNICODE_SIGNS or _FIRST_OPERATOR <= point <= _LAST_OPERATOR


@compiled
def scan_token(data, begin, position, end, table):  # type: ignore[no-untyped-def]
    """Return the hash, kind, start and end of the next token; start equals end where there is none.

    A number ends before a letter, as in 2x. A word may contain digits. A hyphen between two letters is no sign.
    """
    folded, length = np.int64(SEPARATOR), np.int64(1)
    while position < end:
        folded, length = fold(data, position, end, table)
        if folded > 0:
            break
        if folded == SEPARATOR:
            point = np.int64(data[position])
            if point >= 0x80:
                point, length = decode(data, position, end)
            if _is_sign(point):
                if point != _HYPHEN:
                    return mix(np.uint64(point) * FNV_PRIME), SIGN, position, position + length
                is_within = position > begin and position + 1 < end
                if not (is_within and table[data[position - 1]] > _NINE and table[data[position + 1]] > _NINE):
                    return mix(np.uint64(_MINUS) * FNV_PRIME), SIGN, position, position + length
        position += length
    start, value = position, FNV_SEED
    is_number = _ZERO <= folded <= _NINE
    while position < end and folded != SEPARATOR:
        if folded > 0:
            if (folded >= ALONE or (is_number and not _ZERO <= folded <= _NINE)) and position > start:
                break
            value = (value ^ np.uint64(folded)) * FNV_PRIME
        position += length
        if folded >= ALONE:
            break
        if position < end:
            folded, length = fold(data, position, end, table)
    return mix(value), NUMBER if is_number else WORD, start, position


@compiled
def _fill_signatures(data, offsets, table, length, factors, summands, shingles, signatures, words):  # type: ignore[no-untyped-def]
    minima = np.empty(len(factors), dtype=np.uint32)
    recent = np.zeros(length, dtype=np.uint64)
    waiting, numbers = np.empty(_BLOCK, dtype=np.uint32), np.empty(_BLOCK, dtype=np.uint32)
    leading = _raise_base(length)
    for row in range(len(offsets) - 1):
        minima[:] = _HIGHEST
        position, end = offsets[row], offsets[row + 1]
        value, sign = np.uint64(0), np.uint64(0)
        count, place, held, found, signs = 0, 0, 0, 0, 0
        while True:
            token, kind, start, position = scan_token(data, offsets[row], position, end, table)
            if start == position:
                break
            if kind == NUMBER or (kind == WORD and sign != 0):
                # A term's sign is content too, where a letter follows it.
                content = token if kind == NUMBER else np.uint64(0)
                numbers[found] = np.uint32(mix(content * NGRAM_BASE + sign) >> np.uint64(32))
                found += 1
                if found == _BLOCK:
                    _lower_minima(numbers, found, factors[shingles:], summands[shingles:], minima[shingles:])
                    found = 0
            signs += kind == SIGN
            sign = token if kind == SIGN else np.uint64(0)
            value = value * NGRAM_BASE + token
            if count >= length:
                value -= recent[place] * leading
            recent[place] = token
            place = place + 1 if place + 1 < length else 0
            count += 1
            if count >= length:
                waiting[held] = np.uint32(mix(value) >> np.uint64(32))
                held += 1
                if held == _BLOCK:
                    _lower_minima(waiting, held, factors[:shingles], summands[:shingles], minima[:shingles])
                    held = 0
        if 0 < count < length:
            waiting[held] = np.uint32(mix(value) >> np.uint64(32))
            held += 1
        _lower_minima(waiting, held, factors[:shingles], summands[:shingles], minima[:shingles])
        _lower_minima(numbers, found, factors[shingles:], summands[shingles:], minima[shingles:])
        words[row] = count if count > signs else 0
        for index in range(len(minima)):
            signatures[row, index] = np.uint16(minima[index] & _LOW_16_BITS)


def sign_texts(column: pa.Array, ngram: int, drawn: Permutations) -> tuple[Signatures, NDArray[np.int64]]:
    """Return the [rows, permutations] signatures of the texts, and the [rows] numbers of tokens.

    The last NUMBER_MINIMA places are of the texts' numbers. A text with fewer tokens than an n-gram has one shingle,
    made of all its tokens. A text of signs alone counts as one without tokens, which has none.
    """
    data, offsets = text_buffers(column)
    signatures = np.empty((len(column), drawn.shape[1]), dtype=np.uint16)
    words = np.empty(len(column), dtype=np.int64)
    shingles = drawn.shape[1] - NUMBER_MINIMA
    _fill_signatures(data, offsets, fold_table(), ngram, drawn[0], drawn[1], shingles, signatures, words)
    return signatures, words


@compiled
def _count_equal(signatures, one, other, least_numbers):  # type: ignore[no-untyped-def]
    """Return in how many places the shingles' part of two rows agrees; 0 if their numbers agree in too few."""
    shingles = signatures.shape[1] - NUMBER_MINIMA
    numbers = np.int64(0)
    for index in range(shingles, signatures.shape[1]):
        numbers += signatures[one, index] == signatures[other, index]
    if numbers < least_numbers:
        return np.int64(0)
    equal = np.int64(0)
    for index in range(shingles):
        equal += signatures[one, index] == signatures[other, index]
    return equal


@compiled
def band_hashes(signatures, rows, first, width):  # type: ignore[no-untyped-def]
    """[rows] hashes of `width` places of the signatures, from place `first` on."""
    hashes = np.empty(len(rows), dtype=np.uint64)
    for index in range(len(rows)):
        value = np.uint64(first)
        for place in range(first, first + width):
            value = mix(value * NGRAM_BASE + np.uint64(signatures[rows[index], place]))
        hashes[index] = value
    return hashes


@compiled
def _find_root(parents, row):  # type: ignore[no-untyped-def]
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


@compiled
def unite_bucketed(signatures, hashes, order, rows, least_equal, least_numbers, parents):  # type: ignore[no-untyped-def]
    """Unite rows that share a bucket of a band and agree in `least_equal` places, and `least_numbers` of the numbers.

    order: [rows] sorts hashes; rows with the same hash keep their order. Within a bucket each row is compared with
    the leaders only: the rows that resembled no row before them.
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
                if _count_equal(signatures, row, leaders[index], least_numbers) >= least_equal:
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
def choose_survivors(signatures, members, bounds, least_equal, least_numbers, survivors):  # type: ignore[no-untyped-def]
    """Set the survivor of each member of each cluster; a member that stays is its own survivor.

    members: rows, one cluster after another, the best first in each; bounds: [clusters + 1]. A member is dropped only
    if it agrees in at least `least_equal` places with a member that stays: a chain of small changes alone drops none.
    """
    kept = np.empty(_MOST_LEADERS, dtype=np.int64)
    for cluster in range(len(bounds) - 1):
        count = 0
        for place in range(bounds[cluster], bounds[cluster + 1]):
            row = members[place]
            survivors[row] = row
            best = least_equal - 1
            for index in range(count):
                equal = _count_equal(signatures, row, kept[index], least_numbers)
                if equal > best:
                    best = equal
                    survivors[row] = kept[index]
            if survivors[row] == row and count < _MOST_LEADERS:
                kept[count] = row
                count += 1
