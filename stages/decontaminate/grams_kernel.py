"""Find the n-grams of many questions in texts, in one pass over the texts' bytes.

Two kinds of n-grams: three content words, whatever is between them, which other numbers, signs, markup and small words
do not change; and six words of any kind in a row, for questions that are hardly more than a formula. They are compared
by a hash of 64 bits. Only what alignment_kernel.py confirms counts, so a collision costs only time.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mathcode_pile.kernels.compiled import compiled
from stages.decontaminate.canonical_kernel import INLINED, OUTSIDE, SPECIAL_BYTES, fill
from stages.decontaminate.words_kernel import COMMON, CONTENT, FACTOR, NUMBER_WORD, SIGN, classify

# Bytes of the stream that are looked at in one go; they fit in a core's cache.
BLOCK_BYTES = 1 << 16
CONTENT_WORDS, ANY_WORDS = 3, 6
SALT_CONTENT, SALT_ANY = np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9)
# The base of the polynomial that hashes six words, and its sixth power.
BASE = np.uint64(0x9E3779B97F4A7C15)
# What is known of the words so far: two content words, the number of these, that of all words, the sum of six words.
STATE = 5
BASE_6 = np.uint64(pow(0x9E3779B97F4A7C15, ANY_WORDS, 1 << 64))


class Grams(NamedTuple):  # the index as the kernel reads it
    keys: NDArray[np.uint64]
    """[table] hashes of n-grams, 0 where free."""
    numbers: NDArray[np.int64]
    """[table] the number of each n-gram."""
    bits: NDArray[np.uint64]
    """A bitmap of the hashes."""


class Window(NamedTuple):  # the part of a document that is looked at
    stream: NDArray[np.uint8]
    starts: NDArray[np.int64]
    """Of words, in the stream."""
    raw: NDArray[np.int64]
    """Of words, in the document's bytes."""
    hashes: NDArray[np.uint64]
    """Of the n-grams that end in these words and may be in the index."""
    chosen: NDArray[np.int64]
    """The words in which these n-grams end."""


@INLINED
def finish(value):  # type: ignore[no-untyped-def]
    """Let every bit of a sum influence all others; the hash is never 0."""
    value = (value ^ (value >> np.uint64(32))) * FACTOR
    return (value ^ (value >> np.uint64(29))) | np.uint64(1)


@INLINED
def step_content(state, value):  # type: ignore[no-untyped-def]
    """Add a content word to the two before it (state[0], state[1]); return the hash of the three."""
    key = finish((state[0] * BASE + state[1]) * BASE + value + SALT_CONTENT)
    state[0], state[1] = state[1], value
    state[2] += np.uint64(1)
    return key


@INLINED
def step_any(state, recent, value):  # type: ignore[no-untyped-def]
    """Add a word to the last six (recent, of which state[4] is the sum); return the hash of the six."""
    place = np.int64(state[3]) % ANY_WORDS
    state[4] = state[4] * BASE + value - recent[place] * BASE_6
    recent[place] = value
    state[3] += np.uint64(1)
    return finish(state[4] + SALT_ANY)


@compiled
def count_distinct(values):  # type: ignore[no-untyped-def]
    """Return how many of a few values are different."""
    distinct = 0
    for place in range(len(values)):
        is_new = 1
        for before in range(place):
            if values[before] == values[place]:
                is_new = 0
        distinct += is_new
    return distinct


