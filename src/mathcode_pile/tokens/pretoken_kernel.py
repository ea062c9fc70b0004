"""Cut texts into pre-tokens, the pieces a byte-level tokenizer encodes one by one, and number the distinct ones.

The cuts are those of three regular expressions, written out: GPT-2's, GPT-2's after each digit is set apart
(SmolLM2's), and Llama-3's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import _PRIME, _SEED, Bytes, Hashes, Offsets, decode, mix

GPT2, DIGITS_APART, LLAMA3 = range(3)

OTHER, LETTER, NUMBER, SPACE, NEWLINE = range(5)
END = -1
CODE_POINTS = 0x40000  # the planes that hold letters, numbers and white space


class Known(NamedTuple):  # the distinct pre-tokens so far, as the kernel keeps them
    keys: Hashes
    """[table] hashes, empty places 0; the table's size is a power of two."""
    numbers: NDArray[np.int32]
    """[table]"""
    data: Bytes
    """All of them, one after another."""
    bounds: Offsets
    """[half the table + 1] where each one starts in data, and the last one ends."""


def make_known(room: int) -> Known:
    """Return room for so many pre-tokens, a power of two, of 16 bytes each."""
    keys, numbers = np.zeros(2 * room, np.uint64), np.empty(2 * room, np.int32)
    return Known(keys, numbers, np.empty(16 * room, np.uint8), np.zeros(room + 1, np.int64))


@compiled
def _look(data, position, end, classes):  # type: ignore[no-untyped-def]
    """Return the class of the character at a position, END where there is none, and its bytes."""
    if position >= end:
        return np.int64(END), np.int64(0)
    if data[position] < 0x80:
        return np.int64(classes[data[position]]), np.int64(1)
    point, length = decode(data, position, end)
    return (np.int64(classes[point]) if point < len(classes) else np.int64(OTHER)), length


@compiled
def _end_run(data, position, end, classes, kind, most):  # type: ignore[no-untyped-def]
    """Return where a run of at most so many characters of one class ends."""
    for _ in range(most):
        found, length = _look(data, position, end, classes)
        if found != kind:
            break
        position += length
    return position


@compiled
def _end_contraction(data, position, end, fold):  # type: ignore[no-untyped-def]
    """Return where 's, 't, 'm, 'd, 're, 've or 'll ends; fold: 0x20 where case does not count, else 0."""
    if position + 1 < end and data[position] == 39:
        first = data[position + 1] | fold
        if first == 115 or first == 116 or first == 109 or first == 100:
            return position + 2
        if position + 2 < end:
            second = data[position + 2] | fold
            if (second == 101 and (first == 114 or first == 118)) or (second == 108 and first == 108):
                return position + 3
            if fold and data[position + 1] == 0xC5 and data[position + 2] == 0xBF:  # the long s
                return position + 3
    return position


@compiled
def _end_white_space(data, position, end, classes, style):  # type: ignore[no-untyped-def]
    """Return where a pre-token of white space ends: Llama-3's after the last line break of the run, if it has any.

    Else before the last character of the run, which goes with what follows it; a run of one stands alone.
    """
    start, last, line = position, position, position
    kind, length = _look(data, position, end, classes)
    while kind >= SPACE:
        last = position
        position += length
        if kind == NEWLINE:
            line = position
        kind, length = _look(data, position, end, classes)
    if style == LLAMA3 and line > start:
        return line
    is_followed = kind != END and not (style == DIGITS_APART and kind == NUMBER)
    return last if is_followed and last > start else position


@compiled
def end_pretoken(data, position, end, classes, style):  # type: ignore[no-untyped-def]
    """Return where the pre-token that starts at a position ends."""
    after = _end_contraction(data, position, end, 0x20 if style == LLAMA3 else 0)
    if after > position:
        return after
    kind, length = _look(data, position, end, classes)
    if kind == NUMBER and style != GPT2:
        return _end_run(data, position, end, classes, NUMBER, 3 if style == LLAMA3 else 1)
    following, _ = _look(data, position + length, end, classes)
    if data[position] == 32:
        leads = following in (LETTER, OTHER) or (following == NUMBER and style == GPT2)
    else:
        leads = style == LLAMA3 and following == LETTER and kind in (OTHER, SPACE)
    if leads:
        position += length
        kind = following
    if kind >= SPACE:
        return _end_white_space(data, position, end, classes, style)
    position = _end_run(data, position, end, classes, kind, end)
    if style == LLAMA3 and kind == OTHER:
        position = _end_run(data, position, end, classes, NEWLINE, end)
    return position


@compiled
def _place(data, start, end, known):  # type: ignore[no-untyped-def]
    """Return the place in the table of the bytes from start to end, an empty one where they are new, and their hash."""
    value = _SEED
    for position in range(start, end):
        value = (value ^ np.uint64(data[position])) * _PRIME
    value = mix(value) | np.uint64(1)
    mask = np.uint64(len(known.keys) - 1)
    place = (value >> np.uint64(16)) & mask
    while known.keys[place] != 0:
        if known.keys[place] == value:
            origin = known.bounds[known.numbers[place]]
            if known.bounds[known.numbers[place] + 1] - origin == end - start:
                offset = 0
                while offset < end - start and known.data[origin + offset] == data[start + offset]:
                    offset += 1
                if offset == end - start:
                    break
        place = (place + np.uint64(1)) & mask
    return place, value


@compiled
def number_pretokens(data, offsets, row, classes, style, known, count, numbers, bounds):  # type: ignore[no-untyped-def]
    """Put the number of each pre-token of texts, from a row on, into numbers, and where each row's end into bounds.

    New ones are added to known, of which count are taken. Returns the first row that is not done, for want of room
    in known, and the new count.
    """
    filled = bounds[row]
    while row < len(offsets) - 1:
        position, end = offsets[row], offsets[row + 1]
        while position < end:
            after = end_pretoken(data, position, end, classes, style)
            place, value = _place(data, position, after, known)
            if known.keys[place] == 0:
                origin = known.bounds[count]
                if count + 1 == len(known.bounds) or origin + after - position > len(known.data):
                    return row, count
                known.data[origin : origin + after - position] = data[position:after]
                known.keys[place], known.numbers[place] = value, count
                count += 1
                known.bounds[count] = origin + after - position
            numbers[filled] = known.numbers[place]
            filled += 1
            position = after
        row += 1
        bounds[row] = filled
    return row, count


@compiled
def enter_known(old, count, new):  # type: ignore[no-untyped-def]
    """Copy pre-tokens, numbers and all, to a larger table."""
    new.bounds[: count + 1] = old.bounds[: count + 1]
    new.data[: old.bounds[count]] = old.data[: old.bounds[count]]
    for number in range(count):
        place, value = _place(new.data, new.bounds[number], new.bounds[number + 1], new)
        new.keys[place], new.numbers[place] = value, number


@compiled
def gather_ids(numbers, bounds, ids, id_bounds, first, last, out, offsets):  # type: ignore[no-untyped-def]
    """Put the ids of texts into out, each between `first` (none where it is negative) and `last`, and their bounds."""
    filled = 0
    for row in range(len(bounds) - 1):
        if first >= 0:
            out[filled] = first
            filled += 1
        for index in range(bounds[row], bounds[row + 1]):
            number = numbers[index]
            for place in range(id_bounds[number], id_bounds[number + 1]):
                out[filled] = ids[place]
                filled += 1
        out[filled] = last
        filled += 1
        offsets[row + 1] = filled
