"""Bring a text to the form in which questions are looked for: its letters and digits, and where words start.

The form is a stream of letters and digits alone: in lower case, compatibility forms and accents folded (NFKD), with
nothing between them. So two texts count as equal whatever their case, punctuation, spacing, line breaks, dollar signs,
thousands separators, LaTeX spacing and sizing, and HTML entities. Words still count: a word starts after any character
that is no letter or digit, except an apostrophe inside a word.

Not covered: one sign written in two ways (a Greek letter and its LaTeX name); operators, which are no words.
"""

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import CODE_POINTS, FNV_PRIME, FNV_SEED, decode, equals

# LaTeX commands that change how a formula looks and not what it says.
DRESS = """
    left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr quad qquad enspace thinspace
    medspace thickspace negthinspace hspace vspace hfill space nobreakspace displaystyle textstyle scriptstyle
    limits nolimits phantom mathstrut strut text textrm textbf textit textsf texttt textnormal mbox hbox emph
    underline mathrm mathbf mathit mathsf mathtt mathbb mathcal mathfrak mathscr boldsymbol bm operatorname begin
    end label tag nonumber notag item noindent newline par
""".split()  # noqa: SIM905 -- sixty names read better in lines
DRESS_SLOTS = 512

SEPARATOR, SPECIAL = 0, 1  # values of a byte that is no letter or digit
DROPPED, MARK, APOSTROPHE = 0, -1, -2  # lengths of a fold that has no letters
NO_WORD = -1

BACKSLASH, AMPERSAND, QUOTE, NUMBER_SIGN, SEMICOLON = b"\\&'#;"
OPEN_BRACE, CLOSE_BRACE = b"{}"
ZERO, NINE, A, F, X, Z = b"09afxz"
END_OF_ASCII = 0x80
TYPOGRAPHIC_APOSTROPHE = ord("’")

# Longest names, in bytes. Whatever is longer is no name.
LONGEST_COMMAND = 64
LONGEST_ENVIRONMENT = 24  # with its braces
LONGEST_ENTITY = 8
LONGEST_NUMBER = 7  # of an entity, in digits


class Tables(NamedTuple):  # what the kernel looks up
    byte_values: NDArray[np.uint8]
    """[256] the folded letter or digit, SEPARATOR or SPECIAL."""
    fold_length: NDArray[np.int8]
    """[code points] bytes of the folded form; DROPPED, MARK (skipped) or APOSTROPHE."""
    fold_start: NDArray[np.int32]
    fold_bytes: NDArray[np.uint8]
    dress: NDArray[np.uint64]
    """[DRESS_SLOTS] a hash table of DRESS: the hashes of its names, 0 where free."""


class Canonical(NamedTuple):  # one text in the form described above
    stream: bytes
    starts: NDArray[np.int64]
    """[words] where each word starts in the stream."""
    raw: NDArray[np.int64]
    """[words] where each word starts in the UTF-8 of the text."""

    def __len__(self) -> int:
        return len(self.starts)

    def words(self) -> list[bytes]:
        """Return the words."""
        ends = [*self.starts[1:].tolist(), len(self.stream)][: len(self)]
        return [self.stream[a:b] for a, b in zip(self.starts.tolist(), ends, strict=True)]


@cache
def tables() -> Tables:
    """Return the look-up tables, made once a process (0.2 s)."""
    byte_values = np.zeros(256, np.uint8)
    for byte in range(END_OF_ASCII):
        if chr(byte).isalnum():
            byte_values[byte] = ord(chr(byte).lower())
    byte_values[[BACKSLASH, AMPERSAND, QUOTE]] = SPECIAL
    byte_values[END_OF_ASCII:] = SPECIAL
    lengths, starts, folded = np.zeros(CODE_POINTS, np.int8), np.zeros(CODE_POINTS, np.int32), bytearray()
    for point in range(END_OF_ASCII, CODE_POINTS):
        length, form = _fold(chr(point))
        starts[point], lengths[point] = len(folded), length
        folded += form
    dress = np.zeros(DRESS_SLOTS, np.uint64)
    for name in DRESS:
        place = name_hash(name) % DRESS_SLOTS
        while dress[place] and dress[place] != name_hash(name):
            place = (place + 1) % DRESS_SLOTS
        dress[place] = name_hash(name)
    return Tables(byte_values, lengths, starts, np.frombuffer(bytes(folded), np.uint8), dress)


