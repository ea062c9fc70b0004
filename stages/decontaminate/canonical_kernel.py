r"""Bring a text to the form in which questions are looked for: its letters and digits, and where words start.

The form is a stream of letters and digits alone: in lower case, compatibility forms and accents folded (NFKD), with
nothing between them. A word is a run of letters or a run of digits, so `2x` is two words, as `2 x` and `x²` are.
An apostrophe inside a word, and the separators of thousands, do not end it. What is the same in LaTeX and plain text
comes out the same: LaTeX's signs and layout are dropped (latex_names.py), and each Greek letter is a word, its name.
HTML tags and entities, escapes of JSON (`\n`, `\u2019`), addresses, pictures and drawings as code separate words.

Not covered: a sign that is a word in plain text, as `sqrt(2)` for the square root of 2.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import CODE_POINTS, FNV_PRIME, FNV_SEED, decode
from stages.decontaminate.canonical_tables import (
    AMPERSAND,
    APOSTROPHE,
    BACKSLASH,
    BANG,
    COLON,
    COMMAND_SLOTS,
    DROPPED,
    EACH,
    END_OF_ASCII,
    FOLD_GROWTH,
    JOINED,
    LESS,
    MARK,
    SEPARATOR,
    SPECIAL,
    name_hash,
    tables,
)
from stages.decontaminate.entities_kernel import TYPOGRAPHIC_APOSTROPHE, read_entity, read_escape
from stages.decontaminate.markup_kernel import (
    NINE,
    OPEN_BRACE,
    OPEN_BRACKET,
    QUOTE,
    A,
    Z,
    skip_address,
    skip_arguments,
    skip_bracket,
    skip_environment,
    skip_past,
    skip_picture,
    skip_tag,
    skip_thousands_separator,
)

OUTSIDE, LETTERS, DIGITS = 0, 1, 2  # where the reader is: inside which kind of word

N, R, T = b"nrt"

# Longest names, in bytes. Whatever is longer is no name.
LONGEST_COMMAND = 64
LONGEST_ENVIRONMENT = 24  # with its braces
# The most that one call of read_special writes, and so what a buffer must leave free.
SPECIAL_BYTES = 72


class Canonical(NamedTuple):  # one text in the form described above
    buffer: NDArray[np.uint8]
    """The stream, and at least 8 bytes more."""
    size: int
    """Bytes of the stream."""
    starts: NDArray[np.int64]
    """[words] where each word starts in the stream."""
    raw: NDArray[np.int64]
    """[words] where each word starts in the UTF-8 of the text."""

    @property
    def stream(self) -> bytes:
        """Return the letters and digits."""
        return self.buffer[: self.size].tobytes()

    def __len__(self) -> int:
        return len(self.starts)

    def words(self) -> list[bytes]:
        """Return the words."""
        stream = self.stream
        ends = [*self.starts[1:].tolist(), len(stream)][: len(self)]
        return [stream[a:b] for a, b in zip(self.starts.tolist(), ends, strict=True)]


BEGIN_HASH, END_HASH = np.uint64(name_hash("begin")), np.uint64(name_hash("end"))
PICTURE_HASH = np.uint64(name_hash("includegraphics"))


# Written into the calling function: a call would count references to each table, which costs more than its work.
INLINED = njit(inline="always", nogil=True)


@compiled
def find_command(commands, value):  # type: ignore[no-untyped-def]
    """Return the place of a command's hash in the table, or the free place where it would be."""
    place = value & np.uint64(COMMAND_SLOTS - 1)
    while commands[place] != 0 and commands[place] != value:
        place = (place + np.uint64(1)) & np.uint64(COMMAND_SLOTS - 1)
    return np.int64(place)


@INLINED
def read_command(data, position, end, stream, size, tables):  # type: ignore[no-untyped-def]
    """Read the LaTeX command at a backslash; return (position, size). It writes the word that the command counts as."""
    byte_values, first = tables.byte_values, position
    while position < end and data[position] == BACKSLASH:  # several, as in escaped strings
        position += 1
    name = position
    value = FNV_SEED
    while position < end and A <= byte_values[data[position]] <= Z:
        value = (value ^ np.uint64(byte_values[data[position]])) * FNV_PRIME
        position += 1
    if position == name or position - name > LONGEST_COMMAND:
        return name, size
    place = find_command(tables.commands, value)
    if tables.commands[place] == 0:
        if data[name] in (N, R, T) and name == first + 1:  # the escape of a line end or a tab, and then a word
            return name + 1, size
        for letter in range(name, position):
            stream[size] = byte_values[data[letter]]
            size += 1
        return position, size
    start = tables.command_start[place]
    for letter in range(start, start + tables.command_length[place]):
        stream[size] = tables.command_bytes[letter]
        size += 1
    if value == PICTURE_HASH:
        position = skip_arguments(data, position, end)
    elif value in (BEGIN_HASH, END_HASH) and position < end and data[position] == OPEN_BRACE:
        after = skip_environment(data, position, end) if value == BEGIN_HASH else position
        position = after if after > position else skip_past(data, position, end, b"}"[0], LONGEST_ENVIRONMENT)
    return position, size


@INLINED
def add_word(starts, raw, count, start, first):  # type: ignore[no-untyped-def]
    """Note that a word starts; return the number of words."""
    starts[count] = start
    raw[count] = first
    return count + 1


