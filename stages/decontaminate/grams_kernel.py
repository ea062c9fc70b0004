"""Find many n-grams in texts, in one pass over the texts' bytes.

An n-gram is a run of bytes of the canonical stream (canonical_kernel.py). At each word of a text the next 32, 16 and 6
bytes are hashed and looked up. What is found is compared byte for byte, so a hash collision costs only time.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from mathcode_pile.kernels.compiled import compiled
from stages.decontaminate.canonical_kernel import SPECIAL_BYTES, fill

# How many bytes of an n-gram are hashed: the most of these that the n-gram has.
PREFIXES = (32, 16, 6)
LONG, MIDDLE, SHORT = range(3)  # places in PREFIXES
SALTS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))
SIX_BYTES = np.uint64(0xFFFFFFFFFFFF)
FACTOR = np.uint64(0xD6E8FEB86659FD93)
# Bytes of the stream that are looked at in one go; they fit in a core's cache.
BLOCK_BYTES = 1 << 16


class Grams(NamedTuple):  # the index as the kernel reads it
    data: NDArray[np.uint8]
    """All n-grams' bytes, one after another, and 32 bytes more, so that a prefix can be read anywhere."""
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    whole: NDArray[np.bool_]
    """[n-grams] whether it must end where a word of the document ends."""
    keys: NDArray[np.uint64]
    """[table] prefix hashes, 0 where free."""
    first: NDArray[np.int32]
    """[table] place in `order` of the first n-gram with this prefix hash."""
    many: NDArray[np.int32]
    """[table] how many n-grams have this prefix hash."""
    order: NDArray[np.int64]
    """[n-grams] their numbers, sorted by prefix hash."""
    filter32: NDArray[np.uint64]
    """A bitmap of the hashes of 32-byte prefixes."""
    filter16: NDArray[np.uint64]
    filter6: NDArray[np.uint64]
    longest: int
    """One more than the bytes of the longest n-gram."""


class Window(NamedTuple):  # the part of a document that is looked at
    stream: NDArray[np.uint8]
    starts: NDArray[np.int64]
    """Of words, in the stream."""
    raw: NDArray[np.int64]
    """Of words, in the document's bytes."""
    chosen: NDArray[np.int64]
    """Words whose prefix may be in the index."""
    hashes: NDArray[np.uint64]
    """Of the chosen words' prefixes."""


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


@compiled
def mix_words(w0, w1, w2, w3, salt):  # type: ignore[no-untyped-def]
    """Hash four times 8 bytes; the hash is never 0."""
    value = (w0 ^ salt) * FACTOR
    value = (value ^ (value >> np.uint64(32)) ^ w1) * FACTOR
    value = (value ^ (value >> np.uint64(29)) ^ w2) * FACTOR
    value = (value ^ (value >> np.uint64(31)) ^ w3) * FACTOR
    return (value ^ (value >> np.uint64(32))) | np.uint64(1)


@compiled
def prefix_hash(stream, at, kind):  # type: ignore[no-untyped-def]
    """Hash the PREFIXES[kind] bytes that start at `at`."""
    zero = np.uint64(0)
    w0 = load8(stream, at)
    if kind == SHORT:
        return mix_words(w0 & SIX_BYTES, zero, zero, zero, SALTS[SHORT])
    w1 = load8(stream, at + 8)
    if kind == MIDDLE:
        return mix_words(w0, w1, zero, zero, SALTS[MIDDLE])
    return mix_words(w0, w1, load8(stream, at + 16), load8(stream, at + 24), SALTS[LONG])


@compiled
def in_filter(bits, value):  # type: ignore[no-untyped-def]
    """Return 1 where a hash may be in a bitmap, 0 where it is not; the size of the bitmap is a power of two."""
    place = (value >> np.uint64(8)) & np.uint64(len(bits) * 64 - 1)
    return (bits[place >> np.uint64(6)] >> (place & np.uint64(63))) & np.uint64(1)


@compiled
def hash_grams(data, start, length):  # type: ignore[no-untyped-def]
    """Return each n-gram's prefix hash, and which of PREFIXES it is of."""
    hashes, kinds = np.empty(len(start), np.uint64), np.empty(len(start), np.int64)
    for gram in range(len(start)):
        kinds[gram] = LONG if length[gram] >= PREFIXES[LONG] else MIDDLE if length[gram] >= PREFIXES[MIDDLE] else SHORT
        hashes[gram] = prefix_hash(data, start[gram], kinds[gram])
    return hashes, kinds


@compiled
def find_key(keys, value):  # type: ignore[no-untyped-def]
    """Return the place of a hash in a table of keys, or the free place where it belongs."""
    mask = np.uint64(len(keys) - 1)
    place = (value >> np.uint64(16)) & mask
    while keys[place] != 0 and keys[place] != value:
        place = (place + np.uint64(1)) & mask
    return place


@compiled
def fill_table(distinct, first, count, keys, table_first, table_many):  # type: ignore[no-untyped-def]
    """Put each prefix hash into the table, with the place of its n-grams in `order` and their number."""
    for index in range(len(distinct)):
        place = find_key(keys, distinct[index])
        keys[place], table_first[place], table_many[place] = distinct[index], first[index], count[index]