@compiled
def list_grams(stream, size, starts, vocabulary):  # type: ignore[no-untyped-def]
    """Return (hashes, [n-grams, 2] first and last word) of a text's n-grams of content words, and of those of any.

    N-grams that repeat a word again and again are left out: tables of numbers and runs of one sign have them.
    """
    content, every = np.empty(len(starts), np.uint64), np.empty(len(starts), np.uint64)
    content_spans, every_spans = np.empty((len(starts), 2), np.int64), np.empty((len(starts), 2), np.int64)
    content_words, every_words = np.empty(len(starts), np.int64), np.empty(len(starts), np.int64)
    state, recent = np.zeros(STATE, np.uint64), np.zeros(ANY_WORDS, np.uint64)
    contents = everything = 0
    for word in range(len(starts)):
        at = starts[word]
        length = (starts[word + 1] if word + 1 < len(starts) else size) - at
        value, kind, place = classify(stream, at, length, vocabulary)
        if kind != SIGN:
            key = step_any(state, recent, vocabulary.digits[place] if kind == NUMBER_WORD else value)
            seen = np.int64(state[3])
            every_words[seen - 1] = word
            if seen >= ANY_WORDS and count_distinct(recent) > ANY_WORDS // 2:
                every[everything] = key
                every_spans[everything, 0], every_spans[everything, 1] = every_words[seen - ANY_WORDS], word
                everything += 1
        if kind in (CONTENT, COMMON):
            recent_content = state[0], state[1]
            key = step_content(state, value)
            seen = np.int64(state[2])
            content_words[seen - 1] = word
            if seen >= CONTENT_WORDS and recent_content[0] != value and recent_content[1] != value:
                content[contents] = key
                content_spans[contents, 0], content_spans[contents, 1] = content_words[seen - CONTENT_WORDS], word
                contents += 1
    return content[:contents], content_spans[:contents], every[:everything], every_spans[:everything]


@compiled
def find_densest(bounds, items, ends, spans, sizes, share):  # type: ignore[no-untyped-def]
    """Return [groups, 3] (the item's words found, first word, last word) of the part with most of an item's words.

    The first and last word are those of the document where the item would begin and end if nothing were inserted.

    bounds: [groups + 1] of hits of one item in one document, sorted by their place; items: [groups]; ends: [hits] the
    document's word in which the n-gram ends; spans: [hits, 2] the item's words that it has; sizes: [items] words.
    A part is at most twice as long as the item, and 64 words.
    """
    best = np.zeros((len(bounds) - 1, 3), np.int64)
    counts = np.zeros(max(sizes.max(), 1), np.int64)
    for group in range(len(bounds) - 1):
        start, stop = bounds[group], bounds[group + 1]
        size = sizes[items[group]]
        reach = 2 * size + 64
        covered, first = 0, start
        for last in range(start, stop):
            for word in range(spans[last, 0], spans[last, 1] + 1):
                covered += counts[word] == 0
                counts[word] += 1
            while ends[last] - ends[first] > reach:
                for word in range(spans[first, 0], spans[first, 1] + 1):
                    counts[word] -= 1
                    covered -= counts[word] == 0
                first += 1
            if covered >= share * size and covered > best[group, 0]:
                best[group, 0], best[group, 1] = covered, ends[first] - spans[first, 1]
                best[group, 2] = ends[last] + size - 1 - spans[last, 1]
        counts[:size] = 0
    return best


@INLINED
def find_key(keys, value):  # type: ignore[no-untyped-def]
    """Return the place of a hash in a table of keys, or the free place where it belongs."""
    mask = np.uint64(len(keys) - 1)
    place = (value >> np.uint64(16)) & mask
    while keys[place] != 0 and keys[place] != value:
        place = (place + np.uint64(1)) & mask
    return place


@INLINED
def in_bits(bits, value):  # type: ignore[no-untyped-def]
    """Return 1 where a hash may be in a bitmap, 0 where it is not; the size of the bitmap is a power of two."""
    place = (value >> np.uint64(8)) & np.uint64(len(bits) * 64 - 1)
    return (bits[place >> np.uint64(6)] >> (place & np.uint64(63))) & np.uint64(1)


@compiled
def fill_table(hashes, keys, numbers):  # type: ignore[no-untyped-def]
    """Put each n-gram's hash and number into the table."""
    for number in range(len(hashes)):
        place = find_key(keys, hashes[number])
        keys[place], numbers[place] = hashes[number], number