@INLINED
def read_special(data, position, end, inside, stream, size, starts, raw, count, tables):  # type: ignore[no-untyped-def]
    """Read what begins at a SPECIAL byte; return (position, inside, size, count)."""
    byte_values, fold_length = tables.byte_values, tables.fold_length
    first, byte = position, data[position]
    if byte == BACKSLASH:
        position, point = read_escape(data, position, end, byte_values)
        if position == first:
            position, after = read_command(data, position, end, stream, size, tables)
            if after > size:
                count = add_word(starts, raw, count, size, first)
            return position, OUTSIDE, after, count
    elif byte == QUOTE:
        position, point = position + 1, np.int64(TYPOGRAPHIC_APOSTROPHE)
    elif byte == AMPERSAND:
        position, point = read_entity(data, position, end, byte_values)
    elif byte == LESS:
        return skip_tag(data, position, end, byte_values), OUTSIDE, size, count
    elif byte == BANG:
        return skip_picture(data, position, end), OUTSIDE, size, count
    elif byte == COLON:
        return skip_address(data, position, end), OUTSIDE, size, count
    elif byte == OPEN_BRACKET:
        return skip_bracket(data, position, end), OUTSIDE, size, count
    else:
        point, length = decode(data, position, end)
        position += length
    if point == QUOTE:
        point = np.int64(TYPOGRAPHIC_APOSTROPHE)
    if point < END_OF_ASCII:  # an entity's, or an escape's
        value = byte_values[point]
        if value <= SPECIAL:
            return position, OUTSIDE, size, count
        kind = DIGITS if value <= NINE else LETTERS
        if inside != kind:
            count = add_word(starts, raw, count, size, first)
        stream[size] = value
        return position, kind, size + 1, count
    if point >= CODE_POINTS:
        if byte < END_OF_ASCII:
            return position, OUTSIDE, size, count
        if inside != LETTERS:
            count = add_word(starts, raw, count, size, first)
        for place in range(first, position):
            stream[size] = data[place]
            size += 1
        return position, LETTERS, size, count
    length = fold_length[point]
    if length == MARK:
        return position, inside, size, count
    if length == APOSTROPHE:
        goes_on = inside == LETTERS and position < end and byte_values[data[position]] > NINE
        return position, LETTERS if goes_on else OUTSIDE, size, count
    if length == DROPPED:
        return position, OUTSIDE, size, count
    start, how = tables.fold_start[point], tables.fold_kind[point]
    kind = DIGITS if tables.fold_bytes[start] <= NINE else LETTERS
    if how != JOINED or inside != kind:
        count = add_word(starts, raw, count, size, first)
    for place in range(length):
        if how == EACH and place > 0:
            count = add_word(starts, raw, count, size, first)
        stream[size] = tables.fold_bytes[start + place]
        size += 1
    return position, kind if how == JOINED else OUTSIDE, size, count


@INLINED
def read_number(data, position, end, stream, size, limit, byte_values):  # type: ignore[no-untyped-def]
    """Append a number's digits, and the groups after its separators of thousands; return (position, size)."""
    first = size
    while position < end and SPECIAL < byte_values[data[position]] <= NINE and size < limit:
        stream[size] = data[position]
        size += 1
        position += 1
    groups = 0
    while size - first <= 3 + 3 * groups and groups < 6:
        group = skip_thousands_separator(data, position, end, byte_values)
        if group == position:
            break
        for digit in range(group, group + 3):
            stream[size] = data[digit]
            size += 1
        position = group + 3
        groups += 1
    return position, size


@compiled
def fill(data, position, end, inside, stream, size, starts, raw, count, limit, tables):  # type: ignore[no-untyped-def]
    """Append the canonical form of data[position:end] until the stream has `limit` bytes.

    stream, starts, raw: as in Canonical, so far with `size` bytes and `count` words; the stream needs room for
    limit + SPECIAL_BYTES. inside: OUTSIDE, LETTERS or DIGITS. Returns (position, inside, size, count).
    """
    byte_values = tables.byte_values
    while position < end and size < limit:
        value = byte_values[data[position]]
        if value > NINE:
            if inside != LETTERS:
                starts[count] = size
                raw[count] = position
                count += 1
                inside = LETTERS
            while value > NINE and size < limit:
                stream[size] = value
                size += 1
                position += 1
                if position >= end:
                    break
                value = byte_values[data[position]]
        elif value == SEPARATOR:
            inside = OUTSIDE
            position += 1
        elif value == SPECIAL:
            position, inside, size, count = read_special(
                data, position, end, inside, stream, size, starts, raw, count, tables
            )
        else:
            if inside != DIGITS:
                starts[count] = size
                raw[count] = position
                count += 1
                inside = DIGITS
            position, size = read_number(data, position, end, stream, size, limit, byte_values)
    return position, inside, size, count


@compiled
def read_canonical(data, tables):  # type: ignore[no-untyped-def]
    """Return what Canonical consists of, for a text in UTF-8."""
    room = FOLD_GROWTH * len(data) + SPECIAL_BYTES
    stream, starts, raw = np.zeros(room, np.uint8), np.empty(room, np.int64), np.empty(room, np.int64)
    _, _, size, count = fill(data, 0, len(data), OUTSIDE, stream, 0, starts, raw, 0, room - SPECIAL_BYTES, tables)
    return stream[: size + 8], size, starts[:count], raw[:count]


def canonical(text: str) -> Canonical:
    """Return one text's stream and words; for questions, and for documents of a few words."""
    return Canonical(*read_canonical(np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8), tables()))
