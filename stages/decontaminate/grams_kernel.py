"""Find which of many runs of bytes stand in texts, in one pass over the texts' bytes.

The runs are n-grams of the canonical stream (canonical.py). At each word of a text the 32 (16, 6) bytes
that follow are hashed and looked up; what is found is compared byte for byte, so that a hash collision
costs time and nothing else.
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

# Bytes of an n-gram that are hashed: the longest of these that is not longer than the n-gram.
PREFIXES = (32, 16, 6)
SALTS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0x165667B19E3779F9))
FACTOR = np.uint64(0xD6E8FEB86659FD93)
# Of the stream, in bytes, looked at in one go: what fits a core's cache.
BLOCK_BYTES = 1 << 16


class Grams(NamedTuple):  # the index as the kernel reads it
    data: NDArray[np.uint8]
    """All n-grams' bytes, one after another, with 32 bytes to spare."""
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    whole: NDArray[np.bool_]
    """[n-grams] must end where a word of the document ends."""
    keys: NDArray[np.uint64]
    """[table] prefix hashes, empty places 0."""
    first: NDArray[np.int32]
    """[table] place in `order` of the first n-gram with this prefix hash."""
    many: NDArray[np.int32]
    order: NDArray[np.int64]
    filter32: NDArray[np.uint64]
    filter16: NDArray[np.uint64]
    filter6: NDArray[np.uint64]
    longest: int


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
def mix(w0, w1, w2, w3, salt):  # type: ignore[no-untyped-def]
    """Hash four words of 8 bytes."""
    h = (w0 ^ salt) * FACTOR
    h = (h ^ (h >> np.uint64(32)) ^ w1) * FACTOR
    h = (h ^ (h >> np.uint64(29)) ^ w2) * FACTOR
    h = (h ^ (h >> np.uint64(31)) ^ w3) * FACTOR
    return (h ^ (h >> np.uint64(32))) | np.uint64(1)


@compiled
def prefix_hash(stream, at, kind):  # type: ignore[no-untyped-def]
    """Hash the first PREFIXES[kind] bytes of what stands at `at`."""
    zero = np.uint64(0)
    w0 = load8(stream, at)
    if kind == 2:
        return mix(w0 & np.uint64(0xFFFFFFFFFFFF), zero, zero, zero, SALTS[2])
    w1 = load8(stream, at + 8)
    if kind == 1:
        return mix(w0, w1, zero, zero, SALTS[1])
    return mix(w0, w1, load8(stream, at + 16), load8(stream, at + 24), SALTS[0])


@compiled
def in_filter(bits, h):  # type: ignore[no-untyped-def]
    """Say whether a hash may be in a bitmap, whose size is a power of two."""
    place = (h >> np.uint64(8)) & np.uint64(len(bits) * 64 - 1)
    return (bits[place >> np.uint64(6)] >> (place & np.uint64(63))) & np.uint64(1)


@compiled
def hash_grams(data, start, length):  # type: ignore[no-untyped-def]
    """Return each n-gram's prefix hash and which prefix it is of."""
    hashes, kinds = np.empty(len(start), np.uint64), np.empty(len(start), np.int64)
    for g in range(len(start)):
        kinds[g] = 0 if length[g] >= 32 else 1 if length[g] >= 16 else 2
        hashes[g] = prefix_hash(data, start[g], kinds[g])
    return hashes, kinds


@compiled
def fill_table(distinct, first, count, keys, table_first, table_many):  # type: ignore[no-untyped-def]
    """Put each prefix hash into the table, at the next empty place, with its n-grams' place in `order`."""
    mask = np.uint64(len(keys) - 1)
    for k in range(len(distinct)):
        place = (distinct[k] >> np.uint64(16)) & mask
        while keys[place] != 0:
            place = (place + np.uint64(1)) & mask
        keys[place], table_first[place], table_many[place] = distinct[k], first[k], count[k]


@compiled
def choose_starts(stream, n, starts, m, kind, bits, chosen, hashes):  # type: ignore[no-untyped-def]
    """Put the words whose prefix may be in the index into chosen, its hash into hashes; return how many.

    A loop without branches on what it reads, so that its cache misses overlap.
    """
    size = PREFIXES[kind]
    picked = np.int64(0)
    for s in range(m):
        at = starts[s]
        h = prefix_hash(stream, at, kind)
        chosen[picked] = s
        hashes[picked] = h
        picked += np.int64(in_filter(bits, h)) & np.int64(n - at >= size)
    return picked


@compiled
def is_gram(stream, n, starts, m, s, g, gram_data, gram_start, gram_length, whole):  # type: ignore[no-untyped-def]
    """Say whether n-gram g stands at word s of the stream, byte for byte."""
    at, length, origin = starts[s], gram_length[g], gram_start[g]
    if length > n - at:
        return False
    for j in range(length):
        if stream[at + j] != gram_data[origin + j]:
            return False
    if whole[g] and at + length < n:
        after = s + 1
        while after < m and starts[after] < at + length:
            after += 1
        return after < m and starts[after] == at + length
    return True