def _fold(character: str) -> tuple[int, bytes]:
    """Return the length and the bytes of a character's folded form."""
    if character in "’ʼ‘":
        return APOSTROPHE, b""
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf", "Cs"):
        return MARK, b""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    form = "".join(c for c in decomposed if c.isalnum()).encode()
    # At most twice as long as the character itself, which bounds the kernel's buffer.
    form = form[: 2 * len(character.encode())]
    return len(form), form


def name_hash(name: str) -> int:
    """Return the kernel's hash of a command's name, in which case does not count."""
    value = int(FNV_SEED)
    for byte in name.lower().encode():
        value = ((value ^ byte) * int(FNV_PRIME)) % (1 << 64)
    return value


BEGIN_HASH, END_HASH = np.uint64(name_hash("begin")), np.uint64(name_hash("end"))
DFRAC_HASH, TFRAC_HASH = np.uint64(name_hash("dfrac")), np.uint64(name_hash("tfrac"))

# Written into the calling function: a call would count references to each table, which costs more than its work.
INLINED = njit(inline="always", nogil=True)


@INLINED
def read_command(data, position, end, stream, size, tables):  # type: ignore[no-untyped-def]
    """Read the LaTeX command at a backslash; return (position, size, start of its word). DRESS makes no word."""
    byte_values, dress = tables.byte_values, tables.dress
    while position < end and data[position] == BACKSLASH:  # several, as in escaped strings
        position += 1
    name = position
    value = FNV_SEED
    while position < end and A <= byte_values[data[position]] <= Z:
        value = (value ^ np.uint64(byte_values[data[position]])) * FNV_PRIME
        position += 1
    if position == name or position - name > LONGEST_COMMAND:
        return name, size, NO_WORD
    place = value & np.uint64(DRESS_SLOTS - 1)
    while dress[place] != 0:
        if dress[place] == value:
            if value in (BEGIN_HASH, END_HASH) and position < end and data[position] == OPEN_BRACE:
                close = position
                while close < end and close < position + LONGEST_ENVIRONMENT and data[close] != CLOSE_BRACE:
                    close += 1
                position = close
            return position, size, NO_WORD
        place = (place + np.uint64(1)) & np.uint64(DRESS_SLOTS - 1)
    if value in (DFRAC_HASH, TFRAC_HASH):  # \frac at another size
        name += 1
    start = size
    for letter in range(name, position):
        stream[size] = byte_values[data[letter]]
        size += 1
    return position, size, start


@INLINED
def read_number_entity(data, position, end, byte_values):  # type: ignore[no-untyped-def]
    """Read the entity at `&#`; return (position, code point), of which SEPARATOR separates words."""
    look = position + 2
    base = 10
    if look < end and byte_values[data[look]] == X:
        base = 16
        look += 1
    digits = look
    point = np.int64(SEPARATOR)
    while look < end and look < digits + LONGEST_NUMBER:
        digit = np.int64(byte_values[data[look]])
        if ZERO <= digit <= NINE:
            point = point * base + (digit - ZERO)
        elif base == 16 and A <= digit <= F:
            point = point * base + (digit - A + 10)
        else:
            break
        look += 1
    if look == digits or look >= end or data[look] != SEMICOLON:
        return position + 1, np.int64(SEPARATOR)
    return look + 1, point


