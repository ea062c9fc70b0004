"""Say of each word of a canonical text what kind it is, and read numbers written as words."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from mathcode_pile.core.number_words import TENS, UNITS
from mathcode_pile.kernels.compiled import compiled
from stages.decontaminate.canonical_kernel import INLINED, Canonical
from stages.decontaminate.markup_kernel import NINE, ZERO

# Words that any text has. They say little about which question a text contains.
STOP_WORDS = """
    a about after all also am an and another any are as at be been before being both but by can could did do does each
    either else every few for from get gets give given gives had has have he her here hers him his how however if in
    into is it its itself just let like made make makes many may more most much must my no nor not now of off on only
    or other our out over own per same see she should show so some such than that the their them then there these they
    this those through to too under up us use used using very was we were what when where whether which while who
    whose why will with would you your find
""".split()  # noqa: SIM905 -- a hundred words read better in lines
# Words that many exercises have. They say less than others do about which one it is.
COMMON_WORDS = """
    answer answers arithmetic base begin calculate common compute consecutive constant constants coordinate coordinates
    decimal defined denote determine different digit digits distinct divided divisible equal equals equation even
    evaluate exactly express expression following form fraction function functions graph greatest integer integers
    largest least length line long maximum mean minimum nearest nonnegative number numbers odd order pair pairs plane
    point points polynomial positive possible prime probability product random randomly rational real remainder result
    round satisfies satisfy satisfying sequence set simplest simplify smallest solution solutions solve statement sum
    suppose term terms total true units value values way ways written
""".split()  # noqa: SIM905
SCALES = {"hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}
AND = "and"

# LaTeX's signs without their backslash, where they are no English words.
BARE_SIGNS = """
    sqrt frac dfrac tfrac cdot cdots ldots leq geq neq infty binom lfloor rfloor lceil rceil floor ceil ceiling pmatrix
    bmatrix mathbb mathrm mathbf mathcal displaystyle quad qquad nabla cup pmod bmod overline
""".split()  # noqa: SIM905

# Kinds of words.
CONTENT, STOP, NUMBER, LETTER, COMMON, NUMBER_WORD, SIGN = range(7)
WORD_SLOTS = 1024
FACTOR = np.uint64(0xD6E8FEB86659FD93)
SALT = np.uint64(0x9E3779B97F4A7C15)
LONGEST_NUMBER = 18  # digits of a number written as words


class Vocabulary(NamedTuple):  # the words that are no content, as a hash table
    keys: NDArray[np.uint64]
    kinds: NDArray[np.uint8]
    values: NDArray[np.int64]
    """[WORD_SLOTS] what a number word says."""
    digits: NDArray[np.uint64]
    """[WORD_SLOTS] the hash of a number word's digits."""
    conjunction: np.uint64
    """The hash of "and", which a number may contain."""


class Tokens(NamedTuple):  # a text's words, numbers written as words read
    hashes: NDArray[np.uint64]
    kinds: NDArray[np.uint8]
    first: NDArray[np.int64]
    """[tokens] the first of the text's words that each consists of."""


@intrinsic
def load8(typing_context, array, position):  # type: ignore[no-untyped-def]
    """Read 8 bytes of a uint8 array, from any place."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        value = context.make_array(signature.args[0])(context, builder, arguments[0])
        pointer = builder.gep(value.data, [arguments[1]])
        loaded = builder.load(builder.bitcast(pointer, ir.IntType(64).as_pointer()))
        loaded.align = 1
        return loaded

    return types.uint64(array, types.int64), generate


@INLINED
def hash_bytes(stream, at, length):  # type: ignore[no-untyped-def]
    """Hash a word of the stream, which needs 8 bytes after it; the hash is never 0."""
    value = SALT ^ np.uint64(length)
    while length > 8:
        value = (value ^ load8(stream, at)) * FACTOR
        value ^= value >> np.uint64(32)
        at += 8
        length -= 8
    last = load8(stream, at) << np.uint64(64 - 8 * length)
    value = (value ^ last) * FACTOR
    value ^= value >> np.uint64(29)
    value *= FACTOR
    return (value ^ (value >> np.uint64(32))) | np.uint64(1)


@INLINED
def find_word(keys, value):  # type: ignore[no-untyped-def]
    """Return the place of a word's hash in a vocabulary, or the free place where it would be."""
    place = (value >> np.uint64(20)) & np.uint64(WORD_SLOTS - 1)
    while keys[place] != 0 and keys[place] != value:
        place = (place + np.uint64(1)) & np.uint64(WORD_SLOTS - 1)
    return np.int64(place)


