"""An index of the n-grams of the benchmarks' questions: it finds how much of each question a document contains.

The index is built once and then only read, so forked workers share it.
"""

import math
from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mathcode_pile.kernels.words import text_buffers
from stages.decontaminate.canonical_kernel import Canonical, canonical, tables
from stages.decontaminate.grams_kernel import BLOCK_BYTES, build_grams, find_grams

# Appended to the letters and digits of a short item that must match as a whole. No n-gram contains it.
WHOLE = b"."


class Item(NamedTuple):  # one text to search for
    question: int
    """The number of its question."""
    part: str
    """question or solution."""
    text: str


class Hits(NamedTuple):  # n-grams found, sorted by document and then by place
    document: NDArray[np.int64]
    gram: NDArray[np.int64]
    raw: NDArray[np.int64]
    """Where the n-gram's first word starts in the document's UTF-8."""
    words: NDArray[np.int64]
    """[documents] the number of words."""


class LeakIndex:
    """The n-grams of items, and the items that each n-gram belongs to.

    ngram, min_words, min_run: see DecontaminateParams. An item of at least ngram words is found by its n-grams; if
    it has fewer than 2 * ngram words, also by one piece of min_run of its words. A shorter item of at least
    min_words words is found as a whole. An even shorter one is not found.
    """

    def __init__(self, items: Sequence[Item], ngram: int, min_words: int, min_run: float) -> None:
        self.items = list(items)
        self.ngram = ngram
        self.min_words = min_words
        numbers: dict[bytes, int] = {}  # the number of each n-gram; that of a whole item ends in WHOLE
        counted = array("q"), array("q")  # n-grams and their items: each n-gram is a share of its item
        sufficient = array("q"), array("q")  # n-grams and their items: one n-gram is enough to find the item
        self.streams: dict[bytes, list[int]] = {}
        self._share = np.zeros(len(self.items))
        # What the index keeps is allocated first: the memory of the n-grams is freed when the tables are built.
        forms = [canonical(item.text) for item in self.items]
        for number, form in enumerate(forms):
            self.streams.setdefault(form.stream, []).append(number)
        for number, form in enumerate(forms):
            size = len(form)
            if size >= ngram:
                _add(counted, numbers, _runs(form, ngram), number)
                if size < 2 * ngram:
                    run = max(math.ceil(min_run * size), min_words)
                    _add(sufficient, numbers, _runs(form, run), number)
                    self._share[number] = run / size
            elif size >= min_words:
                _add(sufficient, numbers, [form.stream + WHOLE], number)
                self._share[number] = 1.0
        self.grams = build_grams([gram.removesuffix(WHOLE) for gram in numbers], [g.endswith(WHOLE) for g in numbers])
        grams = len(numbers)
        del numbers, forms
        self.size = np.bincount(counted[1], minlength=len(self.items))
        self._counted = _postings(*counted, grams, len(self.items))
        self._sufficient = _postings(*sufficient, grams, len(self.items))
        own, found = (np.array(one + other, np.int64) for one, other in zip(counted, sufficient, strict=True))
        order = np.lexsort((own, found))
        self._items, self._grams = found[order], own[order]

    def find(self, texts: pa.Array) -> Hits:
        """Return the n-grams found in a column of texts."""
        data, offsets = text_buffers(texts)
        found = find_grams(data, offsets, tables(), self.grams, BLOCK_BYTES)
        return Hits(*found)

    def cover(self, hits: Hits) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
        """Return (documents, items, coverage, in one piece) for each pair that has a hit, sorted by document and item.

        coverage: the share of the item's distinct n-grams that the document contains. If the item was found in one
        piece, it is at least that piece's share of the item's words.
        """
        grams, items = len(self.grams.start), max(len(self.items), 1)
        pairs = np.unique(hits.document * grams + hits.gram)
        documents, found = pairs // max(grams, 1), pairs % max(grams, 1)
        counted, number = np.unique(_expand(self._counted, documents, found, items), return_counts=True)
        pieces = np.unique(_expand(self._sufficient, documents, found, items))
        both = np.union1d(counted, pieces)
        coverage = np.zeros(len(both))
        coverage[np.searchsorted(both, counted)] = number / self.size[counted % items]
        whole = np.isin(both, pieces)
        coverage[whole] = np.maximum(coverage[whole], self._share[both[whole] % items])
        return both // items, both % items, coverage, whole

    def places(self, hits: Hits, row: int, item: int) -> list[tuple[int, int]]:
        """Return the place in the text and the length in the stream of each n-gram of an item found in a row."""
        first, last = np.searchsorted(hits.document, [row, row + 1])
        grams = hits.gram[first:last]
        own = np.isin(grams, self._grams[slice(*np.searchsorted(self._items, [item, item + 1]))])
        return list(zip(hits.raw[first:last][own].tolist(), self.grams.length[grams[own]].tolist(), strict=True))


def _runs(form: Canonical, length: int) -> Iterable[bytes]:
    bounds = [*form.starts.tolist(), len(form.stream)]
    return (form.stream[bounds[i] : bounds[i + length]] for i in range(len(form) - length + 1))


def _add(pairs: tuple[array, array], numbers: dict[bytes, int], grams: Iterable[bytes], item: int) -> None:
    """Append the numbers of an item's distinct n-grams, and the item once for each of them."""
    distinct = dict.fromkeys(grams)
    pairs[0].extend(numbers.setdefault(gram, len(numbers)) for gram in distinct)
    pairs[1].extend([item] * len(distinct))


def _postings(found: array, of: array, grams: int, items: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the items of every n-gram: n-gram i has those from bounds[i] to bounds[i + 1] ([n-grams + 1])."""
    pairs = np.unique(np.array(found, np.int64) * items + np.array(of, np.int64))
    return np.searchsorted(pairs, np.arange(grams + 1) * items), pairs % max(items, 1)


def _expand(
    postings: tuple[NDArray[np.int64], NDArray[np.int64]], documents: NDArray, grams: NDArray, items: int
) -> NDArray[np.int64]:
    """Return the (document, item) pairs, each as one number, that (document, n-gram) pairs belong to."""
    bounds, values = postings
    lengths = bounds[grams + 1] - bounds[grams]
    inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(documents, lengths) * items + values[np.repeat(bounds[grams], lengths) + inside]