@INLINED
def read_entity(data, position, end, byte_values):  # type: ignore[no-untyped-def]
    """Read what begins at an ampersand; return (position, code point), of which SEPARATOR separates words."""
    name = position + 1
    if name < end and data[name] == NUMBER_SIGN:
        return read_number_entity(data, position, end, byte_values)
    look = name
    while look < end and look < name + LONGEST_ENTITY and A <= byte_values[data[look]] <= Z:
        look += 1
    if look - name < 2 or look >= end or data[look] != SEMICOLON:
        return position + 1, np.int64(SEPARATOR)
    after = look + 1
    if equals(data, name, look, b"amp"):
        # Escaped twice: the ampersand begins an entity itself.
        inner = after
        if inner < end and data[inner] == NUMBER_SIGN:
            inner += 1
        while inner < end and inner < after + LONGEST_ENTITY and byte_values[data[inner]] > SPECIAL:
            inner += 1
        if inner > after + 1 and inner < end and data[inner] == SEMICOLON:
            return inner + 1, np.int64(SEPARATOR)
    if equals(data, name, look, b"apos") or equals(data, name, look, b"rsquo") or equals(data, name, look, b"lsquo"):
        return after, np.int64(TYPOGRAPHIC_APOSTROPHE)
    return after, np.int64(SEPARATOR)


@INLINED
def read_special(data, position, end, inside, stream, size, tables):  # type: ignore[no-untyped-def]
    """Read what begins at a SPECIAL byte; return (position, inside, size, start of a new word or NO_WORD).

    inside: whether the position is inside a word. Writes at most one word or a part of one.
    """
    byte_values, fold_length = tables.byte_values, tables.fold_length
    first = position
    if data[first] == BACKSLASH:
        position, size, start = read_command(data, position, end, stream, size, tables)
        return position, False, size, start
    if data[first] == QUOTE:
        position, point = position + 1, np.int64(TYPOGRAPHIC_APOSTROPHE)
    elif data[first] == AMPERSAND:
        position, point = read_entity(data, position, end, byte_values)
    else:
        point, length = decode(data, position, end)
        position += length
    if point == QUOTE:
        point = np.int64(TYPOGRAPHIC_APOSTROPHE)
    start = NO_WORD if inside else size
    if point < END_OF_ASCII:  # an entity's
        if byte_values[point] <= SPECIAL:
            return position, False, size, NO_WORD
        stream[size] = byte_values[point]
        return position, True, size + 1, start
    if point >= CODE_POINTS:
        if data[first] == AMPERSAND:
            return position, False, size, NO_WORD
        for place in range(first, position):
            stream[size] = data[place]
            size += 1
        return position, True, size, start
    length = fold_length[point]
    if length == MARK:
        return position, inside, size, NO_WORD
    if length == APOSTROPHE:
        return position, inside and position < end and byte_values[data[position]] > SPECIAL, size, NO_WORD
    for place in range(length):
        stream[size] = tables.fold_bytes[tables.fold_start[point] + place]
        size += 1
    return position, length > 0, size, start if length > 0 else NO_WORD


# The most that one call of read_special writes, and so what a buffer must leave free.
SPECIAL_BYTES = 72


@compiled
def fill(data, position, end, inside, stream, size, starts, raw, count, limit, tables):  # type: ignore[no-untyped-def]
    """Append the canonical form of data[position:end] until the stream has `limit` bytes.

    stream, starts, raw: as in Canonical, so far with `size` bytes and `count` words; the stream needs room for
    limit + SPECIAL_BYTES. Returns (position, inside, size, count).
    """
    byte_values = tables.byte_values
    while position < end and size < limit:
        value = byte_values[data[position]]
        if value > SPECIAL:
            if not inside:
                starts[count] = size
                raw[count] = position
                count += 1
                inside = True
            while value > SPECIAL and size < limit:
                stream[size] = value
                size += 1
                position += 1
                if position >= end:
                    break
                value = byte_values[data[position]]
        elif value == SEPARATOR:
            inside = False
            position += 1
        else:
            first = position
            position, inside, size, start = read_special(data, position, end, inside, stream, size, tables)
            if start != NO_WORD:
                starts[count] = start
                raw[count] = first
                count += 1
    return position, inside, size, count


def canonical(text: str) -> Canonical:
    """Return one text's stream and words; for questions, and for documents that are looked at closely."""
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    room = 2 * len(data) + SPECIAL_BYTES
    stream, starts, raw = np.empty(room, np.uint8), np.empty(room, np.int64), np.empty(room, np.int64)
    _, _, size, count = fill(data, 0, len(data), False, stream, 0, starts, raw, 0, room, tables())
    return Canonical(stream[:size].tobytes(), starts[:count].copy(), raw[:count].copy())
