"""Make the tables by which canonical_kernel.py reads a text: what bytes, characters and LaTeX's commands count as."""

import unicodedata
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathcode_pile.kernels.words import CODE_POINTS, FNV_PRIME, FNV_SEED
from stages.decontaminate.latex_names import name_greek, say_commands
from stages.decontaminate.markup_kernel import OPEN_BRACKET, QUOTE

COMMAND_SLOTS = 1024

SEPARATOR, SPECIAL = 0, 1  # values of a byte that is no letter or digit
DROPPED, MARK, APOSTROPHE = 0, -1, -2  # lengths of a fold that has no letters
JOINED, ALONE, EACH = 0, 1, 2  # whether a fold is part of a word, a word of its own, or each byte of it is one

AMPERSAND, NUMBER_SIGN, SEMICOLON, BACKSLASH, LESS, BANG, COLON = b"&#;\\<!:"
END_OF_ASCII = 0x80

# A fold is at most so many times as long as its character.
FOLD_GROWTH = 4


class Tables(NamedTuple):  # what the kernel looks up
    byte_values: NDArray[np.uint8]
    """[256] the folded letter or digit, SEPARATOR or SPECIAL."""
    fold_length: NDArray[np.int8]
    """[code points] bytes of the folded form; DROPPED, MARK (skipped) or APOSTROPHE."""
    fold_kind: NDArray[np.int8]
    """[code points] JOINED, ALONE or EACH."""
    fold_start: NDArray[np.int32]
    fold_bytes: NDArray[np.uint8]
    commands: NDArray[np.uint64]
    """[COMMAND_SLOTS] a hash table of the known LaTeX commands: the hashes of their names, 0 where free."""
    command_start: NDArray[np.int32]
    """[COMMAND_SLOTS] where in command_bytes the word begins that a command counts as."""
    command_length: NDArray[np.int32]
    command_bytes: NDArray[np.uint8]


@cache
def tables() -> Tables:
    """Return the look-up tables, made once a process (0.2 s)."""
    byte_values = np.zeros(256, np.uint8)
    for byte in range(END_OF_ASCII):
        if chr(byte).isalnum():
            byte_values[byte] = ord(chr(byte).lower())
    byte_values[[BACKSLASH, AMPERSAND, QUOTE, LESS, BANG, COLON, OPEN_BRACKET]] = SPECIAL
    byte_values[END_OF_ASCII:] = SPECIAL
    lengths, kinds = np.zeros(CODE_POINTS, np.int8), np.zeros(CODE_POINTS, np.int8)
    starts, folded, greek = np.zeros(CODE_POINTS, np.int32), bytearray(), name_greek()
    for point in range(END_OF_ASCII, CODE_POINTS):
        lengths[point], kinds[point], form = _fold(chr(point), greek)
        starts[point] = len(folded)
        folded += form
    return Tables(
        byte_values, lengths, kinds, starts, np.frombuffer(bytes(folded), np.uint8), *_tabulate(say_commands())
    )


def _tabulate(commands: dict[str, str]) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    keys, words = np.zeros(COMMAND_SLOTS, np.uint64), bytearray()
    start, length = np.zeros(COMMAND_SLOTS, np.int32), np.zeros(COMMAND_SLOTS, np.int32)
    for name, word in commands.items():
        place = name_hash(name) % COMMAND_SLOTS
        while keys[place] and keys[place] != name_hash(name):
            place = (place + 1) % COMMAND_SLOTS
        keys[place], start[place], length[place] = name_hash(name), len(words), len(word)
        words += word.encode()
    return keys, start, length, np.frombuffer(bytes(words), np.uint8)


def _fold(character: str, greek: dict[str, str]) -> tuple[int, int, bytes]:
    """Return the length of a character's folded form, whether it is a word of its own, and its bytes."""
    if character in "’ʼ‘":
        return APOSTROPHE, JOINED, b""
    category = unicodedata.category(character)
    if category in ("Mn", "Me", "Cf", "Cs"):
        return MARK, JOINED, b""
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", character).casefold())
    if name := greek.get(decomposed) or greek.get(character):
        return len(name), ALONE, name.encode()
    form = "".join(c for c in decomposed if c.isalnum()).encode()
    form = form[: FOLD_GROWTH * len(character.encode())]
    # Superscripts, subscripts and fractions: x² is two words, and ½ is too.
    is_number = category == "No" and form.isdigit()
    return len(form), EACH if is_number else JOINED, form


def name_hash(name: str) -> int:
    """Return the kernel's hash of a command's name, in which case does not count."""
    value = int(FNV_SEED)
    for byte in name.lower().encode():
        value = ((value ^ byte) * int(FNV_PRIME)) % (1 << 64)
    return value
