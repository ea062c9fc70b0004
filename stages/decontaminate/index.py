"""The n-grams of the benchmarks' questions, and how much of each question stands in a document.

The index is built once and only read, so forked workers share it.
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

# After the letters and digits of a short item, which counts as a whole only: no n-gram has it.
WHOLE = b"."


class Item(NamedTuple):  # one text to look for
    question: int
    """Number of its question."""
    part: str
    """question or solution."""
    text: str


class Hits(NamedTuple):  # n-grams found, in the order of documents and of places in them
    document: NDArray[np.int64]
    gram: NDArray[np.int64]
    raw: NDArray[np.int64]
    """Where the n-gram's first word starts in the document's UTF-8."""
    words: NDArray[np.int64]
    """[documents] words of each document."""


class LeakIndex:
    """The n-grams of items, and what they belong to.

    items: the texts. ngram, min_words, min_run: see DecontaminateParams. An item of ngram words and more is
    found by its n-grams, and one of fewer than twice as many also in one piece, by runs of min_run of its
    words; one of min_words and more as a whole; a shorter one not at all.
    """

    def __init__(self, items: Sequence[Item], ngram: int, min_words: int, min_run: float) -> None:
        self.items = list(items)
        self.ngram = ngram
        self.min_words = min_words
        numbers: dict[bytes, int] = {}  # of n-grams, those that stand for a whole item marked by WHOLE
        counted = array("q"), array("q")  # n-grams and their items: a share of the item
        sufficient = array("q"), array("q")  # enough alone
        self.streams: dict[bytes, list[int]] = {}
        self._share = np.zeros(len(self.items))
        # What stays is made before the n-grams, whose memory is free again when they are in the tables.
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
        """Return (documents, items, coverage, in one piece) of what hits touch, sorted by document and item.

        coverage: the share of the item's distinct n-grams found in the document; for what was found in one
        piece, at least the share of its words in that piece.
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
        """Return the (raw place, bytes of stream) of an item's n-grams found in a row."""
        first, last = np.searchsorted(hits.document, [row, row + 1])
        grams = hits.gram[first:last]
        own = np.isin(grams, self._grams[slice(*np.searchsorted(self._items, [item, item + 1]))])
        return list(zip(hits.raw[first:last][own].tolist(), self.grams.length[grams[own]].tolist(), strict=True))


def _runs(form: Canonical, length: int) -> Iterable[bytes]:
    bounds = [*form.starts.tolist(), len(form.stream)]
    return (form.stream[bounds[i] : bounds[i + length]] for i in range(len(form) - length + 1))


def _add(pairs: tuple[array, array], numbers: dict[bytes, int], grams: Iterable[bytes], item: int) -> None:
    """Append an item's distinct n-grams, by number, and the item to each of them."""
    distinct = dict.fromkeys(grams)
    pairs[0].extend(numbers.setdefault(gram, len(numbers)) for gram in distinct)
    pairs[1].extend([item] * len(distinct))


def _postings(found: array, of: array, grams: int, items: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """[n-grams + 1] bounds, and the items between them."""
    pairs = np.unique(np.array(found, np.int64) * items + np.array(of, np.int64))
    return np.searchsorted(pairs, np.arange(grams + 1) * items), pairs % max(items, 1)


def _expand(
    postings: tuple[NDArray[np.int64], NDArray[np.int64]], documents: NDArray, grams: NDArray, items: int
) -> NDArray[np.int64]:
    """[(document, item) as one number] of (document, n-gram) pairs."""
    bounds, values = postings
    lengths = bounds[grams + 1] - bounds[grams]
    inside = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return np.repeat(documents, lengths) * items + values[np.repeat(bounds[grams], lengths) + inside]
