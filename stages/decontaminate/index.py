"""An index of the n-grams of the benchmarks' questions: it finds which parts of documents may contain which of them.

The index is built once and then only read, so forked workers share it.
"""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.kernels.words import text_buffers
from stages.decontaminate.canonical_kernel import canonical, tables
from stages.decontaminate.grams_kernel import BLOCK_BYTES, build_grams, find_grams, list_grams
from stages.decontaminate.words_kernel import Tokens, read_tokens, vocabulary

# An item with fewer n-grams of content words is hardly more than a formula: n-grams of any words find it.
FEW_GRAMS = 10
# A part of a document is compared with an item if it has this share of the item's n-grams, and at least two.
LIKELY_SHARE = 0.12


class Item(NamedTuple):  # one text to search for
    question: int
    """The number of its question."""
    part: str
    """question or solution."""
    text: str


class Candidate(NamedTuple):  # a part of a document that may contain an item
    row: int
    item: int
    first: int
    """first, last: words of the document; n-grams of the item end in these words and in some between them."""
    last: int


class LeakIndex:
    """The n-grams of items, and the items that each n-gram belongs to.

    An item of fewer than min_words words has no n-gram: `streams` finds it where a document is nothing but the item.
    """

    def __init__(self, items: Sequence[Item], min_words: int) -> None:
        self.items = list(items)
        self.streams: dict[bytes, list[int]] = {}
        self.forms: list[bytes] = []
        self.tokens: list[Tokens] = []
        grams, owners = [], []
        self.needed = np.zeros(len(self.items), np.int64)
        for number, item in enumerate(self.items):
            form = canonical(item.text)
            self.forms.append(form.stream)
            self.streams.setdefault(form.stream, []).append(number)
            self.tokens.append(read_tokens(form))
            if len(form) < min_words:
                continue
            content, every = list_grams(form.buffer, form.size, form.starts, vocabulary())
            own = np.unique(content)
            if len(own) < FEW_GRAMS:
                own = np.unique(np.concatenate([content, every]))
            self.needed[number] = min(len(own), max(2, math.ceil(LIKELY_SHARE * len(own))))
            grams.append(own)
            owners.append(np.full(len(own), number))
        hashes = np.concatenate([np.empty(0, np.uint64), *grams])
        distinct, places = np.unique(hashes, return_inverse=True)
        self.grams = build_grams(distinct)
        order = np.argsort(places, kind="stable")
        self._owners = np.concatenate([np.empty(0, np.int64), *owners])[order]
        self._bounds = np.searchsorted(places[order], np.arange(len(distinct) + 1))

    def find(self, texts: pa.Array) -> tuple[list[Candidate], NDArray[np.int64]]:
        """Return the parts of a column of texts that may contain an item, and the texts' numbers of words."""
        data, offsets = text_buffers(texts)
        found, words = find_grams(data, offsets, tables(), vocabulary(), self.grams, BLOCK_BYTES)
        return list(self._candidates(found)), words

    def _candidates(self, found: NDArray[np.int64]) -> Iterator[Candidate]:
        lengths = self._bounds[found[:, 1] + 1] - self._bounds[found[:, 1]]
        inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        hits = np.repeat(found, lengths, axis=0)
        items = self._owners[self._bounds[hits[:, 1]] + inside]
        order = np.lexsort((hits[:, 2], items, hits[:, 0]))
        rows, items, grams, ends = hits[order, 0], items[order], hits[order, 1], hits[order, 2]
        starts = np.flatnonzero(np.diff(rows * len(self.items) + items, prepend=-1))
        stops = np.append(starts[1:], len(rows))
        likely = stops - starts >= self.needed[items[starts]]
        for start, stop in zip(starts[likely].tolist(), stops[likely].tolist(), strict=True):
            item = int(items[start])
            reach = 2 * len(self.tokens[item].hashes) + 64
            part = _densest(ends[start:stop].tolist(), grams[start:stop].tolist(), reach, int(self.needed[item]))
            if part:
                yield Candidate(int(rows[start]), item, *part)


def _densest(ends: list[int], grams: list[int], reach: int, needed: int) -> tuple[int, int] | None:
    """Return the first and last end of the most distinct n-grams within `reach` words; None if fewer than needed."""
    best, where, first = needed - 1, None, 0
    inside: dict[int, int] = {}
    for last, gram in enumerate(grams):
        inside[gram] = inside.get(gram, 0) + 1
        while ends[last] - ends[first] > reach:
            inside[grams[first]] -= 1
            if not inside[grams[first]]:
                del inside[grams[first]]
            first += 1
        if len(inside) > best:
            best, where = len(inside), (ends[first], ends[last])
    return where