@compiled
def find_grams(data, offsets, fold, grams, block):  # type: ignore[no-untyped-def]
    """Return (documents, n-grams, raw places, words) found in texts data[offsets[d]:offsets[d + 1]]."""
    gram_data, gram_start, gram_length, whole, keys, first, many, order, filter32, filter16, filter6, longest = grams
    found = np.empty((1024, 3), np.int64)
    hits = 0
    words = np.zeros(len(offsets) - 1, np.int64)
    room = block + longest + 1
    stream = np.zeros(room + SPECIAL_BYTES + 64, np.uint8)
    starts, raw = np.empty(room + SPECIAL_BYTES, np.int64), np.empty(room + SPECIAL_BYTES, np.int64)
    chosen, hashes = np.empty(room + SPECIAL_BYTES, np.int64), np.empty(room + SPECIAL_BYTES, np.uint64)
    mask = np.uint64(len(keys) - 1)
    for d in range(len(offsets) - 1):
        position, end, inside, n, m = offsets[d], offsets[d + 1], False, 0, 0
        while True:
            before = m
            position, inside, n, m = fill(data, position, end, inside, stream, n, starts, raw, m, room, fold)
            words[d] += m - before
            ready = m
            if position < end:  # what an n-gram could run out of waits for the next block
                while ready > 0 and n - starts[ready - 1] <= longest:
                    ready -= 1
            for kind in range(3):
                if kind == 0:
                    picked = choose_starts(stream, n, starts, ready, 0, filter32, chosen, hashes)
                elif kind == 1 and len(filter16) > 1:
                    picked = choose_starts(stream, n, starts, ready, 1, filter16, chosen, hashes)
                elif kind == 2 and len(filter6) > 1:
                    picked = choose_starts(stream, n, starts, ready, 2, filter6, chosen, hashes)
                else:
                    continue
                for c in range(picked):
                    place = (hashes[c] >> np.uint64(16)) & mask
                    while keys[place] != 0 and keys[place] != hashes[c]:
                        place = (place + np.uint64(1)) & mask
                    if keys[place] == 0:
                        continue
                    for k in range(first[place], first[place] + many[place]):
                        g = order[k]
                        if is_gram(stream, n, starts, m, chosen[c], g, gram_data, gram_start, gram_length, whole):
                            if hits == len(found):
                                found = np.concatenate((found, np.empty_like(found)))
                            found[hits, 0], found[hits, 1], found[hits, 2] = d, g, raw[chosen[c]] - offsets[d]
                            hits += 1
            if position >= end:
                break
            shift = starts[ready] if ready < m else n
            for k in range(n - shift):
                stream[k] = stream[shift + k]
            for k in range(m - ready):
                starts[k] = starts[ready + k] - shift
                raw[k] = raw[ready + k]
            n, m = n - shift, m - ready
    return found[:hits, 0], found[:hits, 1], found[:hits, 2], words


def build_grams(grams: Sequence[bytes], whole: Sequence[bool]) -> Grams:
    """Return the look-up tables of n-grams; whole: whether each must end where a word ends."""
    data = np.frombuffer(b"".join(grams) + bytes(32), np.uint8)
    length = np.array([len(gram) for gram in grams], np.int64)
    start = np.cumsum(length) - length
    hashes, kinds = hash_grams(data, start, length)
    order = np.argsort(hashes, kind="stable")
    distinct, first, count = np.unique(hashes[order], return_index=True, return_counts=True)
    size = 1 << max(4, int(2 * len(distinct)).bit_length())
    keys, table_first, table_many = np.zeros(size, np.uint64), np.zeros(size, np.int32), np.zeros(size, np.int32)
    fill_table(distinct, first, count, keys, table_first, table_many)
    filter32, filter16, filter6 = (_filter(np.unique(hashes[kinds == kind])) for kind in range(3))
    longest = int(max(length, default=0)) + 1
    return Grams(
        data,
        start,
        length,
        np.array(whole, np.bool_),
        keys,
        table_first,
        table_many,
        order,
        filter32,
        filter16,
        filter6,
        longest,
    )


def _filter(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return a bitmap with 16 bits and more a hash; a single word where there is none."""
    words = 1 << max(int(len(hashes) // 4).bit_length(), 4) if len(hashes) else 1
    bits = np.zeros(words, np.uint64)
    place = (hashes >> np.uint64(8)) & np.uint64(words * 64 - 1)
    np.bitwise_or.at(bits, (place >> np.uint64(6)).astype(np.int64), np.uint64(1) << (place & np.uint64(63)))
    return bits