@INLINED
def classify(stream, at, length, vocabulary):  # type: ignore[no-untyped-def]
    """Return the hash and the kind of a word, and for a number word its place in the vocabulary."""
    value = hash_bytes(stream, at, length)
    if ZERO <= stream[at] <= NINE:
        return value, np.int64(NUMBER), np.int64(0)
    place = find_word(vocabulary.keys, value)
    if vocabulary.keys[place] != 0:
        return value, np.int64(vocabulary.kinds[place]), place
    return value, np.int64(LETTER if length == 1 else CONTENT), place


def _hash(word: str) -> np.uint64:
    data = np.frombuffer(word.encode() + bytes(8), np.uint8)
    return np.uint64(hash_bytes(data, 0, len(word)))


@compiled
def hash_number(value):  # type: ignore[no-untyped-def]
    """Return the hash of a number's digits."""
    digits = np.zeros(LONGEST_NUMBER + 9, np.uint8)
    at = LONGEST_NUMBER
    while True:
        at -= 1
        digits[at] = ZERO + value % 10
        value //= 10
        if value == 0 or at == 0:
            break
    return hash_bytes(digits, at, LONGEST_NUMBER - at)


@cache
def vocabulary() -> Vocabulary:
    """Return the words that are no content, and what number words say."""
    keys, kinds = np.zeros(WORD_SLOTS, np.uint64), np.zeros(WORD_SLOTS, np.uint8)
    values, digits = np.zeros(WORD_SLOTS, np.int64), np.zeros(WORD_SLOTS, np.uint64)
    numbers = {word: place for place, word in enumerate(UNITS)}
    numbers |= {word: 20 + 10 * place for place, word in enumerate(TENS)} | SCALES
    known = dict.fromkeys(COMMON_WORDS, COMMON) | dict.fromkeys(STOP_WORDS, STOP) | dict.fromkeys(BARE_SIGNS, SIGN)
    for word, kind in (known | dict.fromkeys(numbers, NUMBER_WORD)).items():
        place = find_word(keys, _hash(word))
        keys[place], kinds[place] = _hash(word), kind
        if kind == NUMBER_WORD:
            values[place], digits[place] = numbers[word], hash_number(numbers[word])
    return Vocabulary(keys, kinds, values, digits, _hash(AND))


@compiled
def read_words(stream, size, starts, vocabulary):  # type: ignore[no-untyped-def]
    """Return the [words] hashes, kinds and values (of number words) of a text."""
    count = len(starts)
    hashes, kinds, values = np.empty(count, np.uint64), np.empty(count, np.uint8), np.zeros(count, np.int64)
    for word in range(count):
        at = starts[word]
        length = (starts[word + 1] if word + 1 < count else size) - at
        hashes[word], kinds[word], place = classify(stream, at, length, vocabulary)
        if kinds[word] == NUMBER_WORD:
            values[word] = vocabulary.values[place]
    return hashes, kinds, values


@compiled
def read_number_words(hashes, kinds, values, conjunction):  # type: ignore[no-untyped-def]
    """Return hashes, kinds and first words of the tokens: each number written as words is one, by its digits.

    Signs are left out.
    """
    count = len(hashes)
    out, out_kinds, first = np.empty(count, np.uint64), np.empty(count, np.uint8), np.empty(count, np.int64)
    size = word = 0
    while word < count:
        out[size], out_kinds[size], first[size] = hashes[word], kinds[word], word
        if kinds[word] == SIGN:
            word += 1
            continue
        if kinds[word] != NUMBER_WORD:
            size += 1
            word += 1
            continue
        # As in "two thousand three hundred and forty-five": a group below a thousand, then its scale.
        total: Any = np.int64(0)
        group: Any = np.int64(0)
        last: Any = np.int64(10**12)  # what the number before allows to follow: a smaller one, or a scale
        while word < count:
            if kinds[word] != NUMBER_WORD:
                is_inside = hashes[word] == conjunction and last >= 100 and first[size] < word
                if not (is_inside and word + 1 < count and kinds[word + 1] == NUMBER_WORD and values[word + 1] < 100):
                    break
                word += 1
                continue
            value: Any = values[word]
            if value >= 1000:
                if group == 0 and first[size] < word:
                    break
                total += max(group, 1) * value
                group = 0
                last = value
            elif value == 100:
                if group >= 100 or (group == 0 and first[size] < word and last < 1000):
                    break
                group = max(group, 1) * 100
                last = value
            else:
                is_unit_of_ten = 20 <= last < 100 and 0 < value < 10
                if first[size] < word and last < 100 and not is_unit_of_ten:
                    break
                group += value
                last = value
            word += 1
        out[size], out_kinds[size] = hash_number(total + group), NUMBER
        size += 1
    return out[:size], out_kinds[:size], first[:size]


def read_tokens(form: Canonical) -> Tokens:
    """Return the tokens of a canonical text."""
    words = vocabulary()
    return Tokens(*read_number_words(*read_words(form.buffer, form.size, form.starts, words), words.conjunction))
