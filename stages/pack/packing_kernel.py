"""Pack pieces into rows by best-fit decreasing, and copy their tokens."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathcode_pile.kernels.compiled import compiled

NONE = -1
ONE = np.uint64(1)
WORD_BITS = 64


class Plan(NamedTuple):  # where each piece goes
    row: NDArray[np.int32]
    start: NDArray[np.int32]
    """[pieces] where the piece starts in its row."""
    rows: int


@compiled
def sort_by_length(lengths, longest):  # type: ignore[no-untyped-def]
    """Return the numbers of the pieces, the longest first; pieces of equal length keep their order."""
    places = np.zeros(longest + 2, np.int64)
    for length in lengths:
        places[longest - length + 1] += 1
    for shorter in range(longest + 1):
        places[shorter + 1] += places[shorter]
    order = np.empty(len(lengths), np.int32)
    for piece in range(len(lengths)):
        shorter = longest - lengths[piece]
        order[places[shorter]] = piece
        places[shorter] += 1
    return order


@compiled
def lowest_bit(word):  # type: ignore[no-untyped-def]
    """Return the place of the lowest bit of a word that is not 0."""
    place = 0
    for shift in (32, 16, 8, 4, 2, 1):
        if word & ((ONE << np.uint64(shift)) - ONE) == 0:
            word >>= np.uint64(shift)
            place += shift
    return place


@compiled
def fit_pieces(lengths, order, sequence_length, row, start):  # type: ignore[no-untyped-def]
    """Put each piece into the row with the least room that is enough; return the number of rows.

    Rows with equal room form a stack: head[room] is its top, below[row] the next one. A bit for each room tells
    whether its stack has a row. So a piece takes a few steps, whatever the number of rows.
    """
    head = np.full(sequence_length + 1, NONE, np.int32)
    words = (sequence_length + WORD_BITS) // WORD_BITS
    bits = np.zeros(words, np.uint64)
    below = np.empty(1024, np.int32)
    rows = 0
    for piece in order:
        length = lengths[piece]
        word = length // WORD_BITS
        lower = np.uint64(length % WORD_BITS)  # the bits of too little room
        found = bits[word] >> lower << lower
        while found == 0 and word + 1 < words:
            word += 1
            found = bits[word]
        if found == 0:
            room, chosen = sequence_length, rows
            rows += 1
            if rows > len(below):
                below = np.concatenate((below, np.empty_like(below)))
        else:
            room = word * WORD_BITS + lowest_bit(found)
            chosen = head[room]
            head[room] = below[chosen]
            if head[room] == NONE:
                bits[room // WORD_BITS] &= ~(ONE << np.uint64(room % WORD_BITS))
        row[piece] = chosen
        start[piece] = sequence_length - room
        left = room - length
        if left > 0:
            below[chosen] = head[left]
            head[left] = chosen
            bits[left // WORD_BITS] |= ONE << np.uint64(left % WORD_BITS)
    return rows


def pack_pieces(lengths: NDArray[np.int32], sequence_length: int) -> Plan:
    """Assign pieces to rows by best-fit decreasing.

    lengths: [pieces] tokens of each piece, from 1 to sequence_length. No piece is cut.
    Raises ValueError where a length is out of range.
    Source: Ding et al. 2024, arXiv:2404.10830, section 3.
    """
    if len(lengths) and not (lengths.min() > 0 and lengths.max() <= sequence_length):
        raise ValueError(f"lengths from {lengths.min()} to {lengths.max()}, a row has {sequence_length} tokens")
    row, start = np.empty(len(lengths), np.int32), np.empty(len(lengths), np.int32)
    order = sort_by_length(lengths, sequence_length)
    return Plan(row, start, int(fit_pieces(lengths, order, sequence_length, row, start)))


@compiled
def copy_runs(source, source_starts, lengths, target, target_starts):  # type: ignore[no-untyped-def]
    """Copy runs of source to their places in target."""
    for run in range(len(lengths)):
        origin, goal = source_starts[run], target_starts[run]
        for place in range(lengths[run]):
            target[goal + place] = source[origin + place]
