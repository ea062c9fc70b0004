"""Words of normalised text and their hashes, over Arrow buffers.

Normalised: letters and digits of any script, folded (case, accents, width and mathematical alphabets do
not count); everything else separates words. An ideograph is a word of its own.
Not covered: foldings to several letters (a ligature is one letter of its own).
"""

import unicodedata
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.core.errors import InputError
from mathcode_pile.kernels.compiled import compiled

Bytes = NDArray[np.uint8]
Offsets = NDArray[np.int64]
Hashes = NDArray[np.uint64]

CODE_POINTS = 0x20000  # the two planes that hold letters; ideographs beyond them are words of their own
SEPARATOR = 0
MARK = -1  # a combining mark: passed over, within a word
ALONE = 1 << 24  # added to what is a word of its own

_SEED = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
# The odd base of the polynomial over a word sequence; from the golden ratio.
_BASE = np.uint64(0x9E3779B97F4A7C15)


@cache
def fold_table() -> NDArray[np.int32]:
    """[CODE_POINTS] what each code point counts as: SEPARATOR, MARK, or a folded code point."""
    table = np.zeros(CODE_POINTS, dtype=np.int32)
    for point in range(CODE_POINTS):
        character = chr(point)
        category = unicodedata.category(character)
        if category[0] == "M":
            table[point] = MARK
        elif category[0] in "LN":
            base = [c for c in unicodedata.normalize("NFKD", character) if unicodedata.category(c)[0] != "M"]
            folded = (base[0] if len(base) == 1 else character).lower()[0]
            table[point] = ord(folded)
            if unicodedata.category(folded) == "Lo" and (
                0x3040 <= ord(folded) < 0xAC00 or 0xF900 <= ord(folded) < 0xFB00
            ):
                table[point] += ALONE
    table.flags.writeable = False
    return table


def text_buffers(column: pa.Array) -> tuple[Bytes, Offsets]:
    """Return the bytes and the [rows + 1] offsets of a string or large_string column, without copying the bytes.

    A null is an empty text. The bytes live as long as the column does.
    Raises InputError where the column holds no text.
    """
    is_wide = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    if not (is_wide or pa.types.is_string(column.type) or pa.types.is_binary(column.type)):
        raise InputError(f"a column of text holds {column.type}")
    if len(column) == 0:
        return np.empty(0, dtype=np.uint8), np.zeros(1, dtype=np.int64)
    width = np.int64 if is_wide else np.int32
    _, offset_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=width)[column.offset : column.offset + len(column) + 1]
    data = np.frombuffer(data_buffer, dtype=np.uint8) if data_buffer is not None else np.empty(0, dtype=np.uint8)
    return data, offsets.astype(np.int64)


@compiled
def mix(value):  # type: ignore[no-untyped-def]
    """Spread every bit of a 64-bit value over all of it (the end of MurmurHash3)."""
    value = np.uint64(value)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> np.uint64(33)
    return value


@compiled
def decode(data, position, end):  # type: ignore[no-untyped-def]
    """Return the code point at a position beyond ASCII and its bytes; bytes that are not UTF-8 count as U+FFFD."""
    first = np.int64(data[position])
    if first >= 0xF0:
        length, point = 4, first & 0x07
    elif first >= 0xE0:
        length, point = 3, first & 0x0F
    elif first >= 0xC0:
        length, point = 2, first & 0x1F
    else:
        return np.int64(0xFFFD), np.int64(1)
    if position + length > end:
        return np.int64(0xFFFD), np.int64(1)
    for further in range(1, length):
        byte = np.int64(data[position + further])
        if byte & 0xC0 != 0x80:
            return np.int64(0xFFFD), np.int64(1)
        point = (point << 6) | (byte & 0x3F)
    return point, np.int64(length)


@compiled
def fold(data, position, end, table):  # type: ignore[no-untyped-def]
    """Return what the character at a position counts as (see fold_table) and its bytes."""
    byte = data[position]
    if byte < 0x80:
        return np.int64(table[byte]), np.int64(1)
    point, length = decode(data, position, end)
    if point < CODE_POINTS:
        return np.int64(table[point]), length
    return (point + ALONE if point < 0x40000 else np.int64(SEPARATOR)), length


@compiled
def scan_word(data, position, end, table):  # type: ignore[no-untyped-def]
    """Return the hash, the start and the end of the next word at or after a position.

    Start and end are equal where there is no further word.
    """
    folded, length = np.int64(SEPARATOR), np.int64(0)
    while position < end:
        folded, length = fold(data, position, end, table)
        if folded > 0:
            break
        position += length
    start = position
    value = _SEED
    while position < end and folded != SEPARATOR:
        if folded >= ALONE:
            if position == start:
                value = (value ^ np.uint64(folded)) * _PRIME
                position += length
            break
        if folded > 0:
            value = (value ^ np.uint64(folded)) * _PRIME
        position += length
        if position < end:
            folded, length = fold(data, position, end, table)
    return mix(value), start, position


@compiled
def power(exponent):  # type: ignore[no-untyped-def]
    """Return the base of the n-gram polynomial to a power, modulo 2^64."""
    value = np.uint64(1)
    for _ in range(exponent):
        value *= _BASE
    return value


@compiled
def is_space(byte):  # type: ignore[no-untyped-def]
    """Tell whether a byte separates words for fastText: blank, tab, line and page ends, NUL."""
    return byte == 32 or (9 <= byte <= 13) or byte == 0


@compiled
def _fill_texts(data, offsets, first, second):  # type: ignore[no-untyped-def]
    for row in range(len(offsets) - 1):
        one, two = _SEED, _BASE
        is_within = False
        is_pending = False
        for position in range(offsets[row], offsets[row + 1]):
            byte = data[position]
            if is_space(byte):
                is_pending = is_within
                continue
            if is_pending:
                one = (one ^ np.uint64(32)) * _PRIME
                two = (two + np.uint64(33)) * _BASE
                is_pending = False
            is_within = True
            one = (one ^ np.uint64(byte)) * _PRIME
            two = (two + np.uint64(byte) + np.uint64(1)) * _BASE
        first[row] = mix(one)
        second[row] = mix(two)


def text_hashes(column: pa.Array) -> tuple[Hashes, Hashes]:
    """Return two independent [rows] 64-bit hashes of each text, its runs of white space taken as one blank."""
    data, offsets = text_buffers(column)
    first, second = np.empty(len(column), dtype=np.uint64), np.empty(len(column), dtype=np.uint64)
    _fill_texts(data, offsets, first, second)
    return first, second
