"""Bring a text to the form in which questions are looked for: its letters and digits, and where words start.

The form is a stream of letters and digits alone: lower case, compatibility forms and accents folded
(NFKD), nothing between them. So neither case, punctuation, spacing, line breaks, dollar signs, thousands
separators, LaTeX spacing and sizing nor HTML entities tell two texts apart. Words still count: they start
after anything that is no letter or digit (an apostrophe inside a word excepted).

Not covered: one sign written two ways (the Greek letter and its LaTeX name), operators, which are no words.
"""

import unicodedata
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import CODE_POINTS, decode

# LaTeX commands that change how a formula looks and not what it says.
DRESS = """
    left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr quad qquad enspace thinspace
    medspace thickspace negthinspace hspace vspace hfill space nobreakspace displaystyle textstyle scriptstyle
    limits nolimits phantom mathstrut strut text textrm textbf textit textsf texttt textnormal mbox hbox emph
    underline mathrm mathbf mathit mathsf mathtt mathbb mathcal mathfrak mathscr boldsymbol bm operatorname begin
    end label tag nonumber notag item noindent newline par
""".split()  # noqa: SIM905 -- sixty names read better in lines

SEPARATOR, SPECIAL = 0, 1  # values of a byte that are no letter or digit
DROPPED, MARK, APOSTROPHE = 0, -1, -2  # lengths of a code point's fold that are no letters
LONGEST_NAME = 64  # of a LaTeX command; none is as long
NAME_SEED = np.uint64(0xCBF29CE484222325)
NAME_PRIME = np.uint64(0x100000001B3)


class Tables(NamedTuple):  # what the kernel looks up
    ascii: NDArray[np.uint8]
    """[256] the folded letter or digit, SEPARATOR or SPECIAL."""
    fold_length: NDArray[np.int8]
    """[code points] bytes of the folded form; DROPPED, MARK (skipped) or APOSTROPHE."""
    fold_start: NDArray[np.int32]
    fold_bytes: NDArray[np.uint8]
    dress: NDArray[np.uint64]
    """Hashes of DRESS, by the low bits, empty places 0."""
    environment: NDArray[np.uint64]
    """Hashes of begin and end, which a name in braces follows."""
    fractions: NDArray[np.uint64]
    """Hashes of dfrac and tfrac."""


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
    ascii_table = np.zeros(256, np.uint8)
    for byte in range(128):
        if chr(byte).isalnum():
            ascii_table[byte] = ord(chr(byte).lower())
    ascii_table[[ord("\\"), ord("&"), ord("'")]] = SPECIAL
    ascii_table[128:] = SPECIAL
    lengths, starts, folded = np.zeros(CODE_POINTS, np.int8), np.zeros(CODE_POINTS, np.int32), bytearray()
    for point in range(128, CODE_POINTS):
        kind, form = _fold(chr(point))
        starts[point], lengths[point] = len(folded), kind
        folded += form
    dress = np.zeros(512, np.uint64)
    for name in DRESS:
        place = name_hash(name) & 511
        while dress[place] and dress[place] != name_hash(name):
            place = (place + 1) & 511
        dress[place] = name_hash(name)
    environment = np.array([name_hash("begin"), name_hash("end")], np.uint64)
    fractions = np.array([name_hash("dfrac"), name_hash("tfrac")], np.uint64)
    return Tables(ascii_table, lengths, starts, np.frombuffer(bytes(folded), np.uint8), dress, environment, fractions)


def _fold(character: str) -> tuple[int, bytes]:
    if character in "’ʼ‘":
        return APOSTROPHE, b""
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf") or category == "Cs":
        return MARK, b""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    form = "".join(c for c in decomposed if c.isalnum()).encode()
    # A fold may be twice as long as what it stands for, which bounds the kernel's buffer.
    return len(form[: 2 * len(character.encode())]), form[: 2 * len(character.encode())]


def name_hash(name: str) -> int:
    """Return the kernel's hash of a command's name, in which case does not count."""
    value = int(NAME_SEED)
    for byte in name.lower().encode():
        value = ((value ^ byte) * int(NAME_PRIME)) % (1 << 64)
    return value


# Written into their callers: a call would count references to each table, and cost more than the rest.
INLINED = njit(inline="always", nogil=True)


@INLINED
def read_command(data, position, end, stream, n, tables):  # type: ignore[no-untyped-def]
    """Read the LaTeX command at a backslash; returns (position, n, word start or -1). A dress is no word."""
    ascii_table, dress, environment = tables[0], tables[4], tables[5]
    while position < end and data[position] == 92:  # several, as in escaped strings
        position += 1
    name = position
    value = NAME_SEED
    while position < end and ((65 <= data[position] <= 90) or (97 <= data[position] <= 122)):
        value = (value ^ np.uint64(ascii_table[data[position]])) * NAME_PRIME
        position += 1
    if position == name or position - name > LONGEST_NAME:
        return name, n, -1
    place = value & np.uint64(len(dress) - 1)
    while dress[place] != 0:
        if dress[place] == value:
            if (value == environment[0] or value == environment[1]) and position < end and data[position] == 123:
                close = position
                while close < end and close < position + 24 and data[close] != 125:
                    close += 1
                position = close
            return position, n, -1
        place = (place + np.uint64(1)) & np.uint64(len(dress) - 1)
    # \dfrac and \tfrac are \frac at another size.
    if position - name == 5 and value in (tables[6][0], tables[6][1]):
        name += 1
    start = n
    for letter in range(name, position):
        stream[n] = ascii_table[data[letter]]
        n += 1
    return position, n, start


