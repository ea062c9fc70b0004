"""Cut texts into pre-tokens, the pieces that a byte-level tokenizer encodes one by one, and number the distinct ones.

There are three styles of cutting, each a regular expression written out as code: GPT-2's, GPT-2's after each digit was
cut off (SmolLM2's), and Llama-3's.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import BLANK, FNV_PRIME, FNV_SEED, Bytes, Hashes, Offsets, decode, equals, mix

GPT2, DIGITS_APART, LLAMA3 = range(3)

OTHER, LETTER, NUMBER, SPACE, NEWLINE = range(5)
END = -1
CODE_POINTS = 0x40000  # the planes that hold letters, numbers and white space
END_OF_ASCII = 0x80

APOSTROPHE = ord("'")
LOWER_CASE = 0x20  # the bit that distinguishes a lower-case ASCII letter
# The contractions 's, 't, 'm, 'd; 're, 've; 'll. Without regard to case, the long s counts as an s.
ENDINGS_OF_ONE = tuple(b"stmd")
BEFORE_E = tuple(b"rv")
E, L = b"el"
LONG_S = "ſ".encode()


class Known(NamedTuple):  # the distinct pre-tokens so far
    keys: Hashes
    """[table] hashes, 0 where free; the size of the table is a power of two."""
    numbers: NDArray[np.int32]
    """[table] the number of the pre-token with this hash."""
    data: Bytes
    """The bytes of all pre-tokens, one after another."""
    bounds: Offsets
    """[half the table + 1] where each pre-token starts in data, then where the last one ends."""


def make_known(room: int) -> Known:
    """Return an empty table with room for `room` pre-tokens (a power of two) of 16 bytes each."""
    keys, numbers = np.zeros(2 * room, np.uint64), np.empty(2 * room, np.int32)
    return Known(keys, numbers, np.empty(16 * room, np.uint8), np.zeros(room + 1, np.int64))


@compiled
def _look(data, position, end, classes):  # type: ignore[no-untyped-def]
    """Return the class of the character at a position (END after the last one), and its length in bytes."""
    if position >= end:
        return np.int64(END), np.int64(0)
    if data[position] < END_OF_ASCII:
        return np.int64(classes[data[position]]), np.int64(1)
    point, length = decode(data, position, end)
    return (np.int64(classes[point]) if point < len(classes) else np.int64(OTHER)), length


@compiled
def _end_run(data, position, end, classes, kind, most):  # type: ignore[no-untyped-def]
    """Return where a run of characters of one class ends; it has at most `most` characters."""
    for _ in range(most):
        found, length = _look(data, position, end, classes)
        if found != kind:
            break
        position += length
    return position


@compiled
def _end_contraction(data, position, end, fold):  # type: ignore[no-untyped-def]
    """Return where a contraction that starts here ends, `position` where none starts.

    fold: LOWER_CASE where case does not count, else 0.
    """
    if position + 1 < end and data[position] == APOSTROPHE:
        first = data[position + 1] | fold
        if first in ENDINGS_OF_ONE:
            return position + 2
        if position + 2 < end:
            second = data[position + 2] | fold
            if (second == E and first in BEFORE_E) or first == second == L:
                return position + 3
            if fold and equals(data, position + 1, position + 3, LONG_S):
                return position + 3
    return position


@compiled
def _end_white_space(data, position, end, classes, style):  # type: ignore[no-untyped-def]
    """Return where a pre-token of white space ends.

    In Llama-3's style it ends after the last line break of the run, if there is one. Otherwise the last character of
    the run belongs to what follows it, unless it is the only one or nothing follows.
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
    after = _end_contraction(data, position, end, LOWER_CASE if style == LLAMA3 else 0)
    if after > position:
        return after
    kind, length = _look(data, position, end, classes)
    if kind == NUMBER and style != GPT2:
        return _end_run(data, position, end, classes, NUMBER, 3 if style == LLAMA3 else 1)
    following, _ = _look(data, position + length, end, classes)
    if data[position] == BLANK:
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
    """Return the place of a pre-token in the table (a free one where the pre-token is new), and its hash."""
    value = FNV_SEED
    for position in range(start, end):
        value = (value ^ np.uint64(data[position])) * FNV_PRIME
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
    """Number the pre-tokens of texts, from a row on: fill numbers, and bounds with where each row's numbers end.

    New pre-tokens are added to known, which already contains `count`. Returns the first row that was not numbered
    because known is full, and the new count.
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
    """Copy all pre-tokens to a larger table; they keep their numbers."""
    new.bounds[: count + 1] = old.bounds[: count + 1]
    new.data[: old.bounds[count]] = old.data[: old.bounds[count]]
    for number in range(count):
        place, value = _place(new.data, new.bounds[number], new.bounds[number + 1], new)
        new.keys[place], new.numbers[place] = value, number


@compiled
def gather_ids(numbers, bounds, ids, id_bounds, first, last, out, offsets):  # type: ignore[no-untyped-def]
    """Fill out with the ids of texts, each text between `first` (none if negative) and `last`; offsets: their ends."""
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
