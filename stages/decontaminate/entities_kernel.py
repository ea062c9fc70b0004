r"""Read the characters that HTML and JSON write with others: `&#8217;`, `&times;` and `\u2019`."""

import numpy as np

from mathcode_pile.kernels.compiled import compiled
from mathcode_pile.kernels.words import equals
from stages.decontaminate.canonical_tables import BACKSLASH, NUMBER_SIGN, SEMICOLON, SEPARATOR, SPECIAL
from stages.decontaminate.markup_kernel import NINE, ZERO, A, Z

F, U, X = b"fux"
TYPOGRAPHIC_APOSTROPHE = ord("’")
LONGEST_ENTITY = 8  # of its name, in bytes
LONGEST_NUMBER = 7  # of an entity, in digits


@compiled
def read_digits(data, position, end, base, longest, byte_values):  # type: ignore[no-untyped-def]
    """Read at most `longest` digits; return (position, number)."""
    look, number = position, np.int64(0)
    while look < end and look < position + longest:
        digit = np.int64(byte_values[data[look]])
        if ZERO <= digit <= NINE:
            number = number * base + (digit - ZERO)
        elif base == 16 and A <= digit <= F:
            number = number * base + (digit - A + 10)
        else:
            break
        look += 1
    return look, number


@compiled
def read_escape(data, position, end, byte_values):  # type: ignore[no-untyped-def]
    r"""Read a JSON escape as \u2019; return (position, code point), the same position if there is none."""
    name = position
    while name < end and data[name] == BACKSLASH:
        name += 1
    if name + 5 > end or data[name] != U:
        return position, np.int64(SEPARATOR)
    after, point = read_digits(data, name + 1, end, 16, 4, byte_values)
    if after < name + 5:
        return position, np.int64(SEPARATOR)
    return after, point


@compiled
def read_entity(data, position, end, byte_values):  # type: ignore[no-untyped-def]
    """Read what begins at an ampersand; return (position, code point), of which SEPARATOR separates words."""
    name = position + 1
    if name < end and data[name] == NUMBER_SIGN:
        is_hexadecimal = name + 1 < end and byte_values[data[name + 1]] == X
        digits = name + 2 if is_hexadecimal else name + 1
        look, point = read_digits(data, digits, end, 16 if is_hexadecimal else 10, LONGEST_NUMBER, byte_values)
        if look == digits or look >= end or data[look] != SEMICOLON:
            return position + 1, np.int64(SEPARATOR)
        return look + 1, point
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
