"""Words of normalised text and their hashes, read from Arrow buffers.

Words are runs of letters and digits of any script. Case, accents, width and mathematical alphabets are folded away.
Everything else separates words. Each ideograph is a word of its own.
Not covered: foldings to several letters; a ligature counts as one letter.
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

# The first two planes hold nearly all letters. The next two hold ideographs, each a word of its own.
CODE_POINTS = 0x20000
END_OF_IDEOGRAPHS = 0x40000
SEPARATOR = 0
MARK = -1  # a combining mark: skipped, it does not end a word
ALONE = 1 << 24  # added to the folded code point of a character that is a word of its own
REPLACEMENT = 0xFFFD  # Unicode's character for bytes that are not UTF-8
BLANK = ord(" ")

# FNV-1a of 64 bits.
FNV_SEED = np.uint64(0xCBF29CE484222325)
FNV_PRIME = np.uint64(0x100000001B3)
# The base of the polynomial that hashes a sequence of words: odd, from the golden ratio.
NGRAM_BASE = np.uint64(0x9E3779B97F4A7C15)

_NUL, _TAB, _CARRIAGE_RETURN = ord("\0"), ord("\t"), ord("\r")


@cache
def fold_table() -> NDArray[np.int32]:
    """[CODE_POINTS] what each code point counts as: SEPARATOR, MARK, or its folded code point (plus ALONE)."""
    table = np.zeros(CODE_POINTS, dtype=np.int32)
    for point in range(CODE_POINTS):
        character = chr(point)
        category = unicodedata.category(character)
        if category[0] == "M":
            table[point] = MARK
        elif category[0] in "LN":
            base = [c for c in unicodedata.normalize("NFKD", character) if unicodedata.category(c)[0] != "M"]
            folded = (base[0] if len(base) == 1 else character).lower()[0]
            table[point] = ord(folded) + (ALONE if _is_ideograph(folded) else 0)
    table.flags.writeable = False
    return table


def _is_ideograph(character: str) -> bool:
    """Tell whether a character is a word of its own: kana, CJK ideographs and what Unicode has between them."""
    point = ord(character)
    return unicodedata.category(character) == "Lo" and (0x3040 <= point < 0xAC00 or 0xF900 <= point < 0xFB00)


def text_buffers(column: pa.Array) -> tuple[Bytes, Offsets]:
    """Return the bytes and the [rows + 1] offsets of a column of text, without copying the bytes.

    A null counts as an empty text. The bytes are valid only while the column exists.
    Raises InputError where the column does not hold text.
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
    """Let every bit of a 64-bit value influence all others (MurmurHash3's last step)."""
    value = np.uint64(value)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> np.uint64(33)
    return value


@compiled
def equals(data, start, end, word):  # type: ignore[no-untyped-def]
    """Tell whether data[start:end] are the bytes of a word."""
    same = 0
    while same < len(word) and start + same < end and data[start + same] == word[same]:
        same += 1
    return same == len(word) == end - start


@compiled
def decode(data, position, end):  # type: ignore[no-untyped-def]
    """Return the code point at a byte that is not ASCII, and its length in bytes; REPLACEMENT where it is not UTF-8."""
    first = np.int64(data[position])
    if first >= 0xF0:
        length, point = 4, first & 0x07
    elif first >= 0xE0:
        length, point = 3, first & 0x0F
    elif first >= 0xC0:
        length, point = 2, first & 0x1F
    else:
        return np.int64(REPLACEMENT), np.int64(1)
    if position + length > end:
        return np.int64(REPLACEMENT), np.int64(1)
    for further in range(1, length):
        byte = np.int64(data[position + further])
        if byte & 0xC0 != 0x80:
            return np.int64(REPLACEMENT), np.int64(1)
        point = (point << 6) | (byte & 0x3F)
    return point, np.int64(length)


@compiled
def fold(data, position, end, table):  # type: ignore[no-untyped-def]
    """Return what the character at a position counts as (see fold_table), and its length in bytes."""
    byte = data[position]
    if byte < 0x80:
        return np.int64(table[byte]), np.int64(1)
    point, length = decode(data, position, end)
    if point < CODE_POINTS:
        return np.int64(table[point]), length
    return (point + ALONE if point < END_OF_IDEOGRAPHS else np.int64(SEPARATOR)), length


@compiled
def scan_word(data, position, end, table):  # type: ignore[no-untyped-def]
    """Return the hash, the start and the end of the next word; start equals end where there is none."""
    folded, length = np.int64(SEPARATOR), np.int64(0)
    while position < end:
        folded, length = fold(data, position, end, table)
        if folded > 0:
            break
        position += length
    start = position
    value = FNV_SEED
    while position < end and folded != SEPARATOR:
        if folded >= ALONE:
            if position == start:
                value = (value ^ np.uint64(folded)) * FNV_PRIME
                position += length
            break
        if folded > 0:
            value = (value ^ np.uint64(folded)) * FNV_PRIME
        position += length
        if position < end:
            folded, length = fold(data, position, end, table)
    return mix(value), start, position


@compiled
def is_space(byte):  # type: ignore[no-untyped-def]
    """Tell whether fastText separates words at a byte: blank, tab, line feed, page ends, carriage return, NUL."""
    return byte in (BLANK, _NUL) or _TAB <= byte <= _CARRIAGE_RETURN


@compiled
def _fill_texts(data, offsets, first, second):  # type: ignore[no-untyped-def]
    for row in range(len(offsets) - 1):
        one, two = FNV_SEED, NGRAM_BASE
        is_within = False
        is_pending = False
        for position in range(offsets[row], offsets[row + 1]):
            byte = data[position]
            if is_space(byte):
                is_pending = is_within
                continue
            if is_pending:
                one = (one ^ np.uint64(BLANK)) * FNV_PRIME
                two = (two + np.uint64(BLANK) + np.uint64(1)) * NGRAM_BASE
                is_pending = False
            is_within = True
            one = (one ^ np.uint64(byte)) * FNV_PRIME
            two = (two + np.uint64(byte) + np.uint64(1)) * NGRAM_BASE
        first[row] = mix(one)
        second[row] = mix(two)


def text_hashes(column: pa.Array) -> tuple[Hashes, Hashes]:
    """Return two independent [rows] 64-bit hashes of the texts; a run of white space counts as one blank."""
    data, offsets = text_buffers(column)
    first, second = np.empty(len(column), dtype=np.uint64), np.empty(len(column), dtype=np.uint64)
    _fill_texts(data, offsets, first, second)
    return first, second