@compiled
def choose_grams(window, size, ready, count, state, recent, vocabulary, bits):  # type: ignore[no-untyped-def]
    """Set window.chosen to the first `ready` words' n-grams that may be in the index; return how many.

    The loop hardly branches on the bitmap, so that cache misses overlap.
    """
    picked = np.int64(0)
    for word in range(ready):
        at = window.starts[word]
        length = (window.starts[word + 1] if word + 1 < count else size) - at
        value, kind, place = classify(window.stream, at, length, vocabulary)
        if kind != SIGN:
            key = step_any(state, recent, vocabulary.digits[place] if kind == NUMBER_WORD else value)
            window.chosen[picked], window.hashes[picked] = word, key
            picked += np.int64(in_bits(bits, key)) & np.int64(state[3] >= ANY_WORDS)
        if kind in (CONTENT, COMMON):
            key = step_content(state, value)
            window.chosen[picked], window.hashes[picked] = word, key
            picked += np.int64(in_bits(bits, key)) & np.int64(state[2] >= CONTENT_WORDS)
    return picked


@compiled
def drop_words(window, size, count, dropped):  # type: ignore[no-untyped-def]
    """Remove the first words from the window; return the bytes and words that remain."""
    shift = window.starts[dropped] if dropped < count else size
    for place in range(size - shift):
        window.stream[place] = window.stream[shift + place]
    for word in range(count - dropped):
        window.starts[word] = window.starts[dropped + word] - shift
        window.raw[word] = window.raw[dropped + word]
    return size - shift, count - dropped


@compiled
def find_grams(data, offsets, tables, vocabulary, grams, block):  # type: ignore[no-untyped-def]
    """Return [hits, 3] (document, n-gram, word in which it ends) in texts data[offsets[d]:offsets[d + 1]].

    Also returns the [texts] numbers of words. tables: canonical_tables.Tables; block: bytes of the stream that are
    looked at in one go.
    """
    found, hits = np.empty((1024, 3), np.int64), 0
    words = np.zeros(len(offsets) - 1, np.int64)
    room = block + SPECIAL_BYTES + 64
    window = Window(
        np.zeros(room + 64, np.uint8),  # a hash may read past the end
        np.empty(room, np.int64),
        np.empty(room, np.int64),
        np.empty(2 * room, np.uint64),
        np.empty(2 * room, np.int64),
    )
    state, recent = np.zeros(STATE, np.uint64), np.zeros(ANY_WORDS, np.uint64)
    for document in range(len(offsets) - 1):
        position, end = offsets[document], offsets[document + 1]
        inside, size, count, seen = OUTSIDE, 0, 0, 0
        state[:], recent[:] = 0, 0
        while True:
            position, inside, size, count = fill(
                data, position, end, inside, window.stream, size, window.starts, window.raw, count, block, tables
            )
            # The last word may not be complete yet. A word as long as a block is cut.
            ready = count - 1 if position < end and count > 1 else count
            picked = choose_grams(window, size, ready, count, state, recent, vocabulary, grams.bits)
            for index in range(picked):
                place = find_key(grams.keys, window.hashes[index])
                if grams.keys[place] != 0:
                    if hits == len(found):
                        found = np.concatenate((found, np.empty_like(found)))
                    found[hits, 0], found[hits, 1] = document, grams.numbers[place]
                    found[hits, 2] = seen + window.chosen[index]
                    hits += 1
            seen += ready
            if position >= end:
                break
            size, count = drop_words(window, size, count, ready)
        words[document] = seen
    return found[:hits], words


def build_grams(hashes: NDArray[np.uint64]) -> Grams:
    """Return the look-up table of n-grams; hashes: [n-grams], all different."""
    size = 1 << max(4, int(2 * len(hashes)).bit_length())
    keys, numbers = np.zeros(size, np.uint64), np.zeros(size, np.int64)
    fill_table(hashes, keys, numbers)
    words = 1 << max(int(len(hashes) // 4).bit_length(), 4)  # at least 16 bits for each hash
    bits = np.zeros(words, np.uint64)
    place = (hashes >> np.uint64(8)) & np.uint64(words * 64 - 1)
    np.bitwise_or.at(bits, (place >> np.uint64(6)).astype(np.int64), np.uint64(1) << (place & np.uint64(63)))
    return Grams(keys, numbers, bits)