@compiled
def choose_starts(window, size, ready, kind, bits):  # type: ignore[no-untyped-def]
    """Set window.chosen to those of the first `ready` words whose prefix may be in the index; return how many.

    The loop does not branch on what it reads, so that cache misses overlap.
    """
    picked = np.int64(0)
    for word in range(ready):
        at = window.starts[word]
        value = prefix_hash(window.stream, at, kind)
        window.chosen[picked] = word
        window.hashes[picked] = value
        picked += np.int64(in_filter(bits, value)) & np.int64(size - at >= PREFIXES[kind])
    return picked


@compiled
def is_gram(window, size, count, word, grams, gram):  # type: ignore[no-untyped-def]
    """Tell whether an n-gram starts at a word of the window, byte for byte."""
    at, length, origin = window.starts[word], grams.length[gram], grams.start[gram]
    if length > size - at:
        return False
    for place in range(length):
        if window.stream[at + place] != grams.data[origin + place]:
            return False
    if grams.whole[gram] and at + length < size:
        after = word + 1
        while after < count and window.starts[after] < at + length:
            after += 1
        return after < count and window.starts[after] == at + length
    return True


@compiled
def add_found(window, size, count, picked, grams, document, offset, found, hits):  # type: ignore[no-untyped-def]
    """Append (document, n-gram, raw place) for each n-gram that starts at a chosen word; return found and hits."""
    for index in range(picked):
        place = find_key(grams.keys, window.hashes[index])
        if grams.keys[place] == 0:
            continue
        word = window.chosen[index]
        for position in range(grams.first[place], grams.first[place] + grams.many[place]):
            gram = grams.order[position]
            if is_gram(window, size, count, word, grams, gram):
                if hits == len(found):
                    found = np.concatenate((found, np.empty_like(found)))
                found[hits, 0], found[hits, 1], found[hits, 2] = document, gram, window.raw[word] - offset
                hits += 1
    return found, hits


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
def find_grams(data, offsets, fold, grams, block):  # type: ignore[no-untyped-def]
    """Return (documents, n-grams, raw places) found in texts data[offsets[d]:offsets[d + 1]], and [texts] words.

    fold: canonical_kernel.Tables; block: bytes of the stream that are looked at in one go.
    """
    found, hits = np.empty((1024, 3), np.int64), 0
    words = np.zeros(len(offsets) - 1, np.int64)
    limit = block + grams.longest + 1
    room = limit + SPECIAL_BYTES
    window = Window(
        np.zeros(room + 64, np.uint8),  # a prefix may be read past the end
        np.empty(room, np.int64),
        np.empty(room, np.int64),
        np.empty(room, np.int64),
        np.empty(room, np.uint64),
    )
    for document in range(len(offsets) - 1):
        offset, end = offsets[document], offsets[document + 1]
        position, inside, size, count = offset, False, 0, 0
        while True:
            before = count
            position, inside, size, count = fill(
                data, position, end, inside, window.stream, size, window.starts, window.raw, count, limit, fold
            )
            words[document] += count - before
            ready = count
            if position < end:  # words whose n-grams may not be complete yet wait for the next block
                while ready > 0 and size - window.starts[ready - 1] <= grams.longest:
                    ready -= 1
            picked = choose_starts(window, size, ready, LONG, grams.filter32)
            found, hits = add_found(window, size, count, picked, grams, document, offset, found, hits)
            if len(grams.filter16) > 1:
                picked = choose_starts(window, size, ready, MIDDLE, grams.filter16)
                found, hits = add_found(window, size, count, picked, grams, document, offset, found, hits)
            if len(grams.filter6) > 1:
                picked = choose_starts(window, size, ready, SHORT, grams.filter6)
                found, hits = add_found(window, size, count, picked, grams, document, offset, found, hits)
            if position >= end:
                break
            size, count = drop_words(window, size, count, ready)
    return found[:hits, 0], found[:hits, 1], found[:hits, 2], words


def build_grams(grams: Sequence[bytes], whole: Sequence[bool]) -> Grams:
    """Return the look-up tables of n-grams; whole: whether each must end where a word ends."""
    data = np.frombuffer(b"".join(grams) + bytes(PREFIXES[LONG]), np.uint8)
    length = np.array([len(gram) for gram in grams], np.int64)
    start = np.cumsum(length) - length
    hashes, kinds = hash_grams(data, start, length)
    order = np.argsort(hashes, kind="stable")
    distinct, first, count = np.unique(hashes[order], return_index=True, return_counts=True)
    size = 1 << max(4, int(2 * len(distinct)).bit_length())
    keys, table_first, table_many = np.zeros(size, np.uint64), np.zeros(size, np.int32), np.zeros(size, np.int32)
    fill_table(distinct, first, count, keys, table_first, table_many)
    filters = {f"filter{PREFIXES[kind]}": _make_filter(np.unique(hashes[kinds == kind])) for kind in range(3)}
    return Grams(
        data=data,
        start=start,
        length=length,
        whole=np.array(whole, np.bool_),
        keys=keys,
        first=table_first,
        many=table_many,
        order=order,
        longest=int(max(length, default=0)) + 1,
        **filters,
    )


def _make_filter(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a bitmap with at least 16 bits a hash; a single word where there is no hash."""
    words = 1 << max(int(len(hashes) // 4).bit_length(), 4) if len(hashes) else 1
    bits = np.zeros(words, np.uint64)
    place = (hashes >> np.uint64(8)) & np.uint64(words * 64 - 1)
    np.bitwise_or.at(bits, (place >> np.uint64(6)).astype(np.int64), np.uint64(1) << (place & np.uint64(63)))
    return bits