@INLINED
def read_entity(data, position, end, ascii_table):  # type: ignore[no-untyped-def]
    """Read what begins at an ampersand; returns (position, code point), of which 0 separates words."""
    look = position + 1
    if look < end and data[look] == 35:
        look += 1
        base = 10
        if look < end and (data[look] == 120 or data[look] == 88):
            base = 16
            look += 1
        digits = look
        point = np.int64(0)
        while look < end and look < digits + 7:
            c = np.int64(ascii_table[data[look]])
            if 48 <= c <= 57:
                point = point * base + (c - 48)
            elif base == 16 and 97 <= c <= 102:
                point = point * base + (c - 87)
            else:
                break
            look += 1
        if look == digits or look >= end or data[look] != 59:
            return position + 1, np.int64(0)
        return look + 1, point
    name = look
    while look < end and look < name + 8 and 97 <= ascii_table[data[look]] <= 122:
        look += 1
    if look - name < 2 or look >= end or data[look] != 59:
        return position + 1, np.int64(0)
    length = look - name
    if length == 3 and data[name] == 97 and data[name + 1] == 109 and data[name + 2] == 112:
        # Escaped twice: what &amp; stands for begins an entity itself.
        inner = look + 1
        if inner < end and data[inner] == 35:
            inner += 1
        while inner < end and inner < look + 9 and ascii_table[data[inner]] > SPECIAL:
            inner += 1
        if inner > look + 2 and inner < end and data[inner] == 59:
            return inner + 1, np.int64(0)
    is_apos = length == 4 and data[name] == 97 and data[name + 1] == 112
    is_quote = length == 5 and data[name + 1] == 115 and data[name + 2] == 113  # rsquo, lsquo
    return look + 1, np.int64(0x2019) if is_apos or is_quote else np.int64(0)


@INLINED
def read_special(data, position, end, inside, stream, n, tables):  # type: ignore[no-untyped-def]
    """Read what begins at a SPECIAL byte; returns (position, n, inside, word start or -1).

    inside: whether a word goes on here. Emits at most one word or a part of one.
    """
    ascii_table, fold_length, fold_start, fold_bytes = tables[0], tables[1], tables[2], tables[3]
    if data[position] == 92:
        position, n, start = read_command(data, position, end, stream, n, tables)
        return position, n, False, start
    at = position
    if data[position] == 39:
        position, point = position + 1, np.int64(0x2019)
    elif data[position] == 38:
        position, point = read_entity(data, position, end, ascii_table)
    else:
        point, size = decode(data, position, end)
        position += size
    if point == 39:
        point = np.int64(0x2019)
    start = -1 if inside else n
    if point < 128:  # an entity's
        if ascii_table[point] <= SPECIAL:
            return position, n, False, -1
        stream[n] = ascii_table[point]
        return position, n + 1, True, start
    if point >= CODE_POINTS:
        if data[at] == 38:
            return position, n, False, -1
        for k in range(at, position):
            stream[n] = data[k]
            n += 1
        return position, n, True, start
    length = fold_length[point]
    if length == MARK:
        return position, n, inside, -1
    if length == APOSTROPHE:
        return position, n, inside and position < end and ascii_table[data[position]] > SPECIAL, -1
    for k in range(length):
        stream[n] = fold_bytes[fold_start[point] + k]
        n += 1
    return position, n, length > 0, start if length > 0 else -1


# The most that one call of read_special emits, and so what a buffer leaves free.
SPECIAL_BYTES = 72


@compiled
def fill(data, position, end, inside, stream, n, starts, raw, m, limit, tables):  # type: ignore[no-untyped-def]
    """Append the stream of data[position:end] until it is `limit` long; returns (position, inside, n, m).

    starts, raw: where each word starts in the stream, and in data. Word m is the next. stream needs room
    for limit + SPECIAL_BYTES.
    """
    ascii_table = tables[0]
    while position < end and n < limit:
        c = ascii_table[data[position]]
        if c > SPECIAL:
            if not inside:
                starts[m] = n
                raw[m] = position
                m += 1
                inside = True
            while c > SPECIAL and n < limit:
                stream[n] = c
                n += 1
                position += 1
                if position >= end:
                    break
                c = ascii_table[data[position]]
        elif c == SEPARATOR:
            inside = False
            position += 1
        else:
            at = position
            position, n, inside, start = read_special(data, position, end, inside, stream, n, tables)
            if start >= 0:
                starts[m] = start
                raw[m] = at
                m += 1
    return position, inside, n, m


def canonical(text: str) -> Canonical:
    """Return one text's stream and words; for questions, and for documents that are looked at closely."""
    data = np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)
    room = 2 * len(data) + SPECIAL_BYTES
    stream, starts, raw = np.empty(room, np.uint8), np.empty(room, np.int64), np.empty(room, np.int64)
    _, _, n, m = fill(data, 0, len(data), False, stream, 0, starts, raw, 0, room, plain(tables()))
    return Canonical(stream[:n].tobytes(), starts[:m].copy(), raw[:m].copy())


def plain(named: NamedTuple) -> tuple[Any, ...]:
    """Return a named tuple as a plain one, which numba caches by type alone."""
    return tuple(named)
